package files

import (
	"bytes"
	_ "embed"
	"errors"
	"html"
	"html/template"
	"io"
	"strings"

	"stile.example/stile/statements"
)

//go:embed statement.html
var page string

var pageTemplate = template.Must(template.New("statement").Parse(page))

// htmlHead returns the whole page.
func htmlHead(c statements.Closed) []byte {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, c); err != nil {
		panic(err) // impossible: a buffer does not fail, and a test executes the template
	}
	return b.Bytes()
}

// htmlSigned finds the elements that contain the key and the note.
func htmlSigned(r io.Reader) (key, note string, err error) {
	text, err := io.ReadAll(io.LimitReader(r, 4*maxHead))
	if err != nil {
		return "", "", err
	}
	element := func(begin, end string) (string, bool) {
		_, rest, found := strings.Cut(string(text), begin)
		inner, _, closed := strings.Cut(rest, end)
		return html.UnescapeString(inner), found && closed
	}
	key, hasKey := element(`<code id="key">`, `</code>`)
	note, hasNote := element(`<pre id="note">`, `</pre>`)
	if !hasKey || !hasNote {
		return "", "", errors.New("the page has no signed note")
	}
	return key, note, nil
}
