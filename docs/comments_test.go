package docs_test

import (
	"regexp"
	"strings"
)

// commentMarks are what begins or ends a line of a comment, in all languages.
var commentMarks = regexp.MustCompile(`^\s*(//+|/\*+|\*/|\*|#+|--+)(\s|$)|^\s*(//+|/\*+)|\*/\s*$`)

// comment returns the paragraphs of a comment, without its marks.
func comment(lines []line) []passage {
	for i := range lines {
		lines[i].text = commentMarks.ReplaceAllString(lines[i].text, "")
	}
	return paragraphs(lines)
}

var (
	cssComment   = regexp.MustCompile(`(?s)/\*.*?\*/`)
	docString    = regexp.MustCompile(`(?s)""".*?"""`)
	hashComment  = regexp.MustCompile(`(?:^|\s)#+(?:\s|$)`)
	slashComment = regexp.MustCompile(`(?:^|\s)//(?:\s|$)`)
	sqlComment   = regexp.MustCompile(`(?:^|\s)--(?:\s|$)`)
)

// blocks returns comments that may be longer than a line.
func blocks(text string, number int, re *regexp.Regexp) []passage {
	var all []passage
	for _, at := range re.FindAllStringIndex(text, -1) {
		block := strings.Trim(text[at[0]:at[1]], `"`)
		all = append(all, comment(split(number+lineNumber(text, at[0])-1, block))...)
	}
	return all
}

// lineComments returns comments that end with their line. Those with nothing before them are
// joined with the next.
func lineComments(text string, re *regexp.Regexp) []passage {
	var all []passage
	var group []line
	for i, l := range strings.Split(text, "\n") {
		at := re.FindStringIndex(l)
		isWhole := at != nil && strings.TrimSpace(l[:at[0]]) == ""
		if !isWhole {
			all = append(all, paragraphs(group)...)
			group = nil
		}
		switch {
		case isWhole:
			group = append(group, line{number: i + 1, text: l[at[1]:]})
		case at != nil && strings.Count(l[:at[0]], `"`)%2 == 0 && strings.Count(l[:at[0]], "'")%2 == 0:
			all = append(all, paragraphs([]line{{number: i + 1, text: l[at[1]:]}})...)
		}
	}
	return append(all, paragraphs(group)...)
}
