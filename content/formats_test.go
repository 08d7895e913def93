package content_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
)

func TestJSONLRefuses(t *testing.T) {
	item := func(members string) string { return `{"id":"a","title":"A",` + members + `}` }
	refuses(t, "x.jsonl", map[string]string{
		"\n\r\n{}":                                 `x.jsonl:3: id is missing`,
		`{"id":"a"}`:                               `x.jsonl:1: title is missing`,
		`{"id":null,"title":"A"}`:                  `x.jsonl:1: id is missing`,
		`{"id":"a","title":"\u0000 \n"}`:           `x.jsonl:1: title is missing`,
		`{"id":"a/b","title":"A"}`:                 `x.jsonl:1: id "a/b": must contain only A-Z a-z 0-9 . _ -`,
		`{"id":7,"title":"A"}`:                     `x.jsonl:1: id: must be a string, not a number`,
		item(`"title":"B"`):                        `x.jsonl:1: member "title" is repeated`,
		item(`"Title":"B"`):                        `x.jsonl:1: member "Title" is unknown: put it into attributes (known members: id, collection, title, summary, body, image, url, tags, attributes, published_at, updated_at)`,
		item(`"body":["x"]`):                       `x.jsonl:1: body: must be a string, not a list`,
		item(`"summary":false`):                    `x.jsonl:1: summary: must be a string, not true or false`,
		item(`"tags":"a,b"`):                       `x.jsonl:1: tags: must be a list of strings`,
		item(`"tags":["a",1]`):                     `x.jsonl:1: tags: must be a list of strings`,
		item(`"attributes":[]`):                    `x.jsonl:1: attributes: must be an object, not a list`,
		item(`"attributes":{"a":1e999}`):           `x.jsonl:1: attributes: the number 1e999 is too large`,
		item(`"attributes":{"a\u0000":1}`):         `x.jsonl:1: the name of attribute "a\x00": must not have control characters`,
		item(`"published_at":"yesterday"`):         `x.jsonl:1: published_at "yesterday": must be a date such as 2024-05-06 or 2024-05-06T07:08:09Z`,
		item(`"published_at":"2023-02-29"`):        `x.jsonl:1: published_at "2023-02-29": must be a date such as 2024-05-06 or 2024-05-06T07:08:09Z`,
		item(`"updated_at":"2024-05-06T07:08:09"`): `x.jsonl:1: updated_at "2024-05-06T07:08:09": must be a date such as 2024-05-06 or 2024-05-06T07:08:09Z`,
		item(`"updated_at":1715000000`):            `x.jsonl:1: updated_at: must be a string, not a number`,
		item(`"url":"ftp://a/"`):                   `x.jsonl:1: url "ftp://a/": must be an http:// or https:// URL`,
		item(`"image":"/pie.png"`):                 `x.jsonl:1: image "/pie.png": must be an http:// or https:// URL`,
		`{"id":"a","title":"caf` + "\xe9" + `"}`:   `x.jsonl:1: text: must be UTF-8`,
		`{"id":"a","title":"A"} {}`:                `x.jsonl:1: invalid JSON: column 24: invalid character '{' after top-level value`,
		`{"id":"a","title":"A"`:                    `x.jsonl:1: invalid JSON: column 21: unexpected end of JSON input`,
		`{"id":"a",}`:                              `x.jsonl:1: invalid JSON: column 11: invalid character '}' looking for beginning of object key string`,
		`["a"]`:                                    `x.jsonl:1: item 1: must be an object, {"id": …, "title": …}, not text`,
		"\n \n":                                    `x.jsonl:1: the file has no items`,
		`{"recipes":[{"id":"a"}]}`:                 `x.jsonl:1: member "recipes" is unknown: if it is the list of the items, name it items; if it belongs to an item, put it into attributes`,
		`17`:                                       `x.jsonl:1: must be an object, {"id": …, "title": …}, not a number`,
		`{"id":"a","title":"A"}` + "\n" + strings.Repeat(" ", 1<<20) + "{}\n": `x.jsonl:2: line: must be at most 1048576 bytes, not 1048579; write one item per line`,
	})
}

