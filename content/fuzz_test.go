package content_test

import (
	"strings"
	"testing"

	"stile.example/stile/content"
)

// importers fuzzes a reader. It must never panic, and its items must be checked, clean and safe.
func importers(f *testing.F, name string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		items, err := read(t, name, source)
		if err != nil && strings.Contains(err.Error(), "cannot be read:") {
			t.Errorf("a panic: %v", err)
		}
		for _, it := range items {
			safe(t, it.Body)
			list, whole := content.EncodeItem(it)
			if strings.ContainsAny(string(list)+string(whole), "<>&\u2028\u2029") {
				t.Errorf("not safe in a script: %s", whole)
			}
		}
	})
}

func FuzzJSONL(f *testing.F) {
	importers(f, "x.jsonl", `{"id":"a","title":"A","body":"<p onclick=x>","tags":["t"],"attributes":{"a":[1,"x",{"b":null}]},"published_at":"2024-05-06"}`,
		"\ufeff{}\r\n[]\n", `{"id":"a","id":"b"}`, `{"\u0069d":"a","title":"\ud800"}`, `{"a":"}\"","b":[{"]":1}] , "c" : -1.5e3 }`)
}

func FuzzCSV(f *testing.F) {
	importers(f, "x.csv", "id,title,tags,x\na,\"A\nB\",t|u,1\n", "id,title\r\n\"", "title,id,body\nA,a,<p onclick=x>\n")
}

func FuzzMarkdown(f *testing.F) {
	importers(f, "x.md", "---\nid: a\ntags: [b]\nx: {y: 1}\n---\n# T\n<b onclick=x>\n\n[a](javascript:b)\n", "# [x](y)\n", "---\na: &a [*a]\n---\n", "T\n=\n* [ ] x\n| a |\n|-|\n")
}

func FuzzFeed(f *testing.F) {
	importers(f, "x.xml", rss("<guid>g</guid><title>T</title><description>&lt;p onclick=x></description><pubDate>Mon, 06 May 2024 09:08:09 +0200</pubDate>"),
		`<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><title>T</title><content type="xhtml"><div><p>x</p></div></content></entry></feed>`,
		`{"version":"https://jsonfeed.org/version/1","items":[{"id":"a","content_html":"<p>x"}]}`)
}

func FuzzBody(f *testing.F) {
	f.Add("<p onclick=x>a<a href=\"java\tscript:x\">b</a>")
	f.Add("<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=x&gt;\">")
	f.Add("<noscript><p title=\"</noscript><img src=x onerror=x>\">")
	f.Fuzz(func(t *testing.T, s string) {
		once := body(s)
		safe(t, once)
		if twice := body(once); twice != once {
			t.Errorf("%q\nonce  %q\ntwice %q", s, once, twice)
		}
	})
}
