// Package snippet serves a page that writes the HTML for a tenant's page, with a preview. It knows
// only what is in its URL: it looks up no tenant, reads no content and needs no token. So it
// reveals nothing, its responses can be cached, and a client_id that exists looks like one that
// does not.
package snippet

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/transport"
	"stile.example/stile/snippet"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS []byte
)

// Path is the path of the page. Its other files are below it.
const Path = "/snippet"

// pageTemplate renders the page.
var pageTemplate = template.Must(template.New("snippet").Parse(pageHTML))

// Page serves the page and what belongs to it.
type Page struct {
	api        string
	hasWidgets bool
	policy     string
}

// New returns the page for the API at a URL. Without the widget layer's files it has no preview.
func New(api string, hasWidgets bool) *Page {
	return &Page{api, hasWidgets, ownPolicy(api)}
}

// ownPolicy returns the Content-Security-Policy of the page: its own style and script, and the
// widget layer. Scripts have paths, so that no response of the content API is one of them.
func ownPolicy(api string) string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; script-src " + api + Path + "/page.js " + api + "/widgets/" +
		"; connect-src 'self'; img-src 'self'; require-trusted-types-for 'script'; trusted-types stile" +
		"; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// pageData is what the template shows.
type pageData struct {
	snippet.Options
	Style               template.CSS
	API                 string
	Faults              snippet.Faults
	HasPreview          bool
	Code, Policy, Route string
	Selects             map[string][]snippet.Choice
}

// Serve responds with the page.
func (p *Page) Serve(c echo.Context) error {
	o, faults := snippet.Parse(c.Request().URL.RawQuery)
	d := pageData{Options: o, Style: template.CSS(pageCSS), API: p.api, Faults: faults, HasPreview: p.hasWidgets,
		Code: o.Code(p.api), Policy: snippet.Policy(p.api), Route: o.Route(p.api),
		Selects: map[string][]snippet.Choice{"Show": snippet.Shows, "Framework": snippet.Frameworks, "Layout": snippet.Layouts, "DeepLink": snippet.DeepLinks, "Theme": snippet.Themes, "Lang": snippet.Langs}}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, d); err != nil {
		return fmt.Errorf("render the snippet page: %w", err)
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "public, max-age=300")
	return c.HTMLBlob(http.StatusOK, b.Bytes())
}

// written is what the page's script shows after a change.
type written struct {
	Code    string            `json:"code"`
	Route   string            `json:"route"`
	Preview []snippet.Element `json:"preview"`
	Theme   string            `json:"theme"`
	Lang    string            `json:"lang"`
	Faults  snippet.Faults    `json:"faults"`
}

// Write responds with what the page shows, for its script.
func (p *Page) Write(c echo.Context) error {
	o, faults := snippet.Parse(c.Request().URL.RawQuery)
	c.Response().Header().Set("Cache-Control", "public, max-age=300")
	return c.JSON(http.StatusOK, written{o.Code(p.api), o.Route(p.api), o.Preview(), o.Theme, o.Lang, faults})
}

// Script responds with the page's script.
func (p *Page) Script(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // by another name of this server
	return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", pageJS)
}

// pictures are the ids of the sample items, which have a picture each.
var pictures = []string{"plum-cake", "onion-soup", "apple-tart", "pumpkin-soup", "walnut-bread", "lemon-curd"}

// Picture responds with the picture of a sample item: a plate in a colour of its own.
func (p *Page) Picture(c echo.Context) error {
	name, isSVG := strings.CutSuffix(transport.PathParam(c, "picture"), ".svg")
	n := slices.Index(pictures, name)
	if n < 0 || !isSVG {
		return echo.ErrNotFound
	}
	hue := (20 + n*55) % 360
	c.Response().Header().Set("Cache-Control", "public, max-age=3600")
	return c.Blob(http.StatusOK, "image/svg+xml", fmt.Appendf(nil,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300"><path fill="hsl(%[1]d 35%% 82%%)" d="M0 0h400v300H0z"/><circle cx="200" cy="155" r="105" fill="#fff"/><circle cx="200" cy="155" r="82" fill="hsl(%[1]d 20%% 94%%)"/><circle cx="200" cy="155" r="58" fill="hsl(%[1]d 55%% 52%%)"/><circle cx="182" cy="137" r="14" fill="hsl(%[1]d 60%% 68%%)"/></svg>`, hue))
}

// PreviewJSON returns the preview's elements for the page's script.
func (d pageData) PreviewJSON() (string, error) {
	text, err := json.Marshal(written{Preview: d.Preview(), Theme: d.Theme, Lang: d.Lang})
	return string(text), err
}
