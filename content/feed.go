package content

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"path"
	"strings"
	"time"

	"stile.example/stile/content/feed"
	"stile.example/stile/content/plain"
)

// maxFeed is the maximum size of a feed. It is read completely.
const maxFeed = 16 << 20

// feedItems reads RSS, Atom and JSON Feed. base is the URL of the feed, or anything else.
func feedItems(file, base string, r io.Reader) iter.Seq[record] {
	return func(yield func(record) bool) {
		raw, err := io.ReadAll(io.LimitReader(r, maxFeed+1))
		if err != nil {
			yield(bad(sourcePos{file: file}, brokenError{fmt.Errorf("read %s: %w", file, err)}))
			return
		}
		if len(raw) > maxFeed {
			yield(bad(sourcePos{file: file, line: 1}, fmt.Errorf("feed: must be at most %d MiB", maxFeed>>20)))
			return
		}
		err = feed.Parse(raw, base, func(e feed.Entry) bool {
			return yield(record{sourcePos{file: file, line: e.Line}, func() (Item, error) { return feedItem(e) }})
		})
		at := sourcePos{file: file, line: 1}
		if e, ok := errors.AsType[*xml.SyntaxError](err); ok {
			at.line = e.Line
		}
		if e, ok := errors.AsType[feed.Error](err); ok {
			at.line = e.Line
		}
		if err != nil {
			yield(bad(at, err))
		}
	}
}

// feedItem makes an item from an entry. The operator usually can't correct a feed, so texts that
// are too long are cut, and a missing title is taken from the text.
func feedItem(e feed.Entry) (it Item, err error) {
	it = Item{
		ID:      feedID(e.Key),
		Title:   plainText(e.Title, maxTitle*4),
		Summary: plain.Keep(cut(plainText(e.Summary, 4*maxSummary), maxSummary/4)),
		Body:    e.Body,
		Image:   e.Image,
		URL:     e.URL,
	}
	if it.Title == "" {
		it.Title = plainText(it.Body, 400)
	}
	it.Title = cut(it.Title, maxTitle/4)
	for _, tag := range e.Tags[:min(len(e.Tags), maxTags)] {
		it.Tags = append(it.Tags, cut(tag, maxTag))
	}
	if e.Author != "" {
		it.attribute("author", e.Author)
	}
	if u, err := url.Parse(it.URL); it.URL != "" && err == nil && !u.IsAbs() {
		return it, fmt.Errorf("url %s: is relative, and the feed does not say to what; import the feed from its URL", quote(it.URL))
	}
	if it.PublishedAt, err = feedDate("published", e.Published); err == nil {
		it.UpdatedAt, err = feedDate("updated", e.Updated)
	}
	if err == nil && it.ID == "" {
		err = errors.New("id is missing: the entry has no id, no link, no title and no text")
	}
	return it, err
}

// feedID makes an id from what identifies an entry, which is often a URL. The last part of the path
// makes it readable, and the hash makes it unique.
func feedID(guid string) string {
	if guid == "" {
		return ""
	}
	last := slug(path.Base(strings.TrimRight(guid, "/")))
	return strings.TrimLeft(last[:min(len(last), 60)]+"-"+hash(guid), "-.")
}

func feedDate(field string, d feed.Date) (t time.Time, err error) {
	switch {
	case d.Time != nil:
		t = d.Time.UTC()
	case strings.TrimSpace(d.Text) != "":
		err = fmt.Errorf("%s %s: must be a date", field, quote(d.Text))
	}
	return t, err
}
