package frame

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"time"

	"stile.example/stile/console/caller"
	"stile.example/stile/operations"
)

//go:embed templates
var templates embed.FS

// View is what a template gets.
type View struct {
	Title     string
	Section   string
	Crumbs    []Crumb
	Caller    caller.Caller
	Flash     *Flash
	Refresh   bool
	Now       time.Time
	URL       string // of the page, without a host
	PublicURL string
	Version   string
	Data      any

	request  *Request
	nonce    string
	cssURL   string
	jsURL    string
	sections []Section
}

// CSRF returns the token for a form's hidden field csrf.
func (v View) CSRF() string { return v.Caller.CSRF }

// Can reports whether the caller's role includes a role.
func (v View) Can(role string) bool { return v.Caller.Role.Includes(operations.Role(role)) }

// May reports whether the caller may call an operation.
func (v View) May(operation string) bool { return v.request.May(operation) }

// Has reports whether the console has a page at a path that the caller may see.
func (v View) Has(path string) bool {
	for _, p := range v.request.frame.pages {
		if p.Path == path {
			return v.Caller.Role.Includes(p.Role)
		}
	}
	return false
}

// With returns the page's URL with other parameters; see [Request.With].
func (v View) With(pairs ...string) string { return v.request.With(pairs...) }

// Nonce, CSS, JS, Sections and SignedIn are for the layout.
func (v View) Nonce() string { return v.nonce }

// CSS returns the URL of the style sheet.
func (v View) CSS() string { return v.cssURL }

// JS returns the URL of the script.
func (v View) JS() string { return v.jsURL }

// SignedIn reports whether somebody is signed in.
func (v View) SignedIn() bool { return v.Caller.Role != "" }

// Sections returns the navigation.
func (v View) Sections() []Section { return v.sections }

// view returns what a template gets for a request.
func (f *Frame) view(r *Request, data any) View {
	v := View{Title: r.Title, Section: r.Section, Caller: r.Caller, Flash: r.flash, Refresh: r.Refresh, Now: f.now(),
		URL: r.URL.RequestURI(), PublicURL: f.publicURL, Version: f.version, Data: data, request: r,
		cssURL: f.prefix + f.files.URL("console.css"), jsURL: f.prefix + f.files.URL("console.js"), sections: f.sectionsFor(r)}
	for _, s := range v.sections {
		if s.IsCurrent && (s.Path != r.URL.Path || len(r.Crumbs) > 0) {
			v.Crumbs = append(v.Crumbs, Crumb{s.Label, s.Path})
		}
	}
	v.Crumbs = append(v.Crumbs, r.Crumbs...)
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	v.nonce = base64.RawURLEncoding.EncodeToString(random[:])
	return v
}

// render responds with a page. A page that can't be rendered is a fault, and nothing of it is sent.
func (f *Frame) render(w http.ResponseWriter, r *Request, status int, t *template.Template, data any) {
	if err := f.tryRender(w, r, status, t, data); err != nil {
		f.fail(w, r, err)
	}
}

func (f *Frame) tryRender(w http.ResponseWriter, r *Request, status int, t *template.Template, data any) error {
	v := f.view(r, data)
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout.html", v); err != nil {
		return err
	}
	f.send(w, status, v.nonce, b.Bytes())
	return nil
}

func (f *Frame) send(w http.ResponseWriter, status int, nonce string, page []byte) {
	head := w.Header()
	head.Set("Content-Security-Policy", f.policy(nonce))
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(page) // the browser is gone
}

// Bare responds with a page for somebody who is not signed in, without the navigation.
func (f *Frame) Bare(w http.ResponseWriter, hr *http.Request, status int, title string, t *template.Template, data any) {
	f.render(w, &Request{Request: hr, Title: title, frame: f}, status, t, data)
}
