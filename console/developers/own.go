package developers

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"stile.example/stile/console/caller"
	"stile.example/stile/console/dist"
	"stile.example/stile/console/frame"
	"stile.example/stile/console/limiter"
	"stile.example/stile/datadir"
	"stile.example/stile/links"
	"stile.example/stile/operations"
)

// Prefix is the path of a tenant's own view, without a slash at the end.
const Prefix = "/developers"

// Options is what a tenant's own view needs. All fields are required.
type Options struct {
	Dir       *datadir.Dir
	PublicURL string // without a trailing slash
	Version   string
	// Source returns the source address of a request.
	Source func(*http.Request) (netip.Addr, error)
}

// view is a tenant's own view.
type view struct {
	Options
	frame *frame.Frame
	enter *template.Template // the page for those who have no session
	pages *limiter.Limiter   // requests of an address
	wrong *limiter.Limiter   // wrong links of an address
	tests *limiter.Limiter   // tokens to try out, of a link
}

// The limits of a tenant's own view. A page reads the database, so an address gets as many as a
// person can read. A link has 256 bits, so nobody guesses one; the limit saves work.
const (
	pagesPer = 120 // requests of an address in a minute
	wrongPer = 20  // wrong links of an address in ten minutes
	testsPer = 10  // tokens to try out of a link in an hour
	together = 8   // requests that are handled at the same time
)

// newView returns a view with its pages.
func newView(o Options) *view {
	v := &view{Options: o, pages: limiter.New(pagesPer, time.Minute), wrong: limiter.New(wrongPer, 10*time.Minute), tests: limiter.New(testsPer, time.Hour)}
	layout, err := files.ReadFile("templates/layout.html")
	if err != nil {
		panic(err) // the name is a constant
	}
	v.frame = frame.New(frame.Options{Dir: o.Dir, PublicURL: o.PublicURL, Version: o.Version, Prefix: Prefix, Layout: string(layout),
		IsHTTPS: func(*http.Request) bool { return v.isHTTPS() }})
	v.enter = v.frame.Template(text("enter.html"))
	v.addPages()
	return v
}

// Pages returns the pages and the forms that a tenant's own view has for those with a session, for
// tests.
func Pages(o Options) ([]frame.Page, []frame.Form) {
	f := newView(o).frame
	return f.Pages(), f.Forms()
}

// New returns the handler of [Prefix] and all paths below it, for the public listener.
func New(o Options) http.Handler {
	v := newView(o)
	mux := http.NewServeMux()
	mux.Handle("GET "+Prefix+dist.Prefix+"{version}/{file}", dist.Load())
	mux.HandleFunc("GET "+Prefix+"/link.js", script)
	mux.HandleFunc("GET "+Prefix+"/{$}", v.withSession)
	mux.HandleFunc("GET "+Prefix, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Prefix+"/", http.StatusSeeOther) })
	mux.HandleFunc("POST "+Prefix+"/open", v.open)
	mux.HandleFunc("POST "+Prefix+"/close", v.close)
	mux.HandleFunc("/", v.withSession)
	return v.throttled(headers(http.NewCrossOriginProtection().Handler(mux)))
}

// headers sets what all responses have in common. A page sets its own policy.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		frame.SetHeaders(w.Header())
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Robots-Tag", "noindex")
		next.ServeHTTP(w, r)
	})
}

// throttled refuses blocked addresses, and those that send too many requests.
func (v *view) throttled(next http.Handler) http.Handler {
	slots := make(chan struct{}, together)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := v.Source(r)
		switch _, blocked := v.Dir.Addresses.BlockedByOperator(from, v.Dir.Now()); {
		case err != nil:
			http.Error(w, "The source address of the request is invalid.", http.StatusBadRequest)
			return
		case blocked:
			http.Error(w, "The publisher has blocked this network address.", http.StatusForbidden)
			return
		case !v.pages.Allow(from.String(), v.Dir.Now()):
			tooMany(w, "Too many requests. Wait for a minute.")
			return
		}
		// A slow sender must not take a slot meanwhile.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "The form is incomplete or too long.", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-r.Context().Done():
			return
		case <-time.After(5 * time.Second):
			tooMany(w, "Too many requests at the moment. Wait for a minute.")
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), addressKey{}, from)))
	})
}

type addressKey struct{}

// addressOf returns the source address of a request.
func addressOf(r *http.Request) netip.Addr {
	a, _ := r.Context().Value(addressKey{}).(netip.Addr)
	return a
}

func tooMany(w http.ResponseWriter, text string) {
	w.Header().Set("Retry-After", "60")
	http.Error(w, text, http.StatusTooManyRequests)
}

