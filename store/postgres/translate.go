package postgres

import (
	"strconv"
	"strings"
)

// translate returns a query as PostgreSQL reads it: parameters are $1, $2, … instead of ?, and
// there are no hints which index SQLite must use.
func translate(query string) string {
	if strings.IndexByte(query, '?') < 0 && !strings.Contains(query, hint) {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 32)
	n := 0
	for i := 0; i < len(query); {
		switch c := query[i]; {
		case c == '?':
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			i++
		case c == '\'' || c == '"':
			end := endOf(query, i+1, string(c))
			b.WriteString(query[i:end])
			i = end
		case strings.HasPrefix(query[i:], "--"):
			i = endOf(query, i, "\n") - 1
			if query[i] != '\n' {
				i++
			}
		case strings.HasPrefix(query[i:], hint):
			i += len(hint)
			for i < len(query) && !strings.ContainsRune(" \t\n)", rune(query[i])) { // the name of the index
				i++
			}
			if i < len(query) && query[i] != ')' { // the space after it
				i++
			}
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

// hint precedes the name of an index.
const hint = "INDEXED BY "

// endOf returns the index after the next end, from i on.
func endOf(query string, i int, end string) int {
	if n := strings.Index(query[i:], end); n >= 0 {
		return i + n + len(end)
	}
	return len(query)
}
