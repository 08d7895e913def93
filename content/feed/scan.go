package feed

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html/charset"
)

var declaration = regexp.MustCompile(`(?i)^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]*)["']`)

// decode returns XML in UTF-8, without the name of another encoding, and without the control
// characters that XML does not allow, as a copy, which scan may change. Lines stay where they are.
func decode(raw []byte) ([]byte, error) {
	name := "utf-8"
	if m := declaration.FindSubmatchIndex(raw[:min(len(raw), 1024)]); m != nil {
		name = strings.ToLower(string(raw[m[2]:m[3]]))
		raw = slices.Concat(raw[:m[2]], []byte("utf-8"), raw[m[3]:])
	}
	// The file has been read as UTF-16 before, if it is.
	if short := strings.NewReplacer("-", "", "_", "").Replace(name); short != "utf8" && !strings.HasPrefix(short, "utf16") {
		r, err := charset.NewReaderLabel(name, bytes.NewReader(raw))
		if err == nil {
			raw, err = io.ReadAll(r)
		}
		if err != nil {
			return nil, fmt.Errorf("the encoding %.40q is unknown; convert the feed to UTF-8", name)
		}
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("text: must be UTF-8, or the first line must name the encoding, as in <?xml version=\"1.0\" encoding=\"windows-1252\"?>")
	}
	return bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			return -1
		}
		return r
	}, raw), nil
}

// survey is what scan finds in XML.
type survey struct {
	root    string // name of the root element, in lower case
	base    string // xml:base of the root and the channel
	entries []place
}

// place says where an entry is.
type place struct {
	line  int
	about string            // rdf:about, the URL of an item of RSS 1.0
	base  string            // xml:base in effect, which may be relative
	bases map[string]string // of elements of the entry that have another one, by name
	types map[string]string // the attribute type of texts, by name
	modes map[string]string // the attribute mode of texts of Atom 0.3, by name
}

// element is an open element.
type element struct {
	name, space, base string
}

// scan reads the lines, the bases and the types of texts of XML. It hides xml:base in raw, because
// gofeed resolves links against it in another way than RFC 3986.
func scan(raw []byte) (found survey, err error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	lines := lineCounter{text: raw}
	var open []element
	inEntry := 0 // depth of the current entry, or 0
	all := 0     // bytes of the bases
	for {
		before := d.InputOffset()
		token, err := d.Token()
		if err == io.EOF {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			e := enter(open, t, raw[before:d.InputOffset()])
			all += baseBytes(open, e)
			open = append(open, e)
			switch {
			case inEntry == 0 && isEntry(open):
				inEntry = len(open)
				found.entries = append(found.entries, place{line: lines.at(int(before)), about: attribute(t, "about"), base: e.base})
			case inEntry > 0 && len(open) == inEntry+1:
				found.entries[len(found.entries)-1].field(e, t)
			case len(open) == 1:
				found.root, found.base = e.name, e.base
			case e.name == "channel" && len(open) == 2:
				found.base, found.entries = e.base, nil // gofeed returns the last channel
			}
			if len(e.base) > maxBase || all > maxBases {
				return found, Error{lines.at(int(before)), errBase}
			}
		case xml.EndElement:
			if len(open) == inEntry {
				inEntry = 0
			}
			open = open[:max(len(open)-1, 0)]
		}
	}
}

// enter returns an element that has been opened, and hides its xml:base.
func enter(open []element, t xml.StartElement, tag []byte) element {
	e := element{name: strings.ToLower(t.Name.Local), space: strings.TrimSpace(t.Name.Space)}
	if len(open) > 0 {
		e.base = open[len(open)-1].base
	}
	for _, a := range t.Attr {
		if a.Name.Local == "base" && (a.Name.Space == "xml" || a.Name.Space == "http://www.w3.org/XML/1998/namespace") {
			if base := join(e.base, strings.TrimSpace(a.Value)); base != e.base { // else share the string
				e.base = base
			}
			for i := bytes.Index(tag, []byte(":base")); i >= 0; i = bytes.Index(tag, []byte(":base")) {
				tag[i] = '-' // the prefix need not be xml, and the text of another attribute does not matter
			}
		}
	}
	return e
}

// native lists the namespaces of the elements of feeds, as gofeed does. The others are extensions.
var native = []string{
	"", "rss", "rdf", "http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#", "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
	"http://purl.org/rss/1.0/", "http://channel.netscape.com/rdf/simple/0.9/", "http://my.netscape.com/rdf/simple/0.9/",
}

// isEntry reports whether the last of the open elements is an entry.
func isEntry(open []element) bool {
	e := open[len(open)-1]
	if e.space != open[0].space && !slices.Contains(native, e.space) {
		return false
	}
	switch open[0].name {
	case "feed":
		return e.name == "entry" && len(open) == 2
	case "rss", "rdf":
		return e.name == "item" && (len(open) == 2 || len(open) == 3 && open[1].name == "channel")
	}
	return false
}

// field notes the base, the type and the mode of an element of an entry.
func (p *place) field(e element, t xml.StartElement) {
	if e.base != p.base {
		note(&p.bases, e.name, e.base)
	}
	if slices.Contains(native, e.space) {
		note(&p.types, e.name, strings.ToLower(attribute(t, "type")))
		note(&p.modes, e.name, strings.ToLower(attribute(t, "mode")))
	}
}

func note(values *map[string]string, name, value string) {
	if value == "" {
		return
	}
	if *values == nil {
		*values = map[string]string{}
	}
	(*values)[name] = value
}

// attribute returns an attribute without blanks around it.
func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// join returns a reference relative to another one, which may be relative too.
func join(base, reference string) string {
	b, err := url.Parse(base)
	if err != nil {
		return reference
	}
	r, err := b.Parse(reference)
	if err != nil {
		return base
	}
	return r.String()
}

// place returns the place of the entry with that index. If the parser counts other entries, it is
// unknown.
func (s survey) place(i, all int) place {
	if len(s.entries) != all {
		return place{}
	}
	return s.entries[i]
}

// bases is what the URLs of a feed are relative to.
type bases struct {
	site    *url.URL // the channel's link, or the feed's address; nil if neither is known
	address *url.URL // what xml:base is relative to; may be nil
}

func (s survey) bases(address string, feed *gofeed.Feed) bases {
	from := origin(address, feed)
	known := cmp.Or(from, absolute(nil, feed.Link))
	return bases{site: site(from, join(s.base, feed.Link)), address: known}
}

// of returns what the URLs in an element of an entry are relative to: xml:base if there is one,
// then the site, then the feed. It may be nil.
func (b bases) of(p place, name string) *url.URL {
	base, found := p.bases[name]
	if !found {
		base = p.base
	}
	if base != "" {
		if u := absolute(b.address, base); u != nil {
			return u
		}
	}
	return b.site
}

// lineCounter returns the line of positions that increase.
type lineCounter struct {
	text        []byte
	offset, has int
}

func (c *lineCounter) at(offset int) int {
	if offset > c.offset {
		c.has += bytes.Count(c.text[c.offset:offset], []byte("\n"))
		c.offset = offset
	}
	return c.has + 1
}
