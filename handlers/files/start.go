package files

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/labstack/echo/v4"
)

// Start is the page at / of a demo: what runs, and where to look first. A server without the demo
// has nothing there.
type Start struct {
	Site  string // URL of the demo tenant's site
	Items int    // in the corpus
}

// Flags are the names of the pictures on the page.
func (s Start) Flags() []string {
	return []string{"is", "jp", "ke", "br", "sc", "pt", "nz", "np", "za", "ca", "gr", "in"}
}

var (
	//go:embed start.html
	startHTML string
	//go:embed start.css
	startCSS string
)

var startTemplate = template.Must(template.New("start").Parse(startHTML))

// Serve returns the handler of the page.
func (s *Start) Serve() echo.HandlerFunc {
	var page bytes.Buffer
	err := startTemplate.Execute(&page, struct {
		Start
		Style template.CSS
	}{*s, template.CSS(startCSS)})
	if err != nil {
		panic("files: render the start page: " + err.Error()) // only if the template is invalid
	}
	sum := sha256.Sum256([]byte(startCSS))
	policy := "default-src 'none'; img-src 'self' " + s.Site + "; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store") // another program may use this port next
		return c.HTMLBlob(http.StatusOK, page.Bytes())
	}
}
