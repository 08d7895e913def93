package feed

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	jsonfeed "github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
)

// fromAtom makes an entry of an Atom entry. Each text says whether it is text, HTML or XHTML.
func fromAtom(item *gofeed.Item, original *atom.Entry, p place, from bases) Entry {
	e := newEntry(item, from.of(p, "link"))
	e.Line = p.line
	html := func(name, s string) string { return typed(s, p.types[name], p.modes[name], from.of(p, name)) }
	e.Title, e.Summary = html("title", item.Title), html("summary", item.Description)
	if c := original.Content; c != nil && c.Src == "" {
		e.Body = html("content", c.Value)
	} else if c != nil && e.URL == "" {
		e.URL = resolve(from.of(p, "content"), c.Src)
	}
	return e.complete(item, from.of(p, ""))
}

// fromRSS makes an entry of an item of RSS. Descriptions and contents are HTML. A title is text,
// but many programs escape it twice.
func fromRSS(item *gofeed.Item, original *rss.Item, p place, from bases) Entry {
	base := from.of(p, "link")
	e := newEntry(item, base)
	e.Line = p.line
	e.Title = text(unescape(item.Title))
	e.Summary = withBase(item.Description, from.of(p, "description"))
	e.Body = withBase(item.Content, from.of(p, "encoded"))
	if e.URL == "" {
		e.URL = resolve(base, atomLink(item))
	}
	if e.URL == "" && absolute(nil, p.about) != nil {
		e.URL = p.about
	}
	if g := original.GUID; e.URL == "" && g != nil && !strings.EqualFold(g.IsPermalink, "false") && absolute(nil, g.Value) != nil {
		e.URL = g.Value
	}
	return e.complete(item, from.of(p, ""))
}

// fromJSON makes an entry of an item of JSON Feed, where only content_html is HTML.
func fromJSON(item *gofeed.Item, original *jsonfeed.Item, base *url.URL) Entry {
	e := newEntry(item, base)
	e.Title, e.Summary = text(item.Title), text(item.Description)
	e.Body = withBase(original.ContentHTML, base)
	if original.ContentHTML == "" {
		e.Body = paragraphs(original.ContentText)
	}
	if e.URL == "" {
		e.URL = resolve(base, original.ExternalURL)
	}
	return e.complete(item, base)
}

// newEntry returns an entry with what is the same in all feeds.
func newEntry(item *gofeed.Item, base *url.URL) Entry {
	e := Entry{
		URL:       resolve(base, item.Link),
		Tags:      item.Categories,
		Published: dateOf(item.Published, item.PublishedParsed),
		Updated:   dateOf(item.Updated, item.UpdatedParsed),
	}
	if len(item.Authors) > 0 && item.Authors[0] != nil {
		e.Author = item.Authors[0].Name
	}
	return e
}

// complete adds what other elements say: the media elements, the enclosures and the pictures of the
// body. A single text is the body. base is that of the entry.
func (e Entry) complete(item *gofeed.Item, base *url.URL) Entry {
	media := mediaOf(item)
	if e.Title == "" {
		e.Title = media.title
	}
	if e.Summary == "" {
		e.Summary = withBase(media.description, base)
	}
	if e.Body == "" {
		e.Body, e.Summary = e.Summary, ""
	}
	e.Image = e.picture(item, media, base)
	e.Key = cmp.Or(strings.TrimSpace(item.GUID), strings.TrimSpace(item.Link), e.URL)
	if name := cmp.Or(e.Title, e.Body); e.Key == "" && name != "" {
		e.Key = name + "\n" + cmp.Or(item.Published, item.Updated)
	}
	return e
}

// picture returns the URL of the picture that the feed names, or of the first one in the body.
func (e Entry) picture(item *gofeed.Item, media media, base *url.URL) string {
	candidates := media.pictures
	if item.Image != nil {
		candidates = append([]string{item.Image.URL}, candidates...)
	}
	for _, file := range item.Enclosures {
		if file != nil && isPicture(file.Type, "", file.URL) {
			candidates = append(candidates, file.URL)
		}
	}
	candidates = append(candidates, firstPicture(e.Body), firstPicture(e.Summary))
	for _, c := range candidates {
		if c == "" {
			continue
		}
		if u := absolute(base, c); u != nil {
			return u.String()
		}
	}
	return ""
}

// atomLink returns the link of an item of RSS that is written as in Atom.
func atomLink(item *gofeed.Item) string {
	for _, space := range []string{"atom", "atom03"} {
		for _, link := range item.Extensions[space]["link"] {
			if rel := link.Attrs["rel"]; rel == "" || rel == "alternate" {
				return link.Attrs["href"]
			}
		}
	}
	return ""
}
