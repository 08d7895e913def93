package content

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"go.abhg.dev/goldmark/frontmatter"
)

// markdown is GitHub's dialect with YAML front matter. It keeps HTML, because the item is sanitised
// later.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.GFM, extension.DefinitionList, &frontmatter.Extender{Formats: []frontmatter.Format{frontmatter.YAML}}),
	goldmark.WithRendererOptions(html.WithUnsafe()))

// markdownFile reads one Markdown file. name is its path in the folder, with slashes. The id is
// made from it if the front matter has none.
func markdownFile(display, name string, r io.Reader) record {
	return record{sourcePos{file: display, line: 1}, func() (Item, error) {
		b, err := io.ReadAll(io.LimitReader(r, maxMarkdown+1))
		switch b = bytes.TrimPrefix(b, []byte("\ufeff")); {
		case err != nil:
			return Item{}, brokenError{fmt.Errorf("read %s: %w", display, err)}
		case len(b) > maxMarkdown:
			return Item{}, fmt.Errorf("file: must be at most %d bytes", maxMarkdown)
		case !utf8.Valid(b):
			return Item{}, atLine{1 + bytes.Count(b[:firstInvalid(b)], []byte("\n")), errors.New("text: must be UTF-8")}
		}
		if err := tooCostly(b); err != nil {
			return Item{}, err
		}
		it, err := markdownItem(b)
		if it.ID == "" {
			it.ID = slug(strings.TrimSuffix(name, path.Ext(name)))
		}
		return it, err
	}}
}

// maxMarkdown is the maximum length of a Markdown file. For some texts, the parser's time grows
// with the square of their length.
const maxMarkdown = maxBody

// nested matches a line with quotes and lists 50 deep.
var nested = regexp.MustCompile(`(?m)^(?:[ \t]*(?:>|[-+*][ \t]|[0-9]{1,9}[.)][ \t])){50}`)

// tooCostly refuses texts within maxMarkdown that would take minutes or much memory, and that
// authors do not write: deep nesting, and thousands of brackets.
func tooCostly(b []byte) error {
	if at := nested.FindIndex(b); at != nil {
		return atLine{1 + bytes.Count(b[:at[0]], []byte("\n")), errors.New("quotes and lists: must be less than 50 deep")}
	}
	bracket := []byte("[")
	if bytes.Count(b, bracket) > 20_000 {
		return errors.New("file: must have at most 20000 brackets")
	}
	for word := range bytes.FieldsSeq(b) {
		if bytes.Count(word, bracket) > 1000 {
			return errors.New("brackets: must not be more than 1000 without a blank in between")
		}
	}
	return nil
}

func firstInvalid(b []byte) (i int) {
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return i
}

// markdownItem reads the front matter, and converts the rest to HTML. If the title comes from a
// heading at the start of the text, that heading is removed.
func markdownItem(source []byte) (it Item, err error) {
	pc := parser.NewContext()
	doc := markdown.Parser().Parse(text.NewReader(source), parser.WithContext(pc))
	if err := frontMatter(&it, source, frontmatter.Get(pc)); err != nil {
		return it, err
	}
	if it.Title == "" {
		it.Title = takeHeading(doc, source)
	}
	if it.Title == "" {
		return it, errors.New("title is missing: add it to the front matter, or add a heading")
	}
	if it.Body == "" {
		var body bytes.Buffer
		if err := markdown.Renderer().Render(&body, source, doc); err != nil {
			return it, err
		}
		it.Body = body.String()
	}
	return it, nil
}

// takeHeading returns the text of the first heading.
func takeHeading(doc ast.Node, source []byte) string {
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			if n == doc.FirstChild() {
				doc.RemoveChild(doc, n)
			}
			return headingText(h, source)
		}
	}
	return ""
}

func headingText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it returns no error
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Value(source))
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
