package frontmatter

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
)

// block is the front matter of a file.
type block struct {
	source []byte // with the lines before it, so that a parser's lines are those of the file
	line   int    // on which it begins
	decode func() ([]Field, error)
	text   []byte // what follows
}

// fence matches the first line of YAML and TOML, also with a language, as in ---toml.
var fence = regexp.MustCompile(`^(---|\+\+\+)[ \t]*([A-Za-z]*)$`)

// openObject matches the start of JSON, and not that of {{ or {% (templates) or {: (kramdown).
var openObject = regexp.MustCompile(`^\{[ \t]*("|\}|$)`)

// find returns the front matter, or nil. Blank lines before it don't count.
func find(source []byte) (*block, error) {
	start := len(source) - len(bytes.TrimLeft(source, " \t\r\n"))
	start = bytes.LastIndexByte(source[:start], '\n') + 1 // an indented line is text
	line := lineAt(source, start)
	first, _, _ := bytes.Cut(source[start:], []byte("\n"))
	head := strings.TrimRight(string(first[:min(len(first), 200)]), " \t")
	if m := fence.FindStringSubmatch(head); m != nil {
		return fenced(source, start+len(first), line, m[1], strings.ToLower(m[2]))
	}
	if openObject.MatchString(head) {
		return object(source, start, line)
	}
	return nil, foreign(source[start:], head, line)
}

// fenced returns the block between two fences. The first one ends at from.
func fenced(source []byte, from, line int, mark, language string) (*block, error) {
	decode, err := decoder(mark, language, line)
	if err != nil {
		return nil, err
	}
	for at := from; at < len(source); {
		at++ // the line break
		l, _, _ := bytes.Cut(source[at:], []byte("\n"))
		end := string(bytes.TrimRight(l, " \t"))
		if end == mark || end == "..." && mark == "---" && (language == "" || language[0] == 'y') {
			b := &block{source: blank(source, from, at), line: line, text: source[min(at+len(l)+1, len(source)):]}
			b.decode = func() ([]Field, error) { return decode(b.source) }
			return b, nil
		}
		at += len(l)
	}
	advice := ""
	if mark == "---" {
		advice = "; if it is a rule, write *** instead"
	}
	return nil, errorAt(line, "front matter: is never closed: add a line %s after it%s", mark, advice)
}

// blank returns source[from:to] after as many line breaks as there are before it.
func blank(source []byte, from, to int) []byte {
	b := bytes.Repeat([]byte("\n"), bytes.Count(source[:from], []byte("\n")))
	return append(b, source[min(from, to):to]...)
}

func decoder(mark, language string, line int) (func([]byte) ([]Field, error), error) {
	switch {
	case mark == "---" && (language == "" || language == "yaml" || language == "yml"):
		return decodeYAML, nil
	case mark == "+++" && language == "", language == "toml":
		return decodeTOML, nil
	case mark == "---" && language == "json":
		return onlyJSON, nil
	}
	return nil, errorAt(line, "front matter: %s is not supported; %s", quote(mark+language), supported)
}

const supported = "write YAML between two lines ---, TOML between two lines +++, or a JSON object"

// object returns a block of JSON, which ends where its braces do.
func object(source []byte, start, line int) (*block, error) {
	fields, end, err := decodeJSON(source, start)
	if err != nil {
		return nil, err
	}
	l, rest, _ := bytes.Cut(source[end:], []byte("\n"))
	if len(bytes.TrimSpace(l)) > 0 {
		return nil, errorAt(lineAt(source, end), "front matter: has text after the closing }: begin the text on the next line")
	}
	decode := func() ([]Field, error) { return fields, nil }
	return &block{source: source[start:end], line: line, decode: decode, text: rest}, nil
}

// unsupported lists how other programs begin metadata that would otherwise be shown as text.
var unsupported = []struct {
	start   *regexp.Regexp
	problem string
}{
	{regexp.MustCompile(`(?i)^title[ \t]*[:=]([ \t]|$)`), "front matter: has no line --- before it; add one before and one after it"},
	{regexp.MustCompile(`^;;;`), "front matter: JSON between lines ;;; is not supported; " + supported},
	{regexp.MustCompile(`^% `), "front matter: a title block of Pandoc (%) is not supported; " + supported},
	{regexp.MustCompile(`^<!--\s*\n?\.\. [a-z]+:`), "front matter: metadata in a comment, as Nikola writes it, is not supported; " + supported},
}

// misfenced matches names and values between lines that are almost fences.
var misfenced = regexp.MustCompile(`^(?:-{4,}| {1,3}-{3,})[ \t]*\n[A-Za-z_][\w-]*:(?:[ \t].*)?\n` +
	`(?:[A-Za-z_][\w -]*:(?:[ \t].*)?\n|[ \t].*\n|-[ \t].*\n|\n)*? {0,3}-{3,}[ \t]*(?:\n|\z)`)

// foreign returns an error for metadata in a form that is recognised and not supported.
func foreign(source []byte, head string, line int) error {
	if misfenced.Match(source[:min(len(source), MaxSize)]) {
		return errorAt(line, "front matter: must be between lines of three dashes without blanks before them; if it is a rule, write *** instead")
	}
	for _, u := range unsupported {
		if u.start.MatchString(head) || head == "<!--" && u.start.Match(source[:min(len(source), 200)]) {
			return Error{line, errors.New(u.problem)}
		}
	}
	return nil
}
