package signin

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"stile.example/stile/admins"
	"stile.example/stile/console/caller"
	"stile.example/stile/console/dist"
	"stile.example/stile/console/frame"
	"stile.example/stile/handlers/codes"
)

//go:embed templates
var templates embed.FS

// pages are the pages for somebody who is not signed in, or must change the password.
type pages struct{ form, second, change, entered, ended, failed *template.Template }

func parsePages(f *frame.Frame) pages {
	parse := func(name string) *template.Template {
		text, err := templates.ReadFile("templates/" + name + ".html")
		if err != nil {
			panic(err) // it is embedded
		}
		return f.Template(string(text))
	}
	return pages{form: parse("form"), second: parse("second"), change: parse("change"), entered: parse("entered"), ended: parse("ended"), failed: parse("failed")}
}

// scriptURL returns the URL of the script for passkeys.
func scriptURL() string { return dist.Load().URL("passkeys.js") }

// formView is what the form for signing in shows.
type formView struct {
	Name, Next string
	Error      string
	CSRF       string
	OIDC       string // name of the issuer; "": there is none
	OIDCURL    string
	Passkeys   bool   // passkeys can be used at this host
	Script     string // URL of the script for them
}

func (s *SignIn) form(w http.ResponseWriter, r *http.Request, status int, v formView) {
	v.CSRF, v.Passkeys, v.Script = s.formToken(w, r), s.hasPasskeys(r), scriptURL()
	if s.oidc != nil {
		v.OIDC, v.OIDCURL = s.oidc.name(), frame.URL(oidcURL, "next", local(v.Next))
	}
	if len(v.Name) > admins.MaxName {
		v.Name = ""
	}
	title := "Sign in"
	if v.Error != "" {
		title = "Error: Sign in"
	}
	s.Frame.Bare(w, r, status, title, s.pages.form, v)
}

func (s *SignIn) changeForm(w http.ResponseWriter, r *http.Request, status int, problem string) {
	c := caller.From(r.Context())
	s.Frame.Bare(w, r, status, "Choose a password", s.pages.change, struct {
		Name, CSRF, Error string
		Least             int
	}{c.Name, c.CSRF, problem, admins.MinPassword})
}

// fail responds with a page that says what is wrong.
func (s *SignIn) fail(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	s.Frame.Bare(w, r, status, title, s.pages.failed, text)
}

// fault responds to a fault, and logs it.
func (s *SignIn) fault(w http.ResponseWriter, r *http.Request, err error) {
	s.fail(w, r, http.StatusInternalServerError, "Internal server error", faultText(s.logFault(r, err)))
}

// logFault logs a fault under a reference, unless the browser is gone.
func (s *SignIn) logFault(r *http.Request, err error) (ref string) {
	ref = codes.NewRef()
	if r.Context().Err() == nil {
		s.Dir.Log.Error("console: can't sign in", "ref", ref, "path", r.URL.Path, "err", err)
	}
	return ref
}

// faultText says where to read about a fault.
func faultText(ref string) string {
	return "The log of the server says why, under the reference " + ref + "."
}

// sentence returns an error as a sentence.
func sentence(err error) string {
	text := err.Error()
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}
