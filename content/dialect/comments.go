package dialect

import (
	"bytes"
	"errors"
	"regexp"
	"unicode"
	"unicode/utf8"
)

// withoutComments removes the comments of Obsidian, %% … %%, outside code. One that begins a line
// may have empty lines. In one that does not, an empty line is an error, because its signs may be
// those of two variables, with text between them. Signs after a letter or digit, as in 100%%, do
// not begin a comment, and those before one do not end it.
func withoutComments(text []byte, code []span) (shown []byte, line int, err error) {
	from, end := 0, 0 // what is before from is in shown; end is after the last comment found
	for at := nextMark(text, code, 0); at < len(text); at = nextMark(text, code, at+2) {
		before, _ := utf8.DecodeLastRune(text[:at])
		if at > 0 && isWord(before) {
			continue
		}
		indent := bytes.TrimRight(text[:at], " \t>*+-")
		first := len(indent) == 0 || indent[len(indent)-1] == '\n'
		if end >= 0 && end < at+4 { // else it is that of this one too
			end = endOf(text, code, at+2)
		}
		switch {
		case end < 0 && first:
			return nil, lineAt(text, at), errors.New("comment %%: is never closed: add %% after it")
		case end < 0:
			continue
		case !first && emptyLine.Match(text[at:end]):
			return nil, lineAt(text, at), errors.New("comment %%: has an empty line before the %% that ends it; begin the comment on a line of its own, or put the signs into code")
		}
		shown = append(shown, text[from:at]...)
		from, at = end, end-2
	}
	return append(shown, text[from:]...), 0, nil
}

var emptyLine = regexp.MustCompile(`\n[ \t]*\n`)

// endOf returns the offset after the comment whose text begins at from, or -1.
func endOf(text []byte, code []span, from int) int {
	for at := nextMark(text, code, from); at < len(text); at = nextMark(text, code, at+2) {
		if after, n := utf8.DecodeRune(text[at+2:]); n == 0 || !isWord(after) {
			return at + 2
		}
	}
	return -1
}

// nextMark returns the offset of the next %% that is not in code, or the length of the text.
func nextMark(text []byte, code []span, from int) int {
	for from < len(text) {
		i := bytes.Index(text[from:], []byte("%%"))
		if i < 0 {
			break
		}
		if from += i; !isCode(code, from, from+2) {
			return from
		}
		from += 2
	}
	return len(text)
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
