package content

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"stile.example/stile/content/ids"
	"stile.example/stile/corpus/words"
)

// Maximum sizes of an item. Together they keep an exported item shorter than a line may be in an
// import.
const (
	maxCollection = 128       // characters
	maxTitle      = 500       // characters
	maxSummary    = 2_000     // characters
	maxBody       = 400 << 10 // bytes, sanitised
	maxURL        = 2_048     // bytes
	maxTags       = 64
	maxTag        = 128 // characters
	maxAttributes = 64
	maxName       = 64       // characters of an attribute's name
	maxDepth      = 4        // nesting of lists and objects in an attribute
	maxValues     = 64 << 10 // bytes of all attributes as JSON
)

// Check returns an error that names the first invalid field of an item, or nil. Items from [Read]
// have passed it. Other items must be cleaned by [Clean] first.
func Check(it *Item) error {
	for _, c := range checks(it) {
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// checked is a field with what is wrong with it, or nil.
type checked struct {
	field string
	err   error
}

// checks checks the fields of an item.
func checks(it *Item) []checked {
	return []checked{
		{"id", checkID(it.ID)},
		{"collection", checkText("collection", it.Collection, maxCollection)},
		{"title", checkTitle(it.Title)},
		{"summary", checkText("summary", it.Summary, maxSummary)},
		{"body", checkBody(it.Body)},
		{"image", checkURL("image", it.Image)},
		{"url", checkURL("url", it.URL)},
		{"tags", checkTags(it.Tags)},
		{"attributes", checkAttributes(it.Attributes)},
		{"published_at", checkTime("published_at", it.PublishedAt)},
		{"updated_at", checkTime("updated_at", it.UpdatedAt)},
	}
}

func checkID(id string) error {
	switch {
	case id == "":
		return errors.New("id is missing")
	case len(id) > ids.MaxLen:
		return fmt.Errorf("id: must be at most %d characters, not %d", ids.MaxLen, utf8.RuneCountInString(id))
	case strings.ContainsFunc(id, func(r rune) bool { return !ids.Allows(r) }):
		return fmt.Errorf("id %s: must contain only A-Z a-z 0-9 . _ -", quote(id))
	}
	return nil
}

func checkTitle(s string) error {
	if words.Trim(s) == "" {
		return errors.New("title is missing")
	}
	return checkText("title", s, maxTitle)
}

func checkText(field, s string, limit int) error {
	if err := checkUTF8(field, s); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return fmt.Errorf("%s: must be at most %d characters, not %d", field, limit, n)
	}
	return nil
}

func checkUTF8(field, s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s: must be UTF-8", field)
	}
	if strings.ContainsFunc(s, isControl) {
		return fmt.Errorf("%s: must not have control characters", field)
	}
	return nil
}

func checkBody(s string) error {
	if len(s) > maxBody {
		return fmt.Errorf("body: must be at most %d bytes of HTML, not %d", maxBody, len(s))
	}
	return checkUTF8("body", s)
}

func checkURL(field, s string) error {
	if s == "" {
		return nil
	}
	if len(s) > maxURL {
		return fmt.Errorf("%s: must be at most %d bytes, not %d", field, maxURL, len(s))
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, isBlank) {
		return fmt.Errorf("%s %s: must be an http:// or https:// URL", field, quote(s))
	}
	return nil
}

func isBlank(r rune) bool { return r <= ' ' || isControl(r) }

func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return fmt.Errorf("tags: must be at most %d, not %d", maxTags, len(tags))
	}
	for i, t := range tags {
		if t == "" {
			return errors.New("tags: must not be empty texts")
		}
		if err := checkText(fmt.Sprintf("tags[%d]", i), t, maxTag); err != nil {
			return err
		}
	}
	return nil
}

func checkTime(field string, t time.Time) error {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return fmt.Errorf("%s: must have a year from 1 to 9999, not %d", field, y)
	}
	return nil
}

// quote returns text from outside for a message: shortened, and with characters escaped that could
// move a terminal's cursor.
func quote(s string) string {
	if r := []rune(s[:min(len(s), 400)]); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
