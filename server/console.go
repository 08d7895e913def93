package server

import (
	"net/http"
	"net/netip"
	"runtime/debug"

	"stile.example/stile/console"
	"stile.example/stile/console/developers"
	"stile.example/stile/console/frame"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/settings"
)

// console returns what the admin listener serves to operators.
func (srv *Server) console() (http.Handler, error) {
	f := frame.New(frame.Options{Dir: srv.dir, PublicURL: srv.origin, Version: programVersion()})
	return console.New(console.Options{Frame: f, SignIn: noSignIn{}, Log: srv.dir.Log, Now: srv.dir.Now})
}

// noSignIn lets nobody in.
type noSignIn struct{}

func (noSignIn) Routes(*http.ServeMux) {}

func (noSignIn) Require(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "there is no way to sign in", http.StatusForbidden)
	})
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
