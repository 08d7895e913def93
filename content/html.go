package content

import (
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"

	"stile.example/stile/content/plain"
)

// policy is what a body may contain: text, its structure and emphasis, tables, links and pictures.
// It excludes styles, classes, ids, forms, frames and scripts, so that a body can neither affect
// the page that shows it nor look like a part of it. URLs must be absolute (http and https; mailto
// in links), because a relative one would lead into the tenant's site.
var policy = newPolicy()

func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "div", "span",
		"b", "strong", "i", "em", "u", "s", "small", "sub", "sup", "mark", "abbr", "cite", "dfn", "kbd", "samp", "var", "code", "pre", "q",
		"blockquote", "figure", "figcaption", "ul", "ol", "li", "dl", "dt", "dd", "ins", "del", "time", "ruby", "rb", "rp", "rt",
		"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td")
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z0-9-]{1,35}$`)).Globally()
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("title").OnElements("abbr", "a", "img", "dfn")
	p.AllowAttrs("datetime").Matching(regexp.MustCompile(`^[0-9TZ:+. -]{1,40}$`)).OnElements("time")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[1-9][0-9]?$`)).OnElements("th", "td")
	p.AllowAttrs("scope").Matching(regexp.MustCompile(`^(row|col|rowgroup|colgroup)$`)).OnElements("th")
	p.AllowAttrs("href").Matching(regexp.MustCompile(`(?i)^(https?://[^/]|mailto:)`)).OnElements("a")
	p.AllowAttrs("src").Matching(regexp.MustCompile(`(?i)^https?://[^/]`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(regexp.MustCompile(`^[0-9]{1,4}$`)).OnElements("img")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	// Items come from feeds too, and the tenant's page must not vouch for their links.
	p.RequireNoFollowOnLinks(true)
	return p
}

// sanitise returns an HTML text with only what policy allows. It removes control characters last,
// because they may have been written as entities.
func sanitise(s string) string {
	return strings.TrimSpace(printable(emptyImage.ReplaceAllString(policy.Sanitize(s), "")))
}

// emptyImage matches an image that has lost its URL and has no text instead.
var emptyImage = regexp.MustCompile(`<img(?: alt="")?/?>`)

// excerptLen is the approximate length of an excerpt in characters.
const excerptLen = 200

// Excerpt returns the beginning of an HTML text as plain text, cut between words.
func Excerpt(body string) string {
	return strings.TrimSpace(plain.Keep(cut(printable(plainText(body, 4*excerptLen)), excerptLen)))
}

// plainText returns the text of an HTML text on one line, or at least its first n bytes.
func plainText(s string, n int) string {
	if !strings.ContainsAny(s, "<&") {
		return strings.Join(strings.Fields(s), " ")
	}
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(s)); b.Len() <= n; {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(b.String()), " ")
		case html.TextToken:
			b.WriteString(html.UnescapeString(string(z.Raw())))
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			if name, _ := z.TagName(); !inline[string(name)] {
				b.WriteByte(' ')
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// inline lists the elements that do not separate words.
var inline = map[string]bool{
	"a": true, "abbr": true, "b": true, "cite": true, "code": true, "del": true, "dfn": true, "em": true, "i": true, "ins": true, "kbd": true,
	"mark": true, "q": true, "s": true, "samp": true, "small": true, "span": true, "strong": true, "sub": true, "sup": true, "time": true, "u": true, "var": true,
}

// cut returns s, or at most its first n characters up to the end of a word.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	s = string(r[:n-1])
	if i := strings.LastIndexByte(s, ' '); i > len(s)/2 {
		s = s[:i]
	}
	return strings.TrimRight(s, " ,;:.-–") + "…"
}
