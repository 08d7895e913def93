// Package server assembles the server and runs it: the public, the admin and the demo listener,
// and the socket for commands.
//
// It only joins the other packages. Package handlers decides how a request is handled.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"stile.example/stile/challenge"
	"stile.example/stile/content"
	"stile.example/stile/datadir"
	"stile.example/stile/handlers"
	"stile.example/stile/handlers/connections"
	"stile.example/stile/handlers/files"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/handlers/plain"
	"stile.example/stile/handlers/proofs"
	"stile.example/stile/settings"
	"stile.example/stile/socket"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
	"stile.example/stile/tokens/proof/session"
	"stile.example/stile/tracing"
	"stile.example/stile/widgets"
)

const (
	drainWithin = 8 * time.Second // for requests in progress; a stop may take 10 s in all
	traceWithin = time.Second     // for the last traces
	sweepEvery  = 5 * time.Minute
	deadEvery   = time.Second // how often nodes are looked for that have died
	maxAdmins   = 256         // simultaneous connections to the admin listener
)

// Server is an open data directory with three listeners, and a fourth for the demo.
type Server struct {
	dir       *datadir.Dir
	origin    string // the public URL
	listeners []*listener
	certs     *certificates // nil: plain HTTP

	handlers *handlers.API
	routes   http.Handler // of the public listener
	policies *policies
	metrics  *metrics.Metrics
	traces   *tracing.Tracer // nil: no traces

	proofs   *proof.Checker
	draining atomic.Bool
}

// listener is a network listener and the HTTP server that serves it.
type listener struct {
	name     string // public, admin, socket, demo
	listener net.Listener
	http     httpServer
}

// httpServer is what serves a listener: [http.Server] or [plain.Server].
type httpServer interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// New opens the data directory and the listeners. A client that connects then waits until
// [Server.Run]. The caller closes the server, unless there is an error.
func New(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (_ *Server, err error) {
	srv := &Server{}
	if srv.dir, err = datadir.Open(ctx, s, now, log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, srv.Close())
		}
	}()
	if created := srv.dir.Created(); created != "" {
		log.Info("created the data directory", "data", created)
	}
	srv.logFindings()
	if err := srv.dir.Store.Upgrade(ctx); err != nil {
		return nil, err
	}
	if err := srv.open(s); err != nil {
		return nil, err
	}
	if err := errors.Join(srv.dir.UseOrigin(srv.origin), srv.dir.ServeURL(ctx)); err != nil {
		return nil, err
	}
	if srv.certs, err = newCertificates(srv.dir, s, now, log); err != nil {
		return nil, err
	}
	srv.policies = newPolicies(s, log)
	if srv.traces, err = tracing.Start(ctx, os.Getenv, version(), log); err != nil {
		return nil, err
	}
	if srv.handlers, err = srv.api(s); err != nil {
		return nil, err
	}
	srv.serveAPI()
	if srv.handlers.Console, err = srv.console(); err != nil {
		return nil, err
	}
	admin := srv.listeners[1]
	admin.http = connections.Server(srv.handlers.Admin())
	admin.listener = connections.Refusing(admin.listener, srv.handlers.RefuseMalformed)
	return srv, nil
}

// serveAPI connects the API to the public listener. A change to the handlers needs another call,
// before [Server.Run].
func (srv *Server) serveAPI() {
	srv.routes = srv.handlers.Routes()
	srv.listeners[0].http = plain.New(connections.ServerTLS(srv.routes, srv.certs.config()), srv.handlers.RefuseMalformed)
}

// open opens the three listeners, in the order in which they are drained.
func (srv *Server) open(s *settings.Settings) error {
	public, err := listen("listen", s.Listen, s.AdminListen)
	if err != nil {
		return err
	}
	srv.listeners = append(srv.listeners, &listener{name: "public", listener: connections.Limit(public, connections.Max)})
	admin, err := listen("admin_listen", s.AdminListen, s.Listen)
	if err != nil {
		return err
	}
	srv.listeners = append(srv.listeners, &listener{name: "admin", listener: connections.Limit(admin, maxAdmins)})
	commands, err := socket.Listen(s.Data)
	if err != nil {
		return err
	}
	srv.listeners = append(srv.listeners, &listener{name: "socket", listener: commands, http: socket.Server(srv.dir)})
	srv.origin = s.Origin(public.Addr().String())
	return nil
}

// Close closes the listeners, if [Server.Run] hasn't, and the data directory.
func (srv *Server) Close() (err error) {
	for _, l := range srv.listeners {
		if bad := l.listener.Close(); !errors.Is(bad, net.ErrClosed) {
			err = errors.Join(err, bad)
		}
	}
	return errors.Join(err, srv.dir.Close())
}

// Addr returns the address of a listener: public, admin or demo.
func (srv *Server) Addr(name string) string {
	for _, l := range srv.listeners {
		if l.name == name {
			return l.listener.Addr().String()
		}
	}
	return ""
}

