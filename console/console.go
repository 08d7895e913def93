// Package console is what operators use on the admin listener: pages for people, and the admin API
// for programs.
//
// It only joins its parts: signing in, the frame of the pages, the pages, and the API. Nothing is
// answered without signing in, except the style sheet, the script, the pages for signing in, and
// the browsers' reports. A caller's role is checked by the frame and by each operation.
package console

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"stile.example/stile/console/adminpages"
	"stile.example/stile/console/contentpages"
	"stile.example/stile/console/developers"
	"stile.example/stile/console/dist"
	"stile.example/stile/console/frame"
	"stile.example/stile/console/overview"
	"stile.example/stile/console/policypages"
	"stile.example/stile/console/protection"
	"stile.example/stile/console/search"
	"stile.example/stile/console/statementpages"
	"stile.example/stile/console/tenantpages"
	"stile.example/stile/console/webhooks"
	"stile.example/stile/operations"
)

// SignIn checks who makes a request.
type SignIn interface {
	// Routes adds the pages for signing in and out.
	Routes(mux *http.ServeMux)
	// Require serves the requests of those who are signed in, with the caller in the context. It
	// sends all others to sign in.
	Require(http.Handler) http.Handler
	// Identify serves all requests. If somebody is signed in, the caller is in the context.
	Identify(http.Handler) http.Handler
}

// Options is what a console needs.
type Options struct {
	Frame  *frame.Frame // without the pages of this package's list
	SignIn SignIn
	API    http.Handler // of /api/v1/, which checks its callers itself; nil: there is none
	Log    *slog.Logger
	Now    func() time.Time
}

// sections adds the pages of each section to a frame. A section's package adds itself here.
var sections = []func(*frame.Frame){overview.Add, tenantpages.Add, policypages.Add, protection.Add, adminpages.Add, statementpages.Add, webhooks.Add, developers.Add, search.Add, contentpages.Add}

// New returns the handler of everything that the admin listener serves, except health and metrics.
func New(o Options) (http.Handler, error) {
	if o.Frame == nil || o.SignIn == nil || o.Log == nil || o.Now == nil {
		return nil, errors.New("console: Frame, SignIn, Log and Now must be set: without signing in there is no console")
	}
	for _, add := range sections {
		add(o.Frame)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+dist.Prefix+"{version}/{file}", dist.Load())
	mux.Handle("POST "+frame.ReportPath, &reports{log: o.Log, now: o.Now})
	o.SignIn.Routes(mux)
	pages := o.SignIn.Require(o.Frame.Handler())
	o.Frame.Page(frame.Page{Path: profilesPath, Role: operations.Owner, Title: "Profiles", Template: profilesHTML, Data: listProfiles})
	mux.Handle("GET "+profilesPath+"{$}", pages)
	mux.Handle(profilesPath, o.SignIn.Require(profiles()))
	mux.Handle("/", pages)
	return frame.Headers(http.NewCrossOriginProtection().Handler(withAPI(o, mux))), nil
}

// withAPI serves the paths of the API, which are not patterns of net/http. A browser that is signed
// in has a cookie instead of a token: links in the console lead to what the API reads. Somebody who
// follows such a link later signs in again, but a program gets the API's own 401.
func withAPI(o Options, pages http.Handler) http.Handler {
	if o.API == nil {
		return pages
	}
	forPeople, forScripts := o.SignIn.Require(o.API), o.SignIn.Identify(o.API)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/v1":
			http.Redirect(w, r, "/api/v1/", http.StatusPermanentRedirect)
		case !strings.HasPrefix(r.URL.Path, "/api/v1/"):
			pages.ServeHTTP(w, r)
		case len(r.Header["Authorization"]) > 0 || len(r.Header["Cookie"]) == 0:
			o.API.ServeHTTP(w, r)
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			forPeople.ServeHTTP(w, r)
		default:
			forScripts.ServeHTTP(w, r)
		}
	})
}
