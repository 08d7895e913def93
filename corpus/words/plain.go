package words

import (
	"html"
	"strings"
)

// PlainText returns the text of sanitised HTML. There a `<` always opens a tag, and a `>` always
// closes one.
func PlainText(s string) string {
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

// isInline reports whether a tag can be inside a word.
func isInline(tag string) bool {
	name, _, _ := strings.Cut(strings.Trim(tag, "/"), " ")
	switch name {
	case "a", "abbr", "b", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s",
		"samp", "small", "span", "strong", "sub", "sup", "time", "u", "var":
		return true
	}
	return false
}
