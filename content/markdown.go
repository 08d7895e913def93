package content

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	nethtml "golang.org/x/net/html"

	"stile.example/stile/content/dialect"
	"stile.example/stile/content/ids"
)

// markdown is GitHub's dialect. It keeps HTML, because the item is sanitised later. An attribute of
// a heading ({#name}) is not text.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.GFM, extension.DefinitionList),
	goldmark.WithParserOptions(parser.WithHeadingAttribute()),
	goldmark.WithRendererOptions(html.WithUnsafe()))

// markdownFile reads one Markdown file of an input. name is its path in the folder, with slashes.
// The item has no id if the front matter has none.
func markdownFile(in *input, display, name string, r io.Reader) record {
	place := sourcePos{file: display, line: 1}
	return record{place, func() (Item, error) {
		source, err := readMarkdown(display, r)
		if err != nil {
			return Item{}, err
		}
		it, text, err := frontMatter(place, source, in.now)
		if err != nil {
			return it, err
		}
		before := bytes.Count(source[:len(source)-len(text)], []byte("\n"))
		if line, err := dialect.TooCostly(text); err != nil {
			return it, textError(before, line, err)
		}
		text, line, err := dialect.Shown(text, parse)
		if err != nil {
			return it, textError(before, line, err)
		}
		if it.PublishedAt.IsZero() {
			it.PublishedAt = dateOf(name)
			if !in.now.IsZero() && in.now.Before(it.PublishedAt) {
				return it, LeftOut{display, "the date in its name is in the future"}
			}
		}
		return it, setText(&it, text, name)
	}}
}

// textError returns an error with its line of the text, which begins after so many lines of a file.
// Line 0 is unknown.
func textError(before, line int, err error) error {
	if line == 0 {
		return err
	}
	return atLine{before + line, err}
}

// oneMarkdown reads a file that is not in a folder.
func oneMarkdown(in *input, file string, r io.Reader) record {
	name := path.Base(file)
	whole := markdownFile(in, file, name, r)
	return record{whole.place, func() (Item, error) {
		it, err := whole.decode()
		if it.ID == "" {
			it.ID = ids.Of(strings.TrimSuffix(name, path.Ext(name)))
		}
		return it, err
	}}
}

// readMarkdown returns the text of a file, without a byte order mark and NUL bytes, and with line
// breaks as in Unix, if it is not too long. The parser would make U+FFFD of a NUL.
func readMarkdown(display string, r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxMarkdown+1))
	switch b = bytes.TrimPrefix(b, []byte("\ufeff")); {
	case err != nil:
		return nil, brokenError{fmt.Errorf("read %s: %w", display, err)}
	case len(b) > maxMarkdown:
		return nil, fmt.Errorf("file: must be at most %d bytes", maxMarkdown)
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return nil, errors.New("text: must be UTF-8, and is UTF-16: save it as UTF-8")
	case !utf8.Valid(b):
		return nil, atLine{1 + bytes.Count(b[:firstInvalid(b)], []byte("\n")), errors.New("text: must be UTF-8")}
	}
	b = bytes.ReplaceAll(b, []byte{0}, nil)
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(b, []byte("\r"), []byte("\n")), nil
}

// dateOf returns the day at the start of a file's name, as Jekyll's and Docusaurus' posts have it,
// or the zero time.
func dateOf(name string) time.Time {
	base := path.Base(name)
	if len(base) <= len(time.DateOnly) || base[len(time.DateOnly)] != '-' {
		return time.Time{}
	}
	t, _ := time.Parse(time.DateOnly, base[:len(time.DateOnly)]) // the zero time if it is not a day
	return t
}

// maxMarkdown is the maximum length of a Markdown file. For some texts, the parser's time grows
// with the square of their length.
const maxMarkdown = maxBody

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

// setText converts the text to HTML. If the title comes from a heading at the start of the text,
// that heading is removed. A text without a heading has the title of its file.
func setText(it *Item, source []byte, name string) error {
	doc := parse(source)
	if err := dialect.Repeated(doc); err != nil {
		return err
	}
	if it.Title == "" {
		var err error
		if it.Title, err = takeHeading(doc, source); err != nil {
			return err
		}
	}
	if it.Title == "" {
		it.Title = titleOf(name)
	}
	if it.Body != "" {
		return nil
	}
	body, err := render(doc, source)
	it.Body = body
	return err
}

// titleOf makes a title from a file's name, as Obsidian and Jekyll do: without the day at its
// start, and with blanks for the dashes of a name that has no blanks. A file that has its folder's
// text has the folder's name, if there is a folder.
func titleOf(name string) string {
	title := path.Base(name)
	title = strings.TrimSuffix(title, path.Ext(title))
	switch strings.ToLower(title) {
	case "index", "_index", "readme":
		if dir := path.Base(path.Dir(name)); dir != "." && dir != "/" {
			title = dir
		}
	}
	if !dateOf(title).IsZero() {
		title = title[len(time.DateOnly)+1:]
	}
	if strings.ContainsAny(title, " \u00a0") {
		return title
	}
	return strings.TrimSpace(strings.NewReplacer("-", " ", "_", " ").Replace(title))
}

func parse(source []byte) ast.Node { return markdown.Parser().Parse(text.NewReader(source)) }

func render(n ast.Node, source []byte) (string, error) {
	var b strings.Builder
	err := markdown.Renderer().Render(&b, source, n)
	return b.String(), err
}

// takeHeading returns the text of the first heading that has one.
func takeHeading(doc ast.Node, source []byte) (string, error) {
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() != ast.KindHeading {
			continue
		}
		heading, err := render(n, source)
		if err != nil {
			return "", err
		}
		if title := textOf(sanitise(heading)); title != "" {
			if n == doc.FirstChild() {
				doc.RemoveChild(doc, n)
			}
			return title, nil
		}
	}
	return "", nil
}

// textOf returns the text of HTML as a person reads it, on one line, with the text of images.
func textOf(s string) string {
	var b strings.Builder
	for z := nethtml.NewTokenizer(strings.NewReader(s)); ; {
		switch z.Next() {
		case nethtml.ErrorToken:
			return strings.Join(strings.Fields(b.String()), " ")
		case nethtml.TextToken:
			b.WriteString(z.Token().Data)
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			switch t := z.Token(); t.Data {
			case "br":
				b.WriteByte(' ')
			case "img":
				b.WriteString(altOf(t))
			}
		}
	}
}

func altOf(t nethtml.Token) string {
	for _, a := range t.Attr {
		if a.Key == "alt" {
			return a.Val
		}
	}
	return ""
}
