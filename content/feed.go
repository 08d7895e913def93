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
	"stile.example/stile/content/ids"
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
		entries := feedEntries{file: file, first: map[string]int{}, yield: yield}
		err = feed.Parse(raw, base, entries.add)
		at := sourcePos{file: file, line: 1}
		if e, ok := errors.AsType[*xml.SyntaxError](err); ok {
			at.line = e.Line
		}
		if e, ok := errors.AsType[feed.Error](err); ok {
			at.line = e.Line
		}
		if err != nil {
			yield(bad(at, restError{err}))
		}
	}
}

// feedEntries yields the entries of a feed. The publisher of a feed rarely corrects it for one
// reader, so what can't be used of an entry is dropped, with a notice.
type feedEntries struct {
	file  string
	first map[string]int // lines, by the keys of entries
	yield func(record) bool
}

// add yields the notices about an entry, and the entry unless it is repeated.
func (f *feedEntries) add(e feed.Entry) bool {
	at := sourcePos{file: f.file, line: e.Line}
	if line, repeated := f.first[e.Key]; repeated && e.Key != "" {
		first := sourcePos{file: f.file, line: line}
		return f.yield(bad(at, notice(fmt.Sprintf("id %s is repeated: %v has it already, and is imported", quote(feedID(e.Key)), first))))
	}
	f.first[e.Key] = e.Line
	for _, n := range usable(&e) {
		if !f.yield(bad(at, n)) {
			return false
		}
	}
	return f.yield(record{at, func() (Item, error) { return feedItem(e) }})
}

// usable drops what can't be used of an entry, and returns notices of it.
func usable(e *feed.Entry) (dropped []notice) {
	for _, d := range []struct {
		name string
		date *feed.Date
	}{{"published", &e.Published}, {"updated", &e.Updated}} {
		if d.date.Time == nil && strings.TrimSpace(d.date.Text) != "" {
			dropped = append(dropped, notice(fmt.Sprintf("%s %s: is ignored; must be a date such as Mon, 06 May 2024 07:08:09 +0000 or 2024-05-06T07:08:09Z", d.name, quote(d.date.Text))))
		}
	}
	u, err := url.Parse(e.URL)
	if relative := err == nil && !u.IsAbs(); relative {
		return dropped // feedItem says what to do
	}
	if err := checkURL("url", e.URL); err != nil {
		dropped = append(dropped, notice("is imported without its link: "+err.Error()))
		e.URL = ""
	}
	return dropped
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
	it.PublishedAt, it.UpdatedAt = feedDate(e.Published), feedDate(e.Updated)
	if it.ID == "" {
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
	last := ids.Of(path.Base(strings.TrimRight(guid, "/")))
	return strings.TrimLeft(last[:min(len(last), 60)]+"-"+ids.Hash(guid), "-.")
}

// feedDate returns a date, or the zero time if there is none that can be read.
func feedDate(d feed.Date) (t time.Time) {
	if d.Time != nil {
		t = d.Time.UTC()
	}
	return t
}
