package docs_test

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

var (
	inline = strings.Fields("a abbr b cite em i mark q small span strong sub sup time u wbr")
	code   = strings.Fields("code kbd pre samp var script style")
	spoken = strings.Fields("alt aria-label content placeholder title")
)

// page returns the text, comments and spoken attributes of HTML, SVG or XML, and what people read
// in its scripts and styles.
func page(text string) []passage {
	var all []passage
	var lines []line
	number, inside := 1, ""
	z := html.NewTokenizer(strings.NewReader(text))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		raw, tok := string(z.Raw()), z.Token()
		switch {
		case kind == html.CommentToken:
			all = append(all, paragraphs(split(number, tok.Data))...)
		case kind == html.TextToken:
			all = append(all, embedded(inside, raw, number)...)
			if !slices.Contains(code, inside) {
				lines = glueLines(lines, number, tok.Data, asIs)
			}
		case slices.Contains(code, tok.Data):
			inside = ""
			if kind == html.StartTagToken {
				inside = tok.Data
				lines = glue(lines, number, unknown)
			}
		case !slices.Contains(inline, tok.Data):
			all = append(all, paragraphs(lines)...)
			lines = nil
		}
		for _, a := range tok.Attr {
			if slices.Contains(spoken, a.Key) {
				all = append(all, literal(split(number, a.Val))...)
			}
		}
		number += strings.Count(raw, "\n")
	}
	return append(all, paragraphs(lines)...)
}

// embedded returns what people read in a script or style element.
func embedded(element, text string, number int) []passage {
	switch element {
	case "script":
		return script(text, number, true)
	case "style":
		return blocks(text, number, cssComment)
	}
	return nil
}