// isHTTPS reports whether browsers use HTTPS for this server, possibly to a proxy.
func (v *view) isHTTPS() bool { return strings.HasPrefix(v.PublicURL, "https://") }

// cookie returns the cookie of a session. It is sent below [Prefix] only, and never to other sites.
func (v *view) cookie(value string, until time.Time) *http.Cookie {
	c := &http.Cookie{Name: "stile-developers", Value: value, Path: Prefix, HttpOnly: true, SameSite: http.SameSiteStrictMode, Expires: until}
	if v.isHTTPS() {
		c.Name, c.Secure = "__Secure-stile-developers", true
	}
	if value == "" {
		c.MaxAge, c.Expires = -1, time.Time{}
	}
	return c
}

// maxBody is the maximum size of a form, in bytes.
const maxBody = 4 << 10

// entry is what the page for those who have no session shows.
type entry struct{ Error string }

// open opens a link: it responds with the cookie of a session. The link is in the body, so that it
// is in no URL and no log.
func (v *view) open(w http.ResponseWriter, r *http.Request) {
	from, now := addressOf(r).String(), v.Dir.Now()
	if v.wrong.Wait(from, now) > 0 {
		tooMany(w, "Too many wrong links. Wait for ten minutes.")
		return
	}
	text := strings.TrimSpace(r.PostFormValue("link"))
	if at := strings.LastIndexByte(text, '#'); at >= 0 { // the whole URL was pasted
		text = text[at+1:]
	}
	l, session, until, err := v.Dir.Links.Open(r.Context(), text, now)
	if err == nil {
		_, err = v.tenantOf(l)
	}
	switch {
	case errors.Is(err, links.ErrNotFound):
		v.wrong.Allow(from, now)
		v.frame.Bare(w, r, http.StatusForbidden, "Link not valid", v.enter, entry{"This link is not valid: it is incomplete, has ended or was removed. Ask the publisher for a new one."})
	case err != nil:
		v.Dir.Log.Error("can't open a link to a tenant's own view", "err", err)
		http.Error(w, "The server can't read its data at the moment. Try again in a minute.", http.StatusServiceUnavailable)
	default:
		http.SetCookie(w, v.cookie(session, until))
		http.Redirect(w, r, Prefix+"/", http.StatusSeeOther)
	}
}

// close ends a session in the browser.
func (v *view) close(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, v.cookie("", time.Time{}))
	http.Redirect(w, r, Prefix+"/", http.StatusSeeOther)
}

// tenantOf returns the client_id of a link's tenant, if the tenant still exists.
func (v *view) tenantOf(l links.Link) (string, error) {
	if name := v.Dir.TenantName(l.Tenant); name != "" {
		return name, nil
	}
	return "", links.ErrNotFound
}

// withSession serves the pages to those who have a session, and asks others for their link.
func (v *view) withSession(w http.ResponseWriter, r *http.Request) {
	who, err := v.callerOf(r)
	switch {
	case errors.Is(err, links.ErrNotFound):
		status := http.StatusForbidden
		if r.URL.Path == Prefix+"/" {
			status = http.StatusOK
		}
		v.frame.Bare(w, r, status, "Developers", v.enter, entry{})
	case err != nil:
		v.Dir.Log.Error("can't check the session of a tenant's own view", "err", err)
		http.Error(w, "The server can't read its data at the moment. Try again in a minute.", http.StatusServiceUnavailable)
	default:
		v.frame.Handler().ServeHTTP(w, r.WithContext(caller.With(r.Context(), who)))
	}
}

// callerOf returns who has the session of a request: a developer of one tenant.
func (v *view) callerOf(r *http.Request) (caller.Caller, error) {
	c, err := r.Cookie(v.cookie("", time.Time{}).Name)
	if err != nil {
		return caller.Caller{}, links.ErrNotFound
	}
	l, err := v.Dir.Links.Resume(r.Context(), c.Value, v.Dir.Now())
	if err != nil {
		return caller.Caller{}, err
	}
	tenant, err := v.tenantOf(l)
	if err != nil {
		return caller.Caller{}, err
	}
	return caller.Caller{
		Actor: operations.Actor{Name: l.Name, Role: operations.Developer, Tenant: tenant, Credential: "link " + l.ID, Address: v.Dir.ShowAddress(addressOf(r))},
		CSRF:  v.Dir.Links.Token(c.Value), Session: l.ID,
	}, nil
}

// script serves the script that opens a link from the URL's fragment.
func script(w http.ResponseWriter, _ *http.Request) {
	b, err := files.ReadFile("templates/link.js")
	if err != nil {
		http.Error(w, "Not found.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, _ = w.Write(b) // the browser is gone
}