func TestJSONLReads(t *testing.T) {
	items, err := read(t, "x.jsonl", "\ufeff"+` { "title" : " Apple \t pie\u0000 " , "id":"a","body":"<p onclick=x>A <b>pie</b> &amp; more</p><script>x</script>",`+
		`"tags":["sweet"," sweet ","","baked"],"attributes":{"n":[1,{"x":"a\u0007b"}],"t":"l1\nl2\t"},"published_at":"2024-05-06","updated_at":"2024-05-06T07:08:09.5+02:00","image":null}`+"\r\n\r\n")
	want := content.Item{
		ID: "a", Title: "Apple pie", Summary: "A pie & more", Body: "<p>A <b>pie</b> &amp; more</p>", Tags: []string{"sweet", "baked"},
		Attributes:  map[string]any{"n": []any{1.0, map[string]any{"x": "ab"}}, "t": "l1\nl2\t"},
		PublishedAt: time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2024, 5, 6, 5, 8, 9, 5e8, time.UTC),
	}
	if err != nil || len(items) != 1 || !reflect.DeepEqual(items[0], want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, items, want)
	}
}

// TestJSONLHalfCharacters checks that half of a character is read as U+FFFD, as encoding/json does.
func TestJSONLHalfCharacters(t *testing.T) {
	items, err := read(t, "x.jsonl", `{"id":"a","title":"\ud83d\ude00 \ud83d x \udc00\ud83d \\ud800","attributes":{"\ud800":"\udfff"}}`)
	want := content.Item{ID: "a", Title: "😀 \ufffd x \ufffd\ufffd \\ud800", Attributes: map[string]any{"\ufffd": "\ufffd"}}
	if err != nil || len(items) != 1 || !reflect.DeepEqual(items[0], want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, items, want)
	}
}

func TestCSVRefuses(t *testing.T) {
	refuses(t, "x.csv", map[string]string{
		"key;title\na;A":                     `x.csv:1: missing column id: rename one to id in the first line, which must have the names of the columns, separated by commas, semicolons or tabs, and is "key;title"`,
		"name,text\na,A":                     `x.csv:1: missing column id and column title: rename one to id and one to title in the first line, which must have the names of the columns, separated by commas, semicolons or tabs, and is "name,text"`,
		"":                                   `x.csv:1: the file has no items`,
		"id,title\n,\n":                      `x.csv:1: the file has no items, only the names of the columns`,
		"id,name\na,A":                       `x.csv:1: missing column title: rename one to title in the first line, which must have the names of the columns, separated by commas, semicolons or tabs, and is "id,name"`,
		"id,,title\na,,A":                    `x.csv:1: column 2 has no name`,
		"id,title,id\na,A,b":                 `x.csv:1: column "id" is repeated: columns 1 and 3 have that name`,
		"id,title,attributes\na,A,{}":        `x.csv:1: column attributes is not allowed: each attribute is a column of its own`,
		"id,title\n\na,A\nb":                 `x.csv:4: title is missing`,
		"id,title\na,A,more":                 `x.csv:2: must have at most 2 fields, as the header has, not 3`,
		"ID,Title,Id\na,A,b":                 `x.csv:1: column "id" is repeated: columns 1 and 3 have that name`,
		"sep=;\r\nid;title\r\n;A":            `x.csv:3: id is missing`,
		"id,title\ra,\"A\rA\"\r,B":           `x.csv:4: id is missing`,
		"id,title\na,\"A\nA\"\n,B":           `x.csv:4: id is missing`,
		"id,title\na,\"A\nA\"\na,B":          `x.csv:4: id "a" is repeated: x.csv:2 has it already`,
		"id,title\na,A\"A":                   `x.csv:2: invalid CSV: line 2, column 4: bare " in non-quoted-field`,
		"id,title\na,A\n\nb,\"B\n\nC":        `x.csv:4: invalid CSV: line 6, column 2: extraneous or missing " in quoted-field`,
		"id,title\na,caf\xe9":                `x.csv:2: title: must be UTF-8; in Excel, save the file as "CSV UTF-8"`,
		"id,title,x\na,A,caf\xe9":            `x.csv:2: x: must be UTF-8; in Excel, save the file as "CSV UTF-8"`,
		"id,title,url\na,A,javascript:x":     `x.csv:2: url "javascript:x": must be an http:// or https:// URL`,
		"id,title,published_at\na,A,31.5.24": `x.csv:2: published_at "31.5.24": must be a date such as 2024-05-06 or 2024-05-06T07:08:09Z`,
	})
}

