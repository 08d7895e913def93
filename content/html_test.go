package content_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"stile.example/stile/content"
)

func body(s string) string {
	it := content.Item{Body: s}
	content.Clean(&it)
	return it.Body
}

func TestBodyKeeps(t *testing.T) {
	for _, s := range []string{
		`<h2>A</h2><p lang="fr" dir="ltr">b <b>c</b> <em>d</em><br>e</p><hr>`,
		`<ul><li>a</li></ul><ol start="3"><li>b</li></ol><dl><dt>c</dt><dd>d</dd></dl>`,
		`<table><caption>t</caption><thead><tr><th scope="col" colspan="2">a</th></tr></thead><tbody><tr><td rowspan="2">b</td></tr></tbody></table>`,
		`<figure><img src="https://a/b.png" alt="x" width="10" height="20"><figcaption>c</figcaption></figure>`,
		`<a href="https://a/?b=c&amp;d#e" rel="nofollow">f</a> <a href="mailto:a@example.org" rel="nofollow">g</a>`,
		`<pre><code>a &lt; b</code></pre><blockquote>c</blockquote><time datetime="2024-05-06">d</time><ruby>漢<rt>kan</rt></ruby>`,
		"a\tb\nc",
	} {
		if got := body(s); got != s {
			t.Errorf("\n    %s\n got %s", s, got)
		}
	}
}

func TestBodyLoses(t *testing.T) {
	for in, want := range map[string]string{
		`<script>alert(1)</script>a<style>b{}</style>`:                            `a`,
		`<img src=x onerror=alert(1)>`:                                            ``,
		`<img src="https://a/" onerror="alert(1)" style="x" id="y">`:              `<img src="https://a/">`,
		`<img src="data:image/svg+xml;base64,AA" alt="a">`:                        `<img alt="a">`,
		`<img srcset="https://a/ 2x" src="//a/b">`:                                ``,
		`<a href="javascript:alert(1)">a</a>`:                                     `a`,
		`<a href=" java` + "\t" + `script:alert(1)">a</a>`:                        `a`,
		`<a href="&#106;avascript:alert(1)">a</a>`:                                `a`,
		`<a href="/near">a</a><a href="#x">b</a><a href="//a/">c</a>`:             `abc`,
		`<a href="https://a/" target="_top" ping="/x" onclick="y">a</a>`:          `<a href="https://a/" rel="nofollow">a</a>`,
		`<p class="fixed" style="position:fixed" id="a" data-x="y">a</p>`:         `<p>a</p>`,
		`<form action="https://a/"><input name="b"><button>c</button></form>`:     `c`,
		`<iframe src="https://a/"></iframe><object></object><embed>`:              ``,
		`<svg><script>alert(1)</script><a xlink:href="javascript:1">b</a></svg>`:  `b`,
		`<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>`: ``,
		`<!-- a --><!DOCTYPE x><?php b ?>c`:                                       `c`,
		`<base href="https://a/"><meta http-equiv="refresh"><link rel="x">d`:      `d`,
		`<stile-search>a</stile-search><slot name="x">b</slot>`:                   `ab`,
		`<p lang="x' onclick='1">a</p>`:                                           `<p>a</p>`,
		"a\x00b\x1b[31mc&#1;d\u0085e":                                             `ab[31mcde`,
		`<th colspan="9999999">a</th>`:                                            `<th>a</th>`,
	} {
		if got := body(in); got != want {
			t.Errorf("\n    %s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestSummaryIsPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"a < b > c":                            "a < b > c",
		"<b>a</b> <i class='x'>b</i>":          "a b",
		"<br>a<p>b<!-- c --><img src=x>":       "ab",
		"<svg onload=alert(1)>a":               "a",
		"<img src=x onerror=alert(1) <b>a":     "a",
		"<scr<b x=1>ipt>alert(1)</script>":     "ipt>alert(1)</script>",
		"<<b x=1>script>a<<b x=1>/script>":     "script>a/script>",
		"a List<String>, the <dialog> element": "a List<String>, the <dialog> element",
		"if a<b then c>d, before </body>":      "if a<b then c>d, before </body>",
		"AT&amp;T & co <3":                     "AT&amp;T & co <3",
	} {
		it := content.Item{Summary: in}
		if content.Clean(&it); it.Summary != want {
			t.Errorf("%s: %s, want %s", in, it.Summary, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "<p></p>": "", "<p>One</p><p>two<b>three</b></p>": "One twothree", "a &amp; b &lt;c": "a & b <c",
		"the &lt;dialog&gt; element":              "the <dialog> element",
		"&lt;b&gt;bold&lt;/b&gt;":                 "<\u2060b>bold<\u2060/b>",
		"&lt;img src=x onerror=y&gt; <i>":         "<\u2060img src=x onerror=y>",
		strings.Repeat("word ", 100):              strings.Repeat("word ", 38) + "word…",
		strings.Repeat("東", 300):                  strings.Repeat("東", 199) + "…",
		"<p>" + strings.Repeat("x", 200) + "</p>": strings.Repeat("x", 200),
	} {
		if got := content.Excerpt(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// safe returns what in an HTML text could affect the page that shows it. It uses another parser
// than the sanitiser: the algorithm of browsers.
func safe(t testing.TB, s string) {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	for _, n := range nodes {
		safeNode(t, s, n)
		for d := range n.Descendants() {
			safeNode(t, s, d)
		}
	}
}

func safeNode(t testing.TB, s string, n *html.Node) {
	if n.Type == html.CommentNode || n.Namespace != "" ||
		n.Type == html.ElementNode && slices.Contains([]string{"script", "style", "iframe", "object", "embed", "form", "input", "button", "svg", "math", "base", "link", "meta", "template", "noscript", "textarea", "title"}, n.Data) {
		t.Errorf("%q has %s %q", s, n.Namespace, n.Data)
	}
	for _, a := range n.Attr {
		whole := strings.HasPrefix(strings.ToLower(a.Val), "http://") || strings.HasPrefix(strings.ToLower(a.Val), "https://")
		switch a.Key {
		case "lang", "dir", "title", "datetime", "start", "colspan", "rowspan", "scope", "alt", "width", "height", "rel":
		case "href":
			if !whole && !strings.HasPrefix(strings.ToLower(a.Val), "mailto:") {
				t.Errorf("%q has %s=%q", s, a.Key, a.Val)
			}
		case "src":
			if !whole {
				t.Errorf("%q has %s=%q", s, a.Key, a.Val)
			}
		default:
			t.Errorf("%q has %s=%q", s, a.Key, a.Val)
		}
	}
}
