package docs_test

import (
	"regexp"
	"strings"
)

// script returns the comments of JavaScript, TypeScript or a language with the same comments, and
// its string and template literals if they are wanted. The first line has the number.
func script(text string, number int, wantStrings bool) []passage {
	s := scanner{text: text, number: number}
	s.code(false)
	var all []passage
	for i := 0; i < len(s.found); {
		first := s.found[i]
		lines := first.lines
		last := first
		for i++; i < len(s.found) && s.continues(last, s.found[i]); i++ {
			last = s.found[i]
			lines = append(lines, last.joined()...)
		}
		if first.isComment {
			all = append(all, comment(lines)...)
		} else if wantStrings {
			all = append(all, literal(lines)...)
		}
	}
	return all
}

// A scriptToken is a comment or a string in a script.
type scriptToken struct {
	isComment  bool
	start, end int
	lines      []line
}

// joined returns the lines as the continuation of the token before.
func (t scriptToken) joined() []line {
	t.lines[0].glued = !t.isComment
	return t.lines
}

// continues reports whether two tokens are one passage: line comments below each other, or strings
// that + joins.
func (s *scanner) continues(a, b scriptToken) bool {
	if a.isComment != b.isComment || a.end > b.start {
		return false
	}
	between := s.text[a.end:b.start]
	if !a.isComment {
		return strings.TrimSpace(between) == "+"
	}
	lineStart := strings.LastIndex(s.text[:a.start], "\n") + 1
	return strings.HasPrefix(s.text[a.start:], "//") && strings.HasPrefix(s.text[b.start:], "//") &&
		strings.TrimSpace(between) == "" && strings.Count(between, "\n") == 1 &&
		strings.TrimSpace(s.text[lineStart:a.start]) == ""
}

// A scanner finds comments and strings in a script.
type scanner struct {
	text   string
	pos    int
	number int    // of the first line
	before []byte // the code so far, without comments, strings and regular expressions
	found  []scriptToken
}

// beforeRegexp matches code after which a slash begins a regular expression, and does not divide.
var beforeRegexp = regexp.MustCompile(`(^|[(,=:\[!&|?{};+*%<>~^-]|` +
	`\b(return|typeof|case|in|of|void|delete|do|else|await|yield))\s*$`)

// code scans to the end of the text, or of the expression in a template.
func (s *scanner) code(inTemplate bool) {
	for depth := 0; s.pos < len(s.text); {
		rest, c := s.text[s.pos:], s.text[s.pos]
		switch {
		case strings.HasPrefix(rest, "//"):
			s.comment("\n", 0)
			continue
		case strings.HasPrefix(rest, "/*"):
			s.comment("*/", 2)
			continue
		case c == '"' || c == '\'':
			s.quoted(c)
			continue
		case c == '`':
			s.template()
			continue
		case c == '/' && beforeRegexp.Match(s.before[max(0, len(s.before)-20):]):
			s.regexp()
			continue
		case c == '{':
			depth++
		case c == '}':
			if depth--; inTemplate && depth < 0 {
				return
			}
		}
		s.before = append(s.before, c)
		s.pos++
	}
}

func (s *scanner) comment(end string, length int) {
	start := s.pos
	if i := strings.Index(s.text[s.pos+2:], end); i < 0 {
		s.pos = len(s.text)
	} else {
		s.pos += 2 + i + length
	}
	lines := split(s.lineOf(start), s.text[start:s.pos])
	s.found = append(s.found, scriptToken{true, start, s.pos, lines})
}

// quoted scans a string. One that is not closed ends with its line.
func (s *scanner) quoted(quote byte) {
	start := s.pos
	for s.pos++; s.pos < len(s.text) && s.text[s.pos] != quote && s.text[s.pos] != '\n'; s.pos++ {
		if s.text[s.pos] == '\\' {
			s.pos++
		}
	}
	text := s.text[start+1 : min(s.pos, len(s.text))]
	s.pos = min(s.pos+1, len(s.text))
	s.endLiteral(start, glueLines(nil, s.lineOf(start), text, unescape))
}

// template scans a template literal, and the code in it.
func (s *scanner) template() {
	start := s.pos
	var lines []line
	s.pos++
	part := s.pos
	flush := func() {
		text := s.text[part:min(s.pos, len(s.text))]
		lines = glueLines(lines, s.lineOf(part), text, unescape)
	}
	for s.pos < len(s.text) && s.text[s.pos] != '`' {
		switch {
		case s.text[s.pos] == '\\':
			s.pos++
		case strings.HasPrefix(s.text[s.pos:], "${"):
			flush()
			lines = glue(lines, s.lineOf(s.pos), unknown)
			s.before = append(s.before, '{')
			s.pos += 2
			s.code(true)
			part = s.pos + 1
		}
		s.pos++
	}
	flush()
	s.pos = min(s.pos+1, len(s.text))
	s.endLiteral(start, lines)
}

func (s *scanner) endLiteral(start int, lines []line) {
	s.before = append(s.before, '"')
	s.found = append(s.found, scriptToken{false, start, s.pos, lines})
}

// regexp passes over a regular expression. A slash between brackets does not end it.
func (s *scanner) regexp() {
	inBrackets := false
	for s.pos++; s.pos < len(s.text) && s.text[s.pos] != '\n'; s.pos++ {
		c := s.text[s.pos]
		if c == '/' && !inBrackets {
			s.pos++
			break
		}
		switch c {
		case '\\':
			s.pos++
		case '[':
			inBrackets = true
		case ']':
			inBrackets = false
		}
	}
	s.pos = min(s.pos, len(s.text))
	s.before = append(s.before, '"')
}

func (s *scanner) lineOf(offset int) int {
	return s.number + lineNumber(s.text, min(offset, len(s.text))) - 1
}

// unescape decodes the escapes that matter to a reader.
func unescape(text string) string { return escapes.Replace(text) }

var escapes = strings.NewReplacer(`\n`, "\n", `\t`, " ", `\'`, "'", `\"`, `"`, "\\`", "`")
