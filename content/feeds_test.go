package content_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"stile.example/stile/content"
)

// fromFeed returns an item's fields that a feed decides, a line each, without empty ones.
func fromFeed(t *testing.T, address, source string) string {
	t.Helper()
	items, err := collect(t, content.Source{Path: address, Reader: strings.NewReader(source), Format: content.Feed})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, it := range items {
		for _, field := range [][2]string{
			{"title", it.Title}, {"summary", it.Summary}, {"body", it.Body}, {"url", it.URL}, {"image", it.Image}, {"tags", strings.Join(it.Tags, "|")},
			{"published", when(it)}, {"author", fmt.Sprint(it.Attributes["author"])},
		} {
			if field[1] != "" && field[1] != "<nil>" {
				fmt.Fprintf(&b, "%s: %s\n", field[0], field[1])
			}
		}
	}
	return b.String()
}

func when(it content.Item) string {
	if it.PublishedAt.IsZero() {
		return ""
	}
	return it.PublishedAt.Format("2006-01-02T15:04Z")
}

// feedCase is a feed from an address, and what becomes an item.
type feedCase struct{ address, source, want string }

func checkFeeds(t *testing.T, cases map[string]feedCase) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got, want := strings.TrimSpace(fromFeed(t, c.address, c.source)), strings.TrimSpace(c.want); got != want {
				t.Errorf("%s\ngot\n%s\nwant\n%s", c.source, got, want)
			}
		})
	}
}

func atomFeed(entry string) string {
	return `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><link href="https://site.example/"/><entry><id>urn:1</id>` + entry + `</entry></feed>`
}

func jsonFeed(item string) string {
	return `{"version":"https://jsonfeed.org/version/1.1","title":"F","items":[{"id":"1",` + item + `}]}`
}

// TestFeedTexts: text is not HTML.
func TestFeedTexts(t *testing.T) {
	checkFeeds(t, map[string]feedCase{
		"Atom, text": {"f.xml", atomFeed(`<title type="text">How does &lt;animate&gt; work?</title><content type="text">if a&lt;b then c&gt;d</content>`), `
title: How does <animate> work?
summary: if a<b then c>d
body: if a&lt;b then c&gt;d`},
		"Atom, no type": {"f.xml", atomFeed(`<title>List&lt;String&gt; vs &amp;lt;</title><summary>generic List&lt;String&gt;</summary><content type="html">&lt;p&gt;x&lt;/p&gt;</content>`), `
title: List<String> vs &lt;
summary: generic List<String>
body: <p>x</p>`},
		"Atom, CDATA": {"f.xml", atomFeed(`<title type="text"><![CDATA[the <b> and </b> tags]]></title><summary type="text"><![CDATA[the <b> and </b> tags]]></summary><content>x</content>`), "" +
			"title: the <b> and </b> tags\nsummary: the <\u2060b> and <\u2060/b> tags\nbody: x"},
		"Atom, html": {"f.xml", atomFeed(`<title type="html">&lt;em&gt;A&lt;/em&gt; &amp;amp; B &amp;lt;i&amp;gt;</title><content type="html">&lt;p&gt;One &amp;lt;i&amp;gt;&lt;/p&gt;</content>`), `
title: A & B <i>
summary: One <i>
body: <p>One &lt;i&gt;</p>`},
		"Atom, xhtml": {"f.xml", atomFeed(`<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><b>A</b> &lt; B</div></title><content type="xhtml"><x:div xmlns:x="http://www.w3.org/1999/xhtml"><x:p>One<x:br/>&nbsp;&lt;i&gt;</x:p></x:div></content>`), "" +
			"title: A < B\nsummary: One <i>\nbody: <div><p>One<br/>\u00a0&lt;i&gt;</p></div>"},
		"Atom, lines": {"f.xml", atomFeed("<title>A</title><content type=\"text/plain\">One\ntwo\n\nthree</content>"), `
title: A
summary: One two three
body: <p>One<br>
two</p>
<p>three</p>`},
		"Atom, binary": {"f.xml", atomFeed(`<title>A</title><content type="image/png">iVBORw0KGgo=</content>`), "title: A"},
		"JSON": {"f.json", jsonFeed(`"title":"The <dialog> & co","summary":"a <b> of text","content_text":"if a<b:\n  c>d"`), `
title: The <dialog> & co
summary: a <b> of text
body: <p>if a&lt;b:<br>
  c&gt;d</p>`},
		"JSON, HTML": {"f.json", jsonFeed(`"content_html":"<p>One <b>two</b></p>","content_text":"One two"`), `
title: One two
summary: One two
body: <p>One <b>two</b></p>`},
		"RSS": {"f.xml", rss(`<link>https://s.example/1</link><title>Using the &lt;dialog&gt; element</title><description>A &amp;lt;dialog&amp;gt; &lt;b&gt;x&lt;/b&gt;</description>`), `
title: Using the <dialog> element
summary: A <dialog> x
body: A &lt;dialog&gt; <b>x</b>
url: https://s.example/1`},
		"RSS, CDATA":         {"f.xml", rss(`<guid>1</guid><title><![CDATA[Tom & Jerry <3]]></title>`), "title: Tom & Jerry <3"},
		"RSS, escaped twice": {"f.xml", rss(`<guid>1</guid><title>AT&amp;amp;T &amp;#8211; news</title>`), "title: AT&T – news"},
		"RSS, entities":      {"f.xml", rss(`<guid>1</guid><title>a&nbsp;b &mdash; c &amp; d &unknown; e</title>`), "title: a b — c & d &unknown; e"},
	})
}