// api assembles the handlers of the public and the admin listener.
func (srv *Server) api(s *settings.Settings) (*handlers.API, error) {
	d := srv.dir
	// Libraries differ in the audience of an assertion. Some add a slash to a URL without a path.
	assertions, err := bearer.NewAssertions(usedSince(d), srv.origin, srv.origin+"/oauth/token", srv.origin+"/oauth/introspect", srv.origin+"/oauth/revoke", srv.origin+"/")
	if err != nil {
		return nil, err
	}
	if sh := d.Store.Shared; sh != nil {
		assertions.Shared = sh.States.SpendOnce
	}
	layer, err := widgetLayer()
	if err != nil {
		return nil, err
	}
	challenges, err := challenge.NewMaker(d.Keys.SecretKey())
	if err != nil {
		return nil, err
	}
	sealer, err := session.NewSealer(d.Keys.SecretKey())
	if err != nil {
		return nil, err
	}
	srv.proofs = proof.NewChecker(usedSince(d))
	srv.metrics = metrics.New(func() float64 { return float64(d.Store.Live()) })
	srv.metrics.Addresses(srv.countAddresses)
	if d.Nodes != nil {
		srv.metrics.Nodes(srv.nodeMetrics)
	}
	d.ObserveAddresses(srv.observedAddress)
	d.History.Gauges = srv.gauges
	api := &handlers.API{
		Log: d.Log, Now: d.Now, PublicURL: srv.origin, TrustedProxies: s.TrustedProxies,
		Verifier: d.Verifier, Signer: d.Signer, Assertions: assertions, JWKS: d.Keys.JWKS, StatementKeys: d.Statements.Keys,
		Gate: d.Gate, Proofs: srv.proofs, Sessions: proofs.Sessions{Sealer: sealer, Origin: srv.origin}, Tenants: d.Tenants, Meter: d.Meter, Content: d.Store, PolicyOf: srv.policies.of,
		Addresses: d.Addresses, Challenges: challenges, Refusals: d.Refusals, ShowAddress: d.ShowAddress,
		Evidence: d.Evidence,
		Ready:    srv.Ready, Degraded: srv.Degraded, Widgets: layer, Metrics: srv.metrics, History: d.History, Traces: srv.traces,
		AdminHosts: handlers.AdminHosts(s.AdminListen, s.AdminHosts),
		Developers: srv.developers(s),
	}
	if d.Nodes != nil {
		api.Outdated = d.Nodes.Outdated
	}
	if len(d.ExternalKeys) > 0 {
		api.Subjects = d.Verifier
	}
	return api, nil
}

// version returns the version of the program, for traces.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// widgetLayer returns the widgets' files, which are embedded in the program.
func widgetLayer() (*files.Widgets, error) {
	content, err := widgets.Files()
	if err != nil {
		return nil, err
	}
	version, err := widgets.Version()
	if err != nil {
		return nil, err
	}
	return files.NewWidgets(version, content)
}

// usedSince returns the time before which proofs and client assertions may have been used without
// this process knowing. It is zero if the signing keys were created by this process: then none of
// our tokens is older, and nothing is known about proofs for tokens of external issuers. It is zero
// too if the store knows what was used.
func usedSince(d *datadir.Dir) time.Time {
	if _, shared := d.Gate.Store.(tokens.SharedStore); shared || d.Keys.New() {
		return time.Time{}
	}
	return d.Now()
}

// errDraining is the reason why a server that is stopping is not ready.
var errDraining = errors.New("draining: the server is stopping")

// errProofs is the reason why a server that has just started is not ready.
var errProofs = errors.New("proofs: the server has just started, and accepts calls with proofs in 3 s at most")

// Ready returns an error if the server can't serve calls, with and without proofs. It has a line
// for each part that can't.
func (srv *Server) Ready(ctx context.Context) error {
	if srv.draining.Load() {
		return errDraining
	}
	if !srv.proofs.Ready(srv.dir.Now()) {
		return errProofs
	}
	d := srv.dir
	parts := partErrors{}
	if d.Nodes == nil || d.Store.Shared.Valkey == nil {
		parts.add("database", d.Store.Ready(ctx))
	}
	// One read of the corpus file, which waits for no other. There is no item of that name.
	if _, err := d.Store.Item(ctx, 0, " "); !errors.Is(err, content.ErrNotFound) {
		parts.add("corpus", err)
	}
	if d.Nodes != nil {
		parts.add("nodes", d.Nodes.Outdated())
		parts.add("state", d.Store.Shared.States.Ready(ctx))
	}
	return parts.join()
}

// Degraded returns an error for parts of a node without which it can serve: while Valkey works, it
// needs PostgreSQL only for what was not used before, and for what lasts. All nodes would become
// unready at the same time otherwise.
func (srv *Server) Degraded(ctx context.Context) error {
	d := srv.dir
	if d.Nodes == nil {
		return nil
	}
	parts := partErrors{}
	if d.Store.Shared.Valkey != nil {
		short, cancel := context.WithTimeout(ctx, degradedWithin)
		defer cancel()
		parts.add("database", d.Store.Ready(short))
	}
	parts.add("nodes", d.Nodes.Ready())
	if f, _ := d.Store.Following(); f.Note(d.Now()) != "" {
		parts.add("corpus", errors.New(f.Note(d.Now())))
	}
	return parts.join()
}

// degradedWithin is how long the check of a part may take without which the server can serve. A
// load balancer that waits for a second must not regard all nodes as down when PostgreSQL is
// silent.
const degradedWithin = 500 * time.Millisecond

// partErrors are the errors of parts of the server, on one line each.
type partErrors []error

// partError is the error of a part, in one line.
type partError struct {
	part string
	err  error
}

func (e *partError) Error() string { return e.part + ": " + oneLine(e.err) }
func (e *partError) Unwrap() error { return e.err }

func (p *partErrors) add(part string, err error) {
	if err != nil {
		*p = append(*p, &partError{part, err})
	}
}

func (p partErrors) join() error { return errors.Join(p...) }
