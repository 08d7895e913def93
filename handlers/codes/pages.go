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
}

// StatusText is the status as it is usually read, such as 404 Not Found.
func (m *Info) StatusText() string {
	return strconv.Itoa(m.Status) + " " + http.StatusText(m.Status)
}

// Pages are the pages that an error's type points to, by code, and ""
// for the list of all. They are made from the one table of codes.
func Pages() map[Code][]byte {
	t := template.Must(template.New("problems").Parse(pagesHTML))
	pages := map[Code][]byte{"": render(t, pageData{All: all[:]})}
	for i := range all {
		pages[all[i].Code] = render(t, pageData{One: &all[i]})
	}
	return pages
}

func render(t *template.Template, d pageData) []byte {
	d.Style = template.CSS(pagesCSS)
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		panic("codes: make the problem pages: " + err.Error()) // a fault in the template
	}
	return b.Bytes()
}

// PagePolicy is the Content-Security-Policy of the pages. Their style is the
// only thing that they load, and it is named by its hash.
func PagePolicy() string {
	sum := sha256.Sum256([]byte(pagesCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