// TestFeedLinks: links are relative to xml:base, then to the site, then to the feed.
func TestFeedLinks(t *testing.T) {
	const body = `<p><a href="b?c=1&amp;d">x</a><img src="/i.png" alt="&lt;"></p>`
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(body)
	html := func(base, root string) string {
		return "title: T\nsummary: x\nbody: <p><a href=\"" + base + "b?c=1&amp;d\" rel=\"nofollow\">x</a><img src=\"" + root + "/i.png\" alt=\"&lt;\"></p>\n"
	}
	checkFeeds(t, map[string]feedCase{
		"the feed's address": {"https://a.example/x/feed.xml", `<rss><channel><title>F</title><item><title>T</title><link>1</link><description>` + escaped + `</description></item></channel></rss>`,
			html("https://a.example/x/", "https://a.example") + "url: https://a.example/x/1\nimage: https://a.example/i.png"},
		"the channel's link": {"https://a.example/x/feed.xml", `<rss><channel><title>F</title><link>/en/news</link><item><title>T</title><link>detail/1</link><description>` + escaped + `</description></item></channel></rss>`,
			html("https://a.example/en/", "https://a.example") + "url: https://a.example/en/detail/1\nimage: https://a.example/i.png"},
		"atom:link in a file": {"f.xml", `<rss xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>F</title><link>/en/</link><atom:link rel="self" href="https://s.example/feed"/><item><title>T</title><link>1</link></item></channel></rss>`,
			"title: T\nurl: https://s.example/en/1"},
		"xml:base": {"https://a.example/feed.xml", `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/blog/feed.xml"><link href="https://other.example/"/><entry xml:base="2024/"><id>rel</id><title>T</title><link href="1"/><content type="html" xml:base="http://c.example/d/">` + escaped + `</content></entry></feed>`,
			html("http://c.example/d/", "http://c.example") + "url: https://a.example/blog/2024/1\nimage: http://c.example/i.png"},
		"xml:base in a text": {"f.xml", rss(`<guid>1</guid><title>T xml:base="x"</title>`), `title: T xml:base="x"`},
		"JSON Feed": {"f.json", `{"version":"https://jsonfeed.org/version/1","feed_url":"https://a.example/x/f.json","items":[{"id":"1","url":"2","title":"T","content_html":"<a href='3'>y</a>","image":"../i.png"}]}`,
			"title: T\nsummary: y\nbody: <a href=\"https://a.example/x/3\" rel=\"nofollow\">y</a>\nurl: https://a.example/x/2\nimage: https://a.example/i.png"},
		"unknown": {"f.xml", rss(`<guid>1</guid><title>T</title><description>&lt;a href="/b"&gt;x&lt;/a&gt; &lt;a href="javascript:y"&gt;z&lt;/a&gt;</description>`), "" +
			"title: T\nsummary: x z\nbody: <a href=\"https://feed.example/b\" rel=\"nofollow\">x</a> z"},
	})
}

