package server

import (
	"context"
	"net/http"
	"net/netip"
	"runtime/debug"

	"stile.example/stile/console"
	"stile.example/stile/console/api"
	"stile.example/stile/console/frame"
	"stile.example/stile/console/openapi"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/store/sqlite/repeats"
)

// console returns what the admin listener serves to operators.
func (srv *Server) console() (http.Handler, error) {
	f := frame.New(frame.Options{Dir: srv.dir, PublicURL: srv.origin, Version: programVersion()})
	programs, err := srv.adminAPI()
	if err != nil {
		return nil, err
	}
	return console.New(console.Options{Frame: f, SignIn: noSignIn{}, API: programs, Log: srv.dir.Log, Now: srv.dir.Now})
}

// adminAPI returns the handler of the admin API.
func (srv *Server) adminAPI() (http.Handler, error) {
	document, err := openapi.Document(programVersion())
	if err != nil {
		return nil, err
	}
	page, err := openapi.Page(programVersion())
	if err != nil {
		return nil, err
	}
	return api.New(api.Options{
		Dir: srv.dir, Tokens: noTokens{}, Repeats: repeats.Table{DB: srv.dir.Store.DB}, Document: document, Page: page,
		Address: func(r *http.Request) (netip.Addr, error) {
			return transport.Source(r, srv.dir.Settings().TrustedProxies)
		},
	})
}

// noTokens knows no admin.
type noTokens struct{}

func (noTokens) Authenticate(context.Context, string, string) (operations.Actor, error) {
	return operations.Actor{}, failure.New(failure.NotFound, "there are no admins")
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
