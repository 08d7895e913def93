package handlers

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
)

//go:embed problems.html
var problemsHTML string

//go:embed problems.css
var problemsCSS string

// pageData is what the template shows: one code, or all of them.
type pageData struct {
	Style template.CSS
	One   *codeInfo
	All   []codeInfo
}

// StatusText is the status as it is usually read, such as 404 Not Found.
func (m *codeInfo) StatusText() string {
	return strconv.Itoa(m.Status) + " " + http.StatusText(m.Status)
}

// problemPages are the pages that an error's type points to, by code, and ""
// for the list of all. They are made once, from the one table of codes.
func problemPages() map[Code][]byte {
	t := template.Must(template.New("problems").Parse(problemsHTML))
	all := map[Code][]byte{"": render(t, pageData{All: codes[:]})}
	for i := range codes {
		all[codes[i].Code] = render(t, pageData{One: &codes[i]})
	}
	return all
}

func render(t *template.Template, d pageData) []byte {
	d.Style = template.CSS(problemsCSS)
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		panic("handlers: make the problem pages: " + err.Error()) // a fault in the template
	}
	return b.Bytes()
}

// problems adds the problem pages. Their style is the only thing that they
// load, and it is named by its hash.
func (a *API) problems(e *echo.Echo) {
	pages := problemPages()
	sum := sha256.Sum256([]byte(problemsCSS))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	serve := func(c echo.Context) error {
		page, ok := pages[Code(pathParam(c, "code"))]
		if !ok {
			return echo.ErrNotFound
		}
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "public, max-age=300")
		return c.HTMLBlob(http.StatusOK, page)
	}
	for _, path := range []string{"/problems", "/problems/", "/problems/:code"} {
		e.GET(path, serve)
		e.HEAD(path, serve)
	}
}
