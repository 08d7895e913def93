package content

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
)

// The limits of a feed. It is read completely, and each of its elements takes about 400 bytes.
const (
	maxFeed     = 16 << 20
	maxElements = 100_000
)

// feedItems reads RSS, Atom and JSON Feed. base is the URL of the feed, or "".
func feedItems(file, base string, r io.Reader) iter.Seq[record] {
	return func(yield func(record) bool) {
		raw, err := io.ReadAll(io.LimitReader(r, maxFeed+1))
		if err != nil {
			yield(bad(sourcePos{file: file}, brokenError{fmt.Errorf("read %s: %w", file, err)}))
			return
		}
		feed, err := parseFeed(raw)
		if err != nil {
			yield(bad(sourcePos{file: file, line: 1}, err))
			return
		}
		from, _ := url.Parse(cmp.Or(feed.Link, base)) // nil if it is invalid
		lines := locator{rest: raw, line: 1}
		for _, entry := range feed.Items {
			if !yield(record{sourcePos{file: file, line: lines.of(entry)}, func() (Item, error) { return feedItem(entry, from) }}) {
				return
			}
		}
	}
}

func parseFeed(raw []byte) (*gofeed.Feed, error) {
	if len(raw) > maxFeed {
		return nil, fmt.Errorf("feed: must be at most %d MiB", maxFeed>>20)
	}
	if elements(raw) > maxElements {
		return nil, fmt.Errorf("feed: must have at most %d elements", maxElements)
	}
	feed, err := gofeed.NewParser().Parse(bytes.NewReader(raw))
	if errors.Is(err, gofeed.ErrFeedTypeNotDetected) || err == nil && feed.FeedType == "json" && feed.FeedVersion == "" {
		return nil, errors.New("must be RSS, Atom or JSON Feed; a web page names its feed in <link rel=\"alternate\">")
	}
	if err != nil {
		return nil, fmt.Errorf("invalid feed: %w", err)
	}
	return feed, nil
}

// elements returns the maximum number of elements of XML, or of objects and lists of JSON, in a
// feed.
func elements(raw []byte) int {
	return bytes.Count(raw, []byte("<")) - bytes.Count(raw, []byte("</")) + bytes.Count(raw, []byte("{")) + bytes.Count(raw, []byte("["))
}

// locator finds the lines of a feed's entries, which the parser does not return. It searches for
// the entries' own names, one after another. If a search fails, it returns 0 from then on, so that
// it does not search the feed repeatedly.
type locator struct {
	rest []byte
	line int
}

func (l *locator) of(e *gofeed.Item) int {
	// What follows an & can be written in several ways.
	name, _, _ := strings.Cut(cmp.Or(e.GUID, e.Link, e.Title), "&")
	for name != "" {
		i := bytes.Index(l.rest, []byte(name))
		if i < 0 {
			break
		}
		end := i + len(name)
		alone := i > 0 && strings.IndexByte(">\"[ \n", l.rest[i-1]) >= 0 && end < len(l.rest) && strings.IndexByte("<\"]& \r\n", l.rest[end]) >= 0
		l.line += bytes.Count(l.rest[:end], []byte("\n"))
		l.rest = l.rest[end:]
		if alone {
			return l.line
		}
	}
	*l = locator{}
	return 0
}

// feedItem makes an item from an entry. The operator usually can't correct a feed, so texts that
// are too long are cut, and a missing title is taken from the text.
func feedItem(e *gofeed.Item, base *url.URL) (it Item, err error) {
	it = Item{
		Body:    cmp.Or(e.Content, e.Description),
		Summary: cut(plainText(e.Description, 4*maxSummary), maxSummary/4),
		URL:     resolve(base, e.Link),
	}
	for _, c := range e.Categories[:min(len(e.Categories), maxTags)] {
		it.Tags = append(it.Tags, cut(c, maxTag))
	}
	it.ID = feedID(cmp.Or(e.GUID, e.Link))
	it.Title = cut(cmp.Or(plainText(e.Title, maxTitle*4), plainText(it.Body, 400)), maxTitle/4)
	if e.Image != nil {
		it.Image = resolve(base, e.Image.URL)
	}
	if e.Content == "" {
		it.Summary = "" // Clean takes it from the body
	}
	if len(e.Authors) > 0 && e.Authors[0] != nil && e.Authors[0].Name != "" {
		it.attribute("author", e.Authors[0].Name)
	}
	if it.PublishedAt, err = feedDate("published", e.Published, e.PublishedParsed); err == nil {
		it.UpdatedAt, err = feedDate("updated", e.Updated, e.UpdatedParsed)
	}
	return it, err
}

// feedID makes an id from an entry's own, which is often a URL. The last part of the path makes it
// readable, and the hash makes it unique.
func feedID(guid string) string {
	if guid == "" {
		return "" // Check reports it as missing
	}
	last := slug(path.Base(strings.TrimRight(guid, "/")))
	return strings.TrimLeft(last[:min(len(last), 60)]+"-"+hash(guid), "-.")
}

func feedDate(field, s string, t *time.Time) (time.Time, error) {
	if t == nil && strings.TrimSpace(s) != "" {
		return time.Time{}, fmt.Errorf("%s %s: must be a date", field, quote(s))
	}
	if t == nil {
		return time.Time{}, nil
	}
	return t.UTC(), nil
}

// resolve returns an absolute URL, relative to the feed's if base is not nil.
func resolve(base *url.URL, s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if s == "" || err != nil || base == nil || u.IsAbs() {
		return s
	}
	return base.ResolveReference(u).String()
}