// TestFeedMedia: Media RSS, enclosures and pictures in the body give the picture and the summary.
func TestFeedMedia(t *testing.T) {
	const space = `<rss xmlns:media="http://search.yahoo.com/mrss/"><channel><title>F</title><link>https://s.example/</link><item><guid>1</guid><title>T</title>`
	const end = `</item></channel></rss>`
	checkFeeds(t, map[string]feedCase{
		"YouTube": {"f.xml", `<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/" xmlns="http://www.w3.org/2005/Atom"><entry><id>yt:video:abc</id><title>V</title><link rel="alternate" href="https://v.example/watch?v=abc"/>
			<media:group><media:title>V</media:title><media:content url="https://v.example/v/abc?version=3" type="application/x-shockwave-flash"/><media:thumbnail url="https://i.example/hq.jpg" width="480"/><media:description>One &lt;two&gt;

three</media:description></media:group></entry></feed>`, `
title: V
summary: One <two> three
body: <p>One &lt;two&gt;</p>
<p>three</p>
url: https://v.example/watch?v=abc
image: https://i.example/hq.jpg`},
		"thumbnail":          {"f.xml", space + `<media:thumbnail url="/small.jpg" width="10"/><media:thumbnail url="/large.jpg" width="100"/>` + end, "title: T\nimage: https://s.example/large.jpg"},
		"content":            {"f.xml", space + `<media:thumbnail url="/t.jpg"/><media:content url="https://s.example/c" medium="image"/>` + end, "title: T\nimage: https://s.example/c"},
		"in a video":         {"f.xml", space + `<media:content url="/v.mp4" medium="video"><media:thumbnail url="/t.jpg"/><media:description type="html">A &lt;b&gt;film&lt;/b&gt;</media:description></media:content>` + end, "title: T\nsummary: A film\nbody: A <b>film</b>\nimage: https://s.example/t.jpg"},
		"enclosure":          {"f.xml", space + `<enclosure url="/a.mp3" type="audio/mpeg"/><enclosure url="/e.jpg" type="image/jpeg"/>` + end, "title: T\nimage: https://s.example/e.jpg"},
		"Atom enclosure":     {"f.xml", atomFeed(`<title>T</title><link rel="enclosure" href="/e.png"/>`), "title: T\nimage: https://site.example/e.png"},
		"JSON attachment":    {"f.json", jsonFeed(`"title":"T","attachments":[{"url":"https://s.example/a","mime_type":"image/webp"}]`), "title: T\nimage: https://s.example/a"},
		"in the body":        {"f.xml", space + `<description>&lt;img src="/count.gif" width="1"&gt;&lt;img src="p.png"&gt;</description>` + end, "title: T\nbody: <img src=\"https://s.example/count.gif\" width=\"1\"><img src=\"https://s.example/p.png\">\nimage: https://s.example/p.png"},
		"no picture":         {"f.xml", space + `<media:thumbnail url="data:image/png;base64,AA"/><media:thumbnail url=""/>` + end, "title: T"},
		"summary is present": {"f.xml", space + `<description>D</description><media:description>M</media:description>` + end, "title: T\nsummary: D\nbody: D"},
	})
}

// TestFeedDialects: what real feeds do otherwise.
func TestFeedDialects(t *testing.T) {
	const rdf = `<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
		<channel rdf:about="x"><title>F</title><link>https://s.example/</link></channel><item rdf:about="https://s.example/1"><title>T</title><link>https://s.example/1</link><description>D</description><content:encoded><![CDATA[<p>C</p>]]></content:encoded><dc:date>2024-05-06T09:08:09+02:00</dc:date><dc:creator>Ann</dc:creator><dc:subject>s</dc:subject></item></rdf:RDF>`
	latin, err := charmap.Windows1252.NewEncoder().String(strings.Replace(rss(`<guid>1</guid><title>Größe “x” €</title>`), `<?xml version="1.0"?>`, `<?xml version="1.0" encoding="windows-1252"?>`, 1))
	if err != nil {
		t.Fatal(err)
	}
	checkFeeds(t, map[string]feedCase{
		"RSS 1.0":   {"f.xml", rdf, "title: T\nsummary: D\nbody: <p>C</p>\nurl: https://s.example/1\ntags: s\npublished: 2024-05-06T07:08Z\nauthor: Ann"},
		"rdf:about": {"f.xml", strings.Replace(rdf, "<link>https://s.example/1</link>", "", 1), "title: T\nsummary: D\nbody: <p>C</p>\nurl: https://s.example/1\ntags: s\npublished: 2024-05-06T07:08Z\nauthor: Ann"},
		"Atom 0.3": {"f.xml", `<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><id>1</id><title mode="escaped">a &lt;b&gt;</title><summary type="text/html" mode="escaped">&lt;b&gt;S&lt;/b&gt;</summary>
			<content type="text/html" mode="base64">PGI+
			Qzwv Yj4=</content><issued>2024-05-06</issued></entry></feed>`, "title: a <b>\nsummary: S\nbody: <b>C</b>\npublished: 2024-05-06T00:00Z"},
		"windows-1252": {"f.xml", latin, "title: Größe “x” €"},
		"ISO-8859-1":   {"f.xml", strings.Replace(latin, "windows-1252", "iso-8859-1", 1), "title: Größe “x” €"},
		"UTF-16 in name only": {"f.xml", `<?xml version='1.0' encoding='utf-16'?><rss><channel><item><guid>1</guid><title>Größe</title></item></channel></rss>`,
			"title: Größe"},
		"blanks in front":     {"f.xml", "\ufeff \n\n" + rss(`<guid>1</guid><title>T</title>`), "title: T"},
		"control characters":  {"f.xml", rss("<guid>1</guid><title>a\x0bb</title>"), "title: ab"},
		"guid is a permalink": {"f.xml", rss(`<guid>https://s.example/g</guid><title>T</title>`), "title: T\nurl: https://s.example/g"},
		"guid without a link": {"f.xml", rss(`<guid isPermaLink="false">https://s.example/g</guid><title>T</title>`), "title: T"},
		"atom:link in an item": {"f.xml", `<rss xmlns:a="http://www.w3.org/2005/Atom"><channel><item><guid isPermaLink="false">g</guid><title>T</title><a:link href="https://s.example/1"/></item></channel></rss>`,
			"title: T\nurl: https://s.example/1"},
		"the feed's author": {"f.xml", `<feed xmlns="http://www.w3.org/2005/Atom"><author><name>Ann</name></author><entry><id>1</id><title>T</title></entry></feed>`, "title: T\nauthor: Ann"},
		"two versions": {"f.xml", `<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>Old</title><updated>2024-01-01T00:00:00Z</updated></entry>
			<entry><id>1</id><title>New</title><updated>2024-01-02T00:00:00Z</updated></entry></feed>`, "title: New\npublished: 2024-01-02T00:00Z"},
		"a blank in a link": {"f.xml", rss(`<guid>1</guid><title>T</title><link>https://s.example/a b</link>`), "title: T\nurl: https://s.example/a%20b"},
	})
}

