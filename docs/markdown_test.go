package docs_test

import (
	"regexp"
	"strings"
)

var (
	fence    = regexp.MustCompile("^[\\s>]*(```|~~~)")
	emphasis = regexp.MustCompile(`\*+`)
	quoted   = regexp.MustCompile(`^(\s*>)+`)
)

// markdown returns paragraphs, items of lists, headings and cells of tables, without code.
func markdown(text string) []passage {
	var all []passage
	var prose []line
	inFence := false
	for i, l := range strings.Split(text, "\n") {
		row := strings.TrimSpace(l)
		switch {
		case fence.MatchString(l):
			inFence = !inFence
			prose = append(prose, line{})
		case inFence:
		case strings.HasPrefix(row, "|"):
			prose = append(prose, line{})
			all = append(all, cells(i+1, row)...)
		default:
			mark := blockStart.FindString(l)
			l = mark + emphasis.ReplaceAllString(l[len(mark):], "")
			prose = append(prose, line{number: i + 1, text: quoted.ReplaceAllString(l, "")})
		}
	}
	return append(all, paragraphs(prose)...)
}

func cells(number int, row string) []passage {
	var all []passage
	for cell := range strings.SplitSeq(codeSpan.blank(row), "|") {
		cell = emphasis.ReplaceAllString(cell, "")
		all = append(all, passage{lines: []line{{number: number, text: cell}}, isTable: true})
	}
	return all
}
