package feed

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// typed returns a text of Atom as HTML. A text without a type is not HTML (RFC 4287, section 3.1),
// and neither is any other type of text. Media types other than text are left out. In Atom 0.3,
// mode says how a text is written.
func typed(s, textType, mode string, base *url.URL) string {
	textType, _, _ = strings.Cut(textType, ";")
	if mode == "base64" {
		if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), "")); err == nil {
			s = string(decoded)
		}
	}
	if mode == "escaped" && textType == "" { // gofeed leaves this text as it is, escaped
		return s
	}
	switch textType = strings.TrimSpace(textType); textType {
	case "html", "text/html", "application/xhtml+xml":
		return withBase(s, base)
	case "xhtml":
		return withBase(prefixes.ReplaceAllString(s, "$1"), base)
	case "", "text":
		return paragraphs(s)
	}
	if strings.HasPrefix(textType, "text/") {
		return paragraphs(s)
	}
	return ""
}

// prefixes matches the start of tags such as <xhtml:p>.
var prefixes = regexp.MustCompile(`(</?)(?:xhtml|html|h|x):`)

// text returns text as HTML.
func text(s string) string { return html.EscapeString(strings.TrimSpace(s)) }

var blankLines = regexp.MustCompile(`\n[ \t]*\n\s*`)

// paragraphs returns text as HTML with its paragraphs and lines.
func paragraphs(s string) string {
	s = text(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"))
	if !strings.Contains(s, "\n") {
		return s
	}
	parts := blankLines.Split(s, -1)
	for i, part := range parts {
		parts[i] = "<p>" + strings.ReplaceAll(part, "\n", "<br>\n") + "</p>"
	}
	return strings.Join(parts, "\n")
}

var entity = regexp.MustCompile(`&#?[0-9A-Za-z]{1,32};`)

// unescape decodes the entities that are left in a title which was escaped twice.
func unescape(s string) string { return entity.ReplaceAllStringFunc(s, html.UnescapeString) }

// absolute returns an http or https URL, relative to base if there is one, or nil.
func absolute(base *url.URL, s string) *url.URL {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return nil
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return u
}

// resolve returns a URL relative to base, if there is one. Others are returned as they are.
func resolve(base *url.URL, s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() && !strings.ContainsAny(s, " \t\r\n") {
		return s
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	return u.String()
}

// withBase returns HTML in which the links and pictures are relative to base, if there is one. A
// text that grows by more than maxGrowth is cut off there: these links are kept when it is
// sanitised, so it is too long for an item even then, and refused.
func withBase(s string, base *url.URL) string {
	if base == nil || !strings.Contains(s, "<") {
		return s
	}
	var b strings.Builder
	grown := 0
	for z := html.NewTokenizer(strings.NewReader(s)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			b.Write(z.Raw())
			return b.String()
		}
		raw := string(z.Raw()) // Token changes it
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			b.WriteString(raw)
			continue
		}
		if t := z.Token(); resolveTag(&t, base) {
			grown += len(t.String()) - len(raw)
			raw = t.String()
		}
		if b.WriteString(raw); grown > maxGrowth {
			return b.String()
		}
	}
}

// resolveTag makes the URL of a link or a picture absolute, and reports whether it was relative.
func resolveTag(t *html.Token, base *url.URL) (changed bool) {
	for i, a := range t.Attr {
		if t.Data == "a" && a.Key == "href" || t.Data == "img" && a.Key == "src" {
			if full := resolve(base, a.Val); full != a.Val {
				t.Attr[i].Val, changed = full, true
			}
		}
	}
	return changed
}

// firstPicture returns the URL of the first picture in HTML. It leaves out pictures of one pixel,
// which count readers.
func firstPicture(s string) string {
	if !strings.Contains(s, "<") {
		return ""
	}
	for z := html.NewTokenizer(strings.NewReader(s)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
			if t := z.Token(); t.Data == "img" {
				if src := pictureSource(t); src != "" {
					return src
				}
			}
		}
	}
}

func pictureSource(t html.Token) (src string) {
	for _, a := range t.Attr {
		switch a.Key {
		case "src":
			src = a.Val
		case "width", "height":
			if v := strings.TrimSuffix(a.Val, "px"); v == "0" || v == "1" {
				return ""
			}
		}
	}
	return src
}
