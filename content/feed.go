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

// The limits of a feed. It is read whole, and each element of it takes some
// 400 bytes.
const (
	maxFeed     = 16 << 20
	maxElements = 100_000
)

// feedItems reads RSS, Atom and JSON Feed. base is the address that it came from, if any.
func feedItems(file, base string, r io.Reader) iter.Seq[record] {
	return func(yield func(record) bool) {
		raw, err := io.ReadAll(io.LimitReader(r, maxFeed+1))
		if err != nil {
			yield(bad(sourcePos{file, 0}, brokenError{fmt.Errorf("read %s: %w", file, err)}))
			return
		}
		feed, err := parseFeed(raw)
		if err != nil {
			yield(bad(sourcePos{file, 1}, err))
			return
		}
		from, _ := url.Parse(cmp.Or(feed.Link, base)) // nil if it is none
		lines := locator{rest: raw, line: 1}
		for _, entry := range feed.Items {
			if !yield(record{sourcePos{file, lines.of(entry)}, func() (Item, error) { return feedItem(entry, from) }}) {
				return
			}
		}
	}
}

func parseFeed(raw []byte) (*gofeed.Feed, error) {
	if len(raw) > maxFeed {
		return nil, fmt.Errorf("feed has more than %d MiB", maxFeed>>20)
	}
	if elements(raw) > maxElements {
		return nil, fmt.Errorf("feed has more than %d elements", maxElements)
	}
	feed, err := gofeed.NewParser().Parse(bytes.NewReader(raw))
	if errors.Is(err, gofeed.ErrFeedTypeNotDetected) || err == nil && feed.FeedType == "json" && feed.FeedVersion == "" {
		return nil, errors.New("is no RSS, Atom or JSON Feed; a web page names its feed in <link rel=\"alternate\">")
	}
	if err != nil {
		return nil, fmt.Errorf("is no good feed: %w", err)
	}
	return feed, nil
}

// elements is how many elements of XML, or objects and lists of JSON, a feed
// can have.
func elements(raw []byte) int {
	return bytes.Count(raw, []byte("<")) - bytes.Count(raw, []byte("</")) + bytes.Count(raw, []byte("{")) + bytes.Count(raw, []byte("["))
}

// locator finds the lines of a feed's entries, which the parser does not keep,
// by looking for their own names one after the other. Once it has lost its way
// it says 0, rather than look through the feed again and again.
type locator struct {
	rest []byte
	line int
}

func (l *locator) of(e *gofeed.Item) int {
	name, _, _ := strings.Cut(cmp.Or(e.GUID, e.Link, e.Title), "&") // what follows is written in several ways
	for name != "" {
		i := bytes.Index(l.rest, []byte(name))
		if i < 0 {
			break
		}
		end := i + len(name)
		stands := i > 0 && strings.IndexByte(">\"[ \n", l.rest[i-1]) >= 0 && end < len(l.rest) && strings.IndexByte("<\"]& \r\n", l.rest[end]) >= 0
		l.line += bytes.Count(l.rest[:end], []byte("\n"))
		l.rest = l.rest[end:]
		if stands {
			return l.line
		}
	}
	*l = locator{}
	return 0
}

// feedItem makes an item of an entry. Whoever imports a feed can seldom mend
// it, so what is only too long is cut, and a title that is missing is made of
// the text.
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
		it.Summary = "" // of the body, then
	}
	if len(e.Authors) > 0 && e.Authors[0] != nil && e.Authors[0].Name != "" {
		it.attribute("author", e.Authors[0].Name)
	}
	if it.PublishedAt, err = feedDate("published", e.Published, e.PublishedParsed); err == nil {
		it.UpdatedAt, err = feedDate("updated", e.Updated, e.UpdatedParsed)
	}
	return it, err
}

// feedID makes an id of an entry's own, which is often an address: the last
// part of its path can be read, its hash keeps it apart from others.
func feedID(guid string) string {
	if guid == "" {
		return "" // Check says that it is missing
	}
	last := slug(path.Base(strings.TrimRight(guid, "/")))
	return strings.TrimLeft(last[:min(len(last), 60)]+"-"+hash(guid), "-.")
}

func feedDate(field, s string, t *time.Time) (time.Time, error) {
	if t == nil && strings.TrimSpace(s) != "" {
		return time.Time{}, fmt.Errorf("%s %s is no date", field, quote(s))
	}
	if t == nil {
		return time.Time{}, nil
	}
	return t.UTC(), nil
}

// resolve is an address as it is, or seen from the feed's.
func resolve(base *url.URL, s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if s == "" || err != nil || base == nil || u.IsAbs() {
		return s
	}
	return base.ResolveReference(u).String()
}
