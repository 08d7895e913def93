package codes

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed pages.html
var pagesHTML string

//go:embed pages.css
var pagesCSS string

// pageData is what the template shows: one code, or all of them.
type pageData struct {
	Style template.CSS
	One   *Info
	All   []Info

	Causes []Cause // of One, if its responses have titles of their own
}

// StatusText returns the status with its name, such as "404 Not Found".
func (m *Info) StatusText() string {
	return strconv.Itoa(m.Status) + " " + http.StatusText(m.Status)
}

// Pages renders the pages that an error's type refers to, by code, and the list of all as "".
func Pages() map[Code][]byte {
	t := template.Must(template.New("problems").Parse(pagesHTML))
	pages := map[Code][]byte{"": render(t, pageData{All: all[:]})}
	for i := range all {
		pages[all[i].Code] = render(t, pageData{One: &all[i], Causes: causes[all[i].Code]})
	}
	for i := range layer {
		pages[layer[i].Code] = render(t, pageData{One: &layer[i]})
	}
	return pages
}

func render(t *template.Template, d pageData) []byte {
	d.Style = template.CSS(pagesCSS)
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		panic("codes: render the problem pages: " + err.Error()) // only if the template is invalid
	}
	return b.Bytes()
}

// PagePolicy returns the Content-Security-Policy of the pages. It allows only their own style, by
// its hash.
func PagePolicy() string {
	sum := sha256.Sum256([]byte(pagesCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
