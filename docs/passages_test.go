package docs_test

import (
	"regexp"
	"strings"
)

// A passage is text that is read in one go: a paragraph, a comment, a cell or a string.
type passage struct {
	lines    []line
	isString bool // a string literal
	isTable  bool // a cell of a Markdown table
}

// A line is a part of a passage, and the number of the line in the file where it is.
type line struct {
	number int
	text   string
	glued  bool // continues the line before without a space
}

// unknown is the text of what is known only when the program runs, such as a variable in a
// string. No pattern matches across it.
const unknown = "…"

// text joins the lines, with single spaces.
func (p passage) text() string {
	text, _ := p.join()
	return text
}

// lineAt returns the line number of an offset into text.
func (p passage) lineAt(offset int) int {
	_, starts := p.join()
	number := 0
	for i, start := range starts {
		if start <= offset {
			number = p.lines[i].number
		}
	}
	return number
}

// join returns the text, and the offset at which each line starts in it.
func (p passage) join() (text string, starts []int) {
	for _, l := range p.lines {
		part := l.text
		if !l.glued {
			part = " " + part
		}
		part = collapse(part)
		if text == "" || strings.HasSuffix(text, " ") {
			part = strings.TrimLeft(part, " ")
		}
		start := len(text)
		if strings.HasPrefix(part, " ") {
			start++
		}
		starts = append(starts, start)
		text += part
	}
	return text, starts
}

// collapse replaces each run of white space by one space.
func collapse(text string) string {
	if !strings.ContainsAny(text, "\t\n\f\r") && !strings.Contains(text, "  ") {
		return text
	}
	return spaces.ReplaceAllString(text, " ")
}

var (
	spaces     = regexp.MustCompile(`\s+`)
	blockStart = regexp.MustCompile(`^\s*([-*+•]|\d{1,2}[.)]|#{1,6})\s+`)
	isHeading  = regexp.MustCompile(`^\s*#{1,6}\s`)
)

// paragraphs cuts lines into passages: at empty lines, headings, and items of lists.
func paragraphs(lines []line) []passage {
	var all []passage
	var current []line
	flush := func() {
		if len(current) > 0 {
			all = append(all, passage{lines: current})
		}
		current = nil
	}
	for _, l := range lines {
		if !l.glued && strings.TrimSpace(l.text) == "" {
			flush()
			continue
		}
		if mark := blockStart.FindString(l.text); mark != "" && !l.glued {
			flush()
			heading := isHeading.MatchString(l.text)
			l.text = l.text[len(mark):]
			current = append(current, l)
			if heading {
				flush()
			}
			continue
		}
		current = append(current, l)
	}
	flush()
	return all
}

// literal returns the passages of a string literal, or of several that are concatenated. It
// returns none without a space, as such a string is a name and not a sentence.
func literal(lines []line) []passage {
	text := passage{lines: lines}.text()
	if !strings.Contains(strings.TrimSpace(text), " ") {
		return nil
	}
	all := paragraphs(lines)
	for i := range all {
		all[i].isString = true
	}
	return all
}

// glue appends text to the last of the lines. A newline in it begins another, with the same
// number, as it is an escape in a literal.
func glue(lines []line, number int, text string) []line {
	for i, part := range strings.Split(text, "\n") {
		last := len(lines) - 1
		switch {
		case i > 0:
			lines = append(lines, line{number: number, text: part})
		case last >= 0 && lines[last].text == "":
			lines[last].number, lines[last].text = number, part
		default:
			lines = append(lines, line{number: number, text: part, glued: last >= 0})
		}
	}
	return lines
}

// glueLines is glue for text whose newlines are in the file too.
func glueLines(lines []line, number int, text string, decode func(string) string) []line {
	for i, part := range strings.Split(text, "\n") {
		if i > 0 {
			lines = append(lines, line{number: number + i})
		}
		lines = glue(lines, number+i, decode(part))
	}
	return lines
}

// asIs decodes text without escapes.
func asIs(text string) string { return text }

// split returns the lines of text, the first of which has the number.
func split(number int, text string) []line {
	var lines []line
	for i, part := range strings.Split(text, "\n") {
		lines = append(lines, line{number: number + i, text: part})
	}
	return lines
}

// lineNumber returns the number of the line at an offset.
func lineNumber(text string, offset int) int { return 1 + strings.Count(text[:offset], "\n") }
