package dialect

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"

	"github.com/yuin/goldmark/ast"
)

// Shown returns the text without what its program does not show: the comments of Obsidian and
// Jekyll, the tags of templates, whose content stays, and the attributes of kramdown. Blocks of
// highlighted code become blocks of code. Code is not changed. parse parses Markdown. The line of
// an error is that of the text.
func Shown(text []byte, parse func([]byte) ast.Node) (shown []byte, line int, err error) {
	if bytes.Contains(text, []byte("highlight")) {
		text = fenceHighlighted(text, codeOf(text, parse))
	}
	if bytes.Contains(text, []byte("%%")) {
		if text, line, err = withoutComments(text, codeOf(text, parse)); err != nil {
			return nil, line, err
		}
	}
	for _, hidden := range []struct {
		mark    string
		pattern *regexp.Regexp
	}{
		{"{{", shortcode}, {"{%", liquidComment}, {"{%", liquidTag}, {"{:", attributes},
	} {
		if bytes.Contains(text, []byte(hidden.mark)) {
			text = without(text, codeOf(text, parse), hidden.pattern, hidden.pattern == liquidComment)
		}
	}
	return text, 0, nil
}

var (
	liquidComment = regexp.MustCompile(`(?s)\{%-?\s*comment\s*-?%\}.*?\{%-?\s*endcomment\s*-?%\}`)
	liquidTag     = regexp.MustCompile(`(?s)\{%-?\s*[a-z_]+(?:\s.*?)?-?%\}`)
	// shortcode does not match the escaped {{</* name */>}}, which shows a shortcode.
	shortcode  = regexp.MustCompile(`(?s)\{\{<\s*/?\s*[\w-].*?>\}\}|\{\{%\s*/?\s*[\w-].*?%\}\}`)
	attributes = regexp.MustCompile(`(?m)^[ \t]*\{:[ \t]*` + kramdown + `[ \t]*(?:\n|\z)|\{:[ \t]*` + kramdown)
)

// kramdown matches what follows {: in a list of attributes, but not an Elixir tuple.
const kramdown = `(?:[.#][\w-]|toc\b|[\w-]+=["'])[^{}\n]*\}`

// span is a range of offsets.
type span struct{ start, end int }

// codeOf returns the ranges of code in their order.
func codeOf(text []byte, parse func([]byte) ast.Node) (code []span) {
	_ = ast.Walk(parse(text), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n.Kind() {
		case ast.KindCodeBlock, ast.KindFencedCodeBlock:
			for i := range n.Lines().Len() {
				l := n.Lines().At(i)
				code = append(code, span{l.Start, l.Stop})
			}
		case ast.KindCodeSpan:
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				if t, isText := c.(*ast.Text); isText {
					code = append(code, span{t.Segment.Start, t.Segment.Stop})
				}
			}
		}
		return ast.WalkContinue, nil
	})
	return code
}

// isCode reports whether code touches a range.
func isCode(code []span, start, end int) bool {
	i, _ := slices.BinarySearchFunc(code, start, func(s span, at int) int { return cmp.Compare(s.end, at+1) })
	return i < len(code) && code[i].start < end
}

// without removes what a pattern matches outside code. Only a wide match may contain code or empty
// lines.
func without(text []byte, code []span, pattern *regexp.Regexp, wide bool) []byte {
	var b []byte
	from := 0
	for _, m := range pattern.FindAllIndex(text, -1) {
		match := text[m[0]:m[1]]
		brace := m[0] + bytes.IndexByte(match, '{')
		if isCode(code, brace, brace+1) || !wide && (isCode(code, brace, m[1]) || bytes.Contains(match, []byte("\n\n"))) {
			continue
		}
		b = append(b, text[from:m[0]]...)
		from = m[1]
	}
	return append(b, text[from:]...)
}

// highlighted matches a block of Jekyll or Hugo whose tags are on lines of their own.
var highlighted = regexp.MustCompile(`(?ms)^([ \t>]*)(?:\{%-?|\{\{[<%])[ \t]*highlight[ \t]+"?([\w+#.-]+)[^\n]*\}[ \t]*\n` +
	`(.*?)^[ \t>]*(?:\{%-?[ \t]*endhighlight|\{\{[<%][ \t]*/[ \t]*highlight)[^\n]*\}[ \t]*$`)

// fenceHighlighted replaces blocks of highlighted code by fenced blocks with as many lines.
func fenceHighlighted(text []byte, code []span) []byte {
	var b []byte
	from := 0
	for _, m := range highlighted.FindAllSubmatchIndex(text, -1) {
		prefix, body := text[m[2]:m[3]], text[m[6]:m[7]]
		if isCode(code, m[3], m[3]+1) {
			continue
		}
		fence := []byte("~~~")
		for bytes.Contains(body, fence) {
			fence = append(fence, '~')
		}
		b = append(b, text[from:m[0]]...)
		b = slices.Concat(b, prefix, fence, text[m[4]:m[5]], []byte("\n"), body, prefix, fence)
		from = m[1]
	}
	return append(b, text[from:]...)
}