func TestCSVReads(t *testing.T) {
	items, err := read(t, "x.csv", "\ufefftitle, id ,tags,Course,body\r\n\"Apple, \"\"pie\"\"\",a,sweet| baked |,dessert,\"<p>One\r\n<p>two\"\r\nB,b,,,\r\n")
	want := []content.Item{
		{ID: "a", Title: `Apple, "pie"`, Summary: "One two", Body: "<p>One\n<p>two", Tags: []string{"sweet", "baked"}, Attributes: map[string]any{"Course": "dessert"}},
		{ID: "b", Title: "B"},
	}
	if err != nil || !reflect.DeepEqual(items, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, items, want)
	}
}

func TestMarkdownRefuses(t *testing.T) {
	refuses(t, "a.md", map[string]string{
		"---\ntitle: T\nid: a b\n---":                  `a.md:3: id "a b": must contain only A-Z a-z 0-9 . _ -`,
		"+++\n\nid = 'ü'\n+++":                         `a.md:3: id "ü": must contain only A-Z a-z 0-9 . _ -`,
		"# T\n\ncaf\xe9":                               `a.md:3: text: must be UTF-8`,
		"---\nid: x\ntitle: [1984]\n---\n":             `a.md:3: title: must be text, not a list; put it in quotes`,
		"---\nid: x\ntitle: [a\n---\n":                 `a.md:3: front matter: invalid YAML: did not find expected ',' or ']'; put a text with signs such as : or @ in quotes`,
		"---\ntitle: Soup: the basics\n---\n":          `a.md:2: front matter: invalid YAML: mapping values are not allowed in this context; put a text with signs such as : or @ in quotes`,
		"---\ntitle: T\ntitle: U\n---\n":               `a.md:3: front matter: "title" is repeated`,
		"---\ntitle: T\nx: {a: 1, a: 2}\n---\n":        `a.md:3: front matter: "a" is repeated`,
		"---\n- a\n---\n# T":                           `a.md:2: front matter: must be names with values, such as title: Leek soup; if the line --- before it is a rule, write *** instead`,
		"---\ntitle: T\ntags: {a: b}\n---":             `a.md:3: tags: must be a list of texts, such as [sweet, baked]`,
		"---\ntitle: T\ntags: [a, [1]]\n---":           `a.md:3: tags: must be texts, not a list; put it in quotes`,
		"---\ntitle: T\n\nattributes: x\n---":          `a.md:4: attributes: must be names with values`,
		"---\ntitle: T\nx: 1\nattributes: {x: 2}\n---": `a.md:3: attribute "x" is repeated: attributes has it too`,
		"---\ntitle: T\npublished_at: soon\n---":       `a.md:3: published_at "soon": must be a date such as 2024-05-06 or 2024-05-06T07:08:09Z`,
		"---\ntitle: T\ndate: soon\n---":               `a.md:3: date "soon": must be a date such as 2024-05-06 or 2024-05-06T07:08:09Z`,
		"---\ntitle: T\ndraft: ture\n---":              `a.md:3: draft: must be true or false, not "ture"`,
		"---\ntitle: T\nurl: javascript:alert(1)\n---": `a.md:3: url "javascript:alert(1)": must be an http:// or https:// URL`,
		"---\nid: x\n---\n" + strings.Repeat("> ", 50): `a.md:4: quotes and lists: must be less than 50 deep`,
	})
}

func TestMarkdownReads(t *testing.T) {
	items, err := read(t, "Crème brûlée!.md", "---\ncollection: Desserts\ntags: [sweet]\npublished_at: 2024-05-06\nminutes: 90\nby: {name: Ann, since: 2020-01-01}\nattributes:\n  vegan: no\n---\n"+
		"# Crème *brûlée* `x`\n\nBurnt <b onclick=x>cream</b>. [Far](https://example.org/) [near](/near) ![i](pic.png)![](pic.png)\n\n| a |\n|---|\n| b |\n\n<script>x</script>\n")
	want := content.Item{
		ID: "Creme-brulee", Collection: "Desserts", Title: "Crème brûlée x", Summary: "Burnt cream. Far near a b",
		Body: "<p>Burnt <b>cream</b>. <a href=\"https://example.org/\" rel=\"nofollow\">Far</a> near <img alt=\"i\"></p>\n" +
			"<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>b</td>\n</tr>\n</tbody>\n</table>",
		Tags: []string{"sweet"}, PublishedAt: time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC),
		Attributes: map[string]any{"minutes": 90.0, "vegan": "no", "by": map[string]any{"name": "Ann", "since": "2020-01-01T00:00:00Z"}},
	}
	if err != nil || len(items) != 1 || !reflect.DeepEqual(items[0], want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, items, want)
	}
}

