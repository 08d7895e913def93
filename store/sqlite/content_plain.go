package sqlite

import (
	"html"
	"strings"
)

// plainText is the text of sanitised HTML. In that, a `<` opens a tag and a
// `>` closes it, nowhere else do they stand.
func plainText(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return s
	}
	var b strings.Builder
	for {
		text, rest, ok := strings.Cut(s, "<")
		b.WriteString(text)
		if !ok {
			return html.UnescapeString(b.String())
		}
		var tag string
		if tag, s, ok = strings.Cut(rest, ">"); !ok {
			return html.UnescapeString(b.String())
		}
		if !isInline(tag) {
			b.WriteByte(' ')
		}
	}
}

// isInline says of a tag that it can stand inside a word.
func isInline(tag string) bool {
	name, _, _ := strings.Cut(strings.Trim(tag, "/"), " ")
	switch name {
	case "a", "abbr", "b", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s",
		"samp", "small", "span", "strong", "sub", "sup", "time", "u", "var":
		return true
	}
	return false
}
