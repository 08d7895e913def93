// Package frame is what all pages of the console have in common: layout, style, forms, tables,
// messages and errors.
//
// A page is added by one call of [Frame.Page]: its path, section, role and template, and a function
// from the request to what the template shows. A form is a page too, added by [Frame.Form]: without
// script it is a page of its own, and the script opens it as a dialog. Pages get their data from
// operations only, by [Do], so the numbers are those of the commands, and the role is checked where
// the operation runs. The frame also checks the role of each page, and the CSRF token of each form.
package frame

import (
	"encoding/json"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"stile.example/stile/console/dist"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/recent"
)

// Options is what a frame needs. Dir, PublicURL and Version are required.
type Options struct {
	Dir       *datadir.Dir // on which the operations of the pages work
	PublicURL string       // of the server, without a trailing slash
	Version   string       // of the program
	// Prefix is what the paths of the style sheet and the script begin with, for pages that are not
	// the console's. Browsers send no reports about these.
	Prefix string
	Layout string // replaces the template of the layout; "": the console's
	// IsHTTPS reports whether a browser sent a request by HTTPS, possibly to a proxy. Nil: only if it
	// was sent to this listener.
	IsHTTPS func(*http.Request) bool
}

// Frame renders the console's pages. Pages are added before [Frame.Handler] is called, by one
// goroutine.
type Frame struct {
	dir       *datadir.Dir
	log       *slog.Logger
	now       func() time.Time
	publicURL string
	version   string
	prefix    string
	isHTTPS   func(*http.Request) bool

	files    dist.Files
	base     *template.Template
	flashKey []byte // of the signature of messages
	mux      *http.ServeMux
	pages    []Page
	forms    []Form
	parts    map[string][]Part
	sent     outcomes
	instead  map[string]func(json.RawMessage) (any, error) // operations that tests replace
}

// New returns a frame without pages.
func New(o Options) *Frame {
	f := &Frame{dir: o.Dir, log: o.Dir.Log, now: o.Dir.Now, publicURL: o.PublicURL, version: o.Version, prefix: o.Prefix, files: dist.Load(), mux: http.NewServeMux(),
		parts: map[string][]Part{}, sent: outcomes{all: recent.New[sentForm, *outcome](maxSent)}, instead: map[string]func(json.RawMessage) (any, error){}}
	f.flashKey = flashKey(o.Dir.Keys.SecretKey())
	if f.isHTTPS = o.IsHTTPS; f.isHTTPS == nil {
		f.isHTTPS = func(r *http.Request) bool { return r.TLS != nil }
	}
	f.base = template.Must(template.New("layout").Funcs(f.funcs()).ParseFS(templates, "templates/*.html"))
	if o.Layout != "" {
		template.Must(f.base.New("layout.html").Parse(o.Layout))
	}
	f.mux.HandleFunc("/", f.handler(anyone, func(w http.ResponseWriter, r *Request) { f.notFound(w, r) }))
	return f
}

// Page is a page of the console.
type Page struct {
	Path    string // as a pattern of net/http without a method: /tenants/{client_id}
	Section string // id of its section; see [Sections]
	Role    operations.Role
	Title   string // [Request.Title] replaces it
	// Template is the content of the page's main element, as html/template. It gets a [View].
	Template string
	// Data returns what the template gets as .Data. Nil: nothing.
	Data func(*Request) (any, error)
}

// Page adds a page.
func (f *Frame) Page(p Page) {
	t := f.Template(p.Template)
	f.pages = append(f.pages, p)
	pattern := p.Path
	if pattern == "/" {
		pattern = "/{$}"
	}
	f.mux.HandleFunc("GET "+pattern, f.handler(p.Role, func(w http.ResponseWriter, r *Request) {
		r.Title, r.Section = p.Title, p.Section
		var data any
		if p.Data != nil {
			var err error
			if data, err = p.Data(r); err != nil {
				f.fail(w, r, err)
				return
			}
		}
		f.render(w, r, http.StatusOK, t, data)
	}))
}

// Handle adds a handler for what is not a page, such as a file to download. The pattern has a
// method. A POST must have the CSRF token, as a form's.
func (f *Frame) Handle(pattern string, role operations.Role, h func(http.ResponseWriter, *Request)) {
	f.mux.HandleFunc(pattern, f.handler(role, h))
}

// Template returns a template for the content of a page, with the frame's parts. It panics if the
// text is not a template, as template.Must.
func (f *Frame) Template(text string) *template.Template {
	t := template.Must(f.base.Clone())
	template.Must(t.New("content").Parse(text))
	return t
}

// Pages returns the pages that were added, for tests.
func (f *Frame) Pages() []Page { return f.pages }

// Forms returns the forms that were added, for tests.
func (f *Frame) Forms() []Form { return f.forms }

// Handler returns the handler of all pages. It is for signed-in callers, with the caller in the
// context; others may see nothing.
func (f *Frame) Handler() http.Handler { return f.mux }
