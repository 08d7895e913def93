package content

import (
	"bytes"
	"errors"
	"time"

	"stile.example/stile/content/frontmatter"
)

// frontMatter reads the front matter of a Markdown file, and returns the item with its fields, and
// the text after it. place is that of the file. If the page is not to be published at the time now,
// the error is [LeftOut].
func frontMatter(place sourcePos, source []byte, now time.Time) (it Item, text []byte, err error) {
	fields, text, err := frontmatter.Read(source)
	if err != nil {
		return it, nil, lineError(err)
	}
	p, err := frontmatter.PageOf(fields, text, now)
	if err != nil {
		return it, nil, lineError(err)
	}
	if p.LeftOut != "" {
		return it, nil, LeftOut{sourcePos{file: place.file, line: p.Line}.String(), p.LeftOut}
	}
	for name, value := range p.Texts {
		if _, err := set(&it, name, value); err != nil {
			return it, nil, err
		}
	}
	if it.Tags = p.Tags; len(p.Attributes) > 0 {
		it.Attributes = p.Attributes
	}
	it.PublishedAt, it.UpdatedAt = p.Published, p.Updated
	if len(fields) == 0 && len(bytes.TrimSpace(text)) == 0 {
		return it, nil, LeftOut{place.file, "it has no text"}
	}
	return it, text, checkLines(it, p.Lines)
}

// checkLines returns the error of the first invalid field with its line.
func checkLines(it Item, lines map[string]int) error {
	it.Body, it.Attributes = "", nil
	Clean(&it)
	for _, c := range checks(&it) {
		if line := lines[c.field]; line > 0 && c.err != nil {
			return atLine{line, c.err}
		}
	}
	return nil
}

// lineError returns an error of front matter with its line.
func lineError(err error) error {
	if e, ok := errors.AsType[frontmatter.Error](err); ok {
		return atLine{e.Line, e.Err}
	}
	return err
}
