package server

import (
	"net/http"
	"runtime/debug"

	"stile.example/stile/console"
	"stile.example/stile/console/frame"
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

// programVersion returns the version of the program, as `stile version` prints it.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