func TestFeedRefuses(t *testing.T) {
	refuses(t, "f.xml", map[string]string{
		"<html><body>":            `f.xml:1: must be RSS, Atom or JSON Feed; a web page names its feed in <link rel="alternate">`,
		`{"a":1}`:                 `f.xml:1: must be RSS, Atom or JSON Feed; a web page names its feed in <link rel="alternate">`,
		rss("<author>A</author>"): `f.xml:3: id is missing: the entry has no id, no link, no title and no text`,
		`<rss><channel><title>T</title></channel></rss>`:                             `f.xml:1: the feed has no entries`,
		`{"version":"https://jsonfeed.org/version/1.1","items":[]}`:                  `f.xml:1: the feed has no entries`,
		"<?xml version='1.0' encoding='x-klingon'?><rss/>":                           `f.xml:1: the encoding "x-klingon" is unknown; convert the feed to UTF-8`,
		"<rss><channel><item><title>caf\xe9</title></item></channel></rss>":          `f.xml:1: text: must be UTF-8, or the first line must name the encoding, as in <?xml version="1.0" encoding="windows-1252"?>`,
		"<rss><channel><item><title>T</title><link>/a</link></item></channel></rss>": `f.xml:1: url "/a": is relative, and the feed does not say to what; import the feed from its URL`,
		rss("<guid>g</guid>"): `f.xml:3: title is missing`,
	})
}

func TestFeedsRead(t *testing.T) {
	want := content.Item{
		ID: "apple-pie-53e41a87ef", Title: "Apple & pie", Summary: "A short one.", Body: "<p>Whole <b>text</b>.</p>", URL: "https://feed.example/2024/apple-pie",
		Tags: []string{"sweet"}, Attributes: map[string]any{"author": "Ann"}, PublishedAt: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
	}
	for name, source := range map[string]string{
		"RSS": `<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>F</title><link>https://feed.example/</link>
			<item><guid>https://feed.example/2024/apple-pie</guid><link>/2024/apple-pie</link><title>Apple &amp; pie</title><author>Ann</author><category>sweet</category>
			<description>A &lt;i&gt;short&lt;/i&gt; one.</description><content:encoded><![CDATA[<p style="x">Whole <b>text</b>.</p>]]></content:encoded><pubDate>Mon, 06 May 2024 09:08:09 +0200</pubDate></item></channel></rss>`,
		"Atom": `<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><link href="https://feed.example/"/><entry><id>https://feed.example/2024/apple-pie</id>
			<link href="/2024/apple-pie"/><title>Apple &amp; pie</title><author><name>Ann</name></author><category term="sweet"/><summary>A short one.</summary>
			<content type="html">&lt;p&gt;Whole &lt;b&gt;text&lt;/b&gt;.&lt;/p&gt;</content><published>2024-05-06T07:08:09Z</published></entry></feed>`,
		"JSON": `{"version":"https://jsonfeed.org/version/1.1","title":"F","home_page_url":"https://feed.example/","items":[{"id":"https://feed.example/2024/apple-pie","url":"https://feed.example/2024/apple-pie",
			"title":"Apple & pie","authors":[{"name":"Ann"}],"tags":["sweet"],"summary":"A short one.","content_html":"<p>Whole <b>text</b>.</p><script>x</script>","date_published":"2024-05-06T07:08:09Z"}]}`,
	} {
		items, err := collect(t, content.Source{Path: "feed", Reader: strings.NewReader(source), Format: content.Feed})
		if err != nil || len(items) != 1 {
			t.Errorf("%s: %v, %+v", name, err, items)
			continue
		}
		if items[0].UpdatedAt = (time.Time{}); !reflect.DeepEqual(items[0], want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, items[0], want)
		}
	}
}
