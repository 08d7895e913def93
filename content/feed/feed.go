// Package feed reads RSS, Atom and JSON Feed, as they are in the wild, and says what each entry
// means: which of its texts are HTML and which are not, where its links lead, and which picture it
// has. All texts of an [Entry] are HTML. They are not sanitised.
//
// The parser gofeed reads the elements. It keeps neither the types of Atom's texts nor the lines,
// and it treats each xml:base as a folder. So scan reads those in advance.
package feed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	jsonfeed "github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
)

// Entry is an entry of a feed. Title, Summary and Body are HTML.
type Entry struct {
	Line    int    // 0 if it is unknown
	Key     string // what identifies the entry: its id, its link, or its title and date
	Title   string
	Summary string // empty if the entry has one text only, which is the body
	Body    string
	URL     string
	Image   string // an absolute http or https URL, or empty
	Tags    []string
	Author  string

	Published, Updated Date
}

// Date is a date as written. Time is nil if it is missing or can't be read.
type Date struct {
	Text string
	Time *time.Time
}

// maxElements bounds the memory. An element takes about 400 bytes.
const maxElements = 100_000

// Parse yields the entries of a feed, until yield returns false. address is the URL that it came
// from, or anything else.
func Parse(raw []byte, address string, yield func(Entry) bool) error {
	if elements(raw) > maxElements {
		return fmt.Errorf("feed: must have at most %d elements", maxElements)
	}
	parse := parseXML
	if start := bytes.TrimSpace(raw); len(start) > 0 && start[0] == '{' {
		parse = parseJSON
	}
	err := parse(raw, address, &giver{to: yield})
	if err == errStopped {
		return nil
	}
	return err
}

// elements returns the maximum number of elements of XML, or of objects and lists of JSON, in a
// feed.
func elements(raw []byte) int {
	return bytes.Count(raw, []byte("<")) - bytes.Count(raw, []byte("</")) + bytes.Count(raw, []byte("{")) + bytes.Count(raw, []byte("["))
}

var errNotFeed = errors.New("must be RSS, Atom or JSON Feed; a web page names its feed in <link rel=\"alternate\">")

var errEmpty = errors.New("the feed has no entries")

func parseXML(raw []byte, address string, to *giver) error {
	raw, err := decode(raw)
	if err != nil {
		return err
	}
	scanned, err := scan(raw)
	if !slices.Contains([]string{"feed", "rss", "rdf"}, scanned.root) {
		return errNotFeed
	}
	if err != nil {
		return fmt.Errorf("invalid feed: %w", err)
	}
	if scanned.root == "feed" {
		return parseAtom(raw, scanned, address, to)
	}
	return parseRSS(raw, scanned, address, to)
}

func parseAtom(raw []byte, scanned survey, address string, to *giver) error {
	original, err := new(atom.Parser).Parse(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("invalid feed: %w", err)
	}
	all := original.Entries
	original.Entries = nil
	if len(all) == 0 {
		return errEmpty
	}
	feed, err := new(gofeed.DefaultAtomTranslator).Translate(original)
	if err != nil {
		return fmt.Errorf("invalid feed: %w", err)
	}
	bases := scanned.bases(address, feed)
	if err := checkSite(bases.site, bases.address); err != nil {
		return err
	}
	entries := make([]Entry, len(all))
	collected := giver{to: func(Entry) bool { return true }}
	err = translate(new(gofeed.DefaultAtomTranslator), all, func(some []*atom.Entry) any { return &atom.Feed{Entries: some} }, func(i int, item *gofeed.Item) error {
		if len(item.Authors) == 0 {
			item.Authors = feed.Authors // RFC 4287, section 4.2.1
		}
		entries[i] = fromAtom(item, all[i], scanned.place(i, len(all)), bases)
		return collected.give(entries[i])
	})
	if err != nil {
		return err
	}
	for _, e := range newest(entries) {
		if err := to.give(e); err != nil {
			return err
		}
	}
	return nil
}

