package server

import (
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"

	"stile.example/stile/console"
	"stile.example/stile/console/api"
	"stile.example/stile/console/developers"
	"stile.example/stile/console/frame"
	"stile.example/stile/console/openapi"
	"stile.example/stile/console/signin"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/settings"
	"stile.example/stile/store/tables/repeats"
)

// console returns what the admin listener serves to operators.
func (srv *Server) console() (http.Handler, error) {
	f := srv.frame()
	in, err := signin.New(signin.Options{Dir: srv.dir, Frame: f, Source: srv.source})
	if err != nil {
		return nil, err
	}
	programs, err := srv.adminAPI(in)
	if err != nil {
		return nil, err
	}
	return console.New(console.Options{Frame: f, SignIn: in, API: programs, Log: srv.dir.Log, Now: srv.dir.Now})
}

// frame returns the frame of the console's pages, without pages.
func (srv *Server) frame() *frame.Frame {
	return frame.New(frame.Options{Dir: srv.dir, PublicURL: srv.origin, Version: programVersion(), IsHTTPS: srv.isHTTPS})
}

// adminAPI returns the handler of the admin API.
func (srv *Server) adminAPI(tokens api.Authenticator) (http.Handler, error) {
	document, err := openapi.Document(programVersion())
	if err != nil {
		return nil, err
	}
	page, err := openapi.Page(programVersion())
	if err != nil {
		return nil, err
	}
	return api.New(api.Options{
		Dir: srv.dir, Tokens: tokens, Repeats: repeats.Table{DB: srv.dir.Store.DB}, Document: document, Page: page, Address: srv.source,
	})
}

// source returns the source address of a request to the admin listener.
func (srv *Server) source(r *http.Request) (netip.Addr, error) {
	return transport.Source(r, srv.dir.Settings().TrustedProxies)
}

// isHTTPS reports whether a browser sent a request by HTTPS. Only a trusted proxy's header says so.
func (srv *Server) isHTTPS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	lines := r.Header["X-Forwarded-Proto"]
	if len(lines) == 0 || transport.Direct(r, srv.dir.Settings().TrustedProxies) {
		return false
	}
	last := lines[len(lines)-1]
	return strings.EqualFold(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]), "https")
}

// developers returns the tenants' own views, which the public listener serves.
func (srv *Server) developers(s *settings.Settings) http.Handler {
	return developers.New(developers.Options{Dir: srv.dir, PublicURL: srv.origin, Version: programVersion(),
		Source: func(r *http.Request) (netip.Addr, error) { return transport.Source(r, s.TrustedProxies) }})
}

// programVersion returns the version of the program, as `stile version` prints it.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
