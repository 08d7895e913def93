package objects

import (
	"bufio"
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

const (
	headLen = 64 << 10
	maxName = 256 // bytes of a member's name that are compared
)

// ListNames are the names that a list of items has in an object around it.
var ListNames = []string{"items", "data", "results", "records", "entries", "rows", "documents", "articles", "posts", "pages"}

func isListName(quoted []byte) bool {
	return slices.Contains(ListNames, strings.Trim(string(quoted), `"`))
}

// OnePerLine reports whether a text has one value on each line. It reads ahead up to 64 KiB, if r
// has that size, and consumes nothing.
func OnePerLine(r *bufio.Reader) bool {
	head, _ := r.Peek(headLen)
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 || head[0] != '[' && head[0] != '{' {
		return true
	}
	return head[0] == '{' && !hasList(head) && !pretty(head)
}

// pretty reports whether the first object continues on a second line, which does not begin another
// object.
func pretty(head []byte) bool {
	first, rest, found := bytes.Cut(head, []byte("\n"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return found && len(rest) > 0 && rest[0] != '{' && open(first)
}

// open reports whether brackets of a text are not closed.
func open(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return depth > 0
}

// hasList reports whether the text is an object with a member that is a list of items, and not an
// item itself. The list must begin in the head.
func hasList(head []byte) bool {
	d := json.NewDecoder(bytes.NewReader(head))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return false
	}
	for d.More() {
		token, err := d.Token()
		name, _ := token.(string)
		if err != nil || name == "id" {
			return false
		}
		value, err := d.Token()
		if err != nil {
			return false
		}
		if value == json.Delim('[') && slices.Contains(ListNames, name) {
			return true
		}
		if !skipRest(d, value) {
			return false
		}
	}
	return false
}

// skipRest skips the rest of a value whose first token has been read.
func skipRest(d *json.Decoder, first json.Token) bool {
	depth := 0
	for token := first; ; {
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return true
		}
		var err error
		if token, err = d.Token(); err != nil {
			return false
		}
	}
}