// TestFeedIDs: an entry without id and link has the same id at each import, and another one than
// entries with another title or date.
func TestFeedIDs(t *testing.T) {
	id := func(item string) string {
		items, err := read(t, "f.xml", rss(item))
		if err != nil || len(items) != 1 {
			t.Fatal(items, err)
		}
		return items[0].ID
	}
	const episode = `<title>Episode 2</title><enclosure url="https://pod.example/2.mp3" type="audio/mpeg"/>`
	first := id(episode)
	if !strings.HasPrefix(first, "Episode-2-") || id("<description>more</description>"+episode) != first {
		t.Errorf("%s, then %s", first, id("<description>more</description>"+episode))
	}
	if dated := id(episode + "<pubDate>Mon, 06 May 2024 09:08:09 GMT</pubDate>"); dated == first {
		t.Errorf("%s with and without a date", dated)
	}
	if id("<description>only a text</description>") == id("<description>another text</description>") {
		t.Error("two texts have one id")
	}
}

// TestFeedLines: errors name the line of the entry.
func TestFeedLines(t *testing.T) {
	refuses(t, "f.xml", map[string]string{
		"<rss>\n<channel>\n<item>\n<title>T</titel></item>": `f.xml:4: invalid feed: XML syntax error on line 4: unexpected end element </titel>`,
		"<rss><channel>\n<image><title>x</title></image>\n<item>\n<title>A</title></item>\n\n<item>\n<guid>g</guid></item></channel></rss>": `f.xml:6: title is missing`,
		"{\"version\":\"https://jsonfeed.org/version/1\",\n\"items\":[\n{\"id\":\"a\",\"title\":\"A\"},\n{}]}":                              `f.xml:4: id is missing: the entry has no id, no link, no title and no text`,
	})
}

// TestFeedNotices: what can't be used of an entry is dropped with a notice. The rest is imported.
func TestFeedNotices(t *testing.T) {
	for source, want := range map[string]string{
		rss("<guid>g</guid><title>T</title><link>javascript:x</link>"):                                                   `f.xml:3: is imported without its link: url "javascript:x": must be an http:// or https:// URL`,
		rss("<guid>g</guid><title>T</title><pubDate>the day</pubDate>"):                                                  `f.xml:3: published "the day": is ignored; must be a date such as Mon, 06 May 2024 07:08:09 +0000 or 2024-05-06T07:08:09Z`,
		rss("<guid>g</guid><title>T</title></item>\n<item><guid>g</guid><title>U</title>"):                               `f.xml:4: id "g-cd0aa98561" is repeated: f.xml:3 has it already, and is imported`,
		`{"version":"https://jsonfeed.org/version/1","items":[{"id":1,"title":"T"},` + "\n" + `{"id":"1","title":"U"}]}`: `f.xml:2: id "1-6b86b273ff" is repeated: f.xml:1 has it already, and is imported`,
		rss("<guid>g</guid><title>T</title><pubDate>Mon,06 May 24 09:08 GMT</pubDate>"):                                  ``,
	} {
		var notices []string
		items, err := collect(t, content.Source{Path: "f.xml", Reader: strings.NewReader(source), Format: content.Feed, Notice: func(n content.Notice) {
			notices = append(notices, n.Error())
		}})
		if err != nil || len(items) != 1 || items[0].Title != "T" || strings.Join(notices, "\n") != want {
			t.Errorf("%s\n%v, %+v, %q\nwant %s", source, err, items, notices, want)
		}
	}
}