func parseRSS(raw []byte, scanned survey, address string, to *giver) error {
	original, err := new(rss.Parser).Parse(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("invalid feed: %w", err)
	}
	translator := &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	all := original.Items
	original.Items = nil
	if len(all) == 0 {
		return errEmpty
	}
	feed, err := translator.Translate(original)
	if err != nil {
		return fmt.Errorf("invalid feed: %w", err)
	}
	bases := scanned.bases(address, feed)
	if err := checkSite(bases.site, bases.address); err != nil {
		return err
	}
	return translate(translator, all, func(some []*rss.Item) any { return &rss.Feed{Items: some} }, func(i int, item *gofeed.Item) error {
		return to.give(fromRSS(item, all[i], scanned.place(i, len(all)), bases))
	})
}

func parseJSON(raw []byte, address string, to *giver) error {
	if !utf8.Valid(raw) {
		return errors.New("text: must be UTF-8")
	}
	original, err := new(jsonfeed.Parser).Parse(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("invalid feed: %w", err)
	}
	if original.Version == "" {
		return errNotFeed
	}
	all := original.Items
	original.Items = nil
	if len(all) == 0 {
		return errEmpty
	}
	feed, err := new(gofeed.DefaultJSONTranslator).Translate(original)
	if err != nil {
		return fmt.Errorf("invalid feed: %w", err)
	}
	base := site(origin(address, feed), feed.Link)
	if err := checkSite(base); err != nil {
		return err
	}
	lines := jsonLines(raw)
	if i := slices.Index(all, nil); i >= 0 {
		return fmt.Errorf("invalid feed: item %d: must be an object, not null", i+1)
	}
	return translate(new(gofeed.DefaultJSONTranslator), all, func(some []*jsonfeed.Item) any { return &jsonfeed.Feed{Items: some} }, func(i int, item *gofeed.Item) error {
		if len(item.Authors) == 0 {
			item.Authors = feed.Authors // JSON Feed 1.1, "authors"
		}
		e := fromJSON(item, all[i], base)
		if len(lines) == len(all) {
			e.Line = lines[i]
		}
		return to.give(e)
	})
}

// translate calls each with the entries in gofeed's common form, until it returns an error. It
// forgets each entry after that: translated together, all of them would be in memory three times.
func translate[T any](by gofeed.Translator, all []*T, feed func(some []*T) any, each func(i int, item *gofeed.Item) error) error {
	const batch = 64
	for i := 0; i < len(all); i += batch {
		some := all[i:min(i+batch, len(all))]
		common, err := by.Translate(feed(some))
		if err != nil {
			return fmt.Errorf("invalid feed: %w", err)
		}
		for j, item := range common.Items {
			if err := each(i+j, item); err != nil {
				return err
			}
			some[j] = nil
		}
	}
	return nil
}

// jsonLines returns the lines on which the entries of a JSON feed begin, as far as they are found.
func jsonLines(raw []byte) (lines []int) {
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token() // the text has been parsed before
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if name != "items" {
			if d.Decode(&value) != nil {
				return nil
			}
			continue
		}
		if list, err := d.Token(); err != nil || list != json.Delim('[') {
			return nil
		}
		count := lineCounter{text: raw}
		for d.More() {
			if d.Decode(&value) != nil {
				return nil
			}
			lines = append(lines, count.at(int(d.InputOffset())-len(value)))
		}
		return lines
	}
	return nil
}

// newest returns the entries without older versions of others. Atom entries with one id are
// versions of one entry (RFC 4287, section 4.1.1), if they say when each was updated.
func newest(entries []Entry) []Entry {
	last := map[string]int{}
	kept := entries[:0]
	for _, e := range entries {
		i, found := last[e.Key]
		if !found || e.Updated.Time == nil || kept[i].Updated.Time == nil || e.Updated.Time.Equal(*kept[i].Updated.Time) {
			last[e.Key] = len(kept)
			kept = append(kept, e)
		} else if e.Updated.Time.After(*kept[i].Updated.Time) {
			kept[i] = e
		}
	}
	return kept
}

// origin returns the URL of a feed, or nil if it is unknown.
func origin(address string, feed *gofeed.Feed) *url.URL {
	return cmp.Or(absolute(nil, address), absolute(nil, feed.FeedLink))
}

// site returns the URL that relative ones are relative to: that of the site to which a feed links,
// or of the feed. It is nil if neither is known.
func site(from *url.URL, link string) *url.URL { return cmp.Or(absolute(from, link), from) }
