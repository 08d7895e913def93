package commands

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/handlers"
	"stile.example/stile/handlers/connections"
	"stile.example/stile/handlers/files"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/settings"
	"stile.example/stile/static"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
	"stile.example/stile/widgets"
)

const (
	drainWithin = 8 * time.Second // for what has begun, of the 10 s that a stop may take
	sweepEvery  = 5 * time.Minute
	maxAdmins   = 256 // connections to the admin listener at once
)

func (p *program) serveCommand() *cobra.Command {
	var demo demoFlags
	c := &cobra.Command{Use: "serve", Short: "run the server",
		Long: `Runs the server: the public listener with the token endpoint and the content API,
and the admin listener with the metrics. It logs to standard error. On SIGTERM it
finishes what has begun and exits with 0; on SIGHUP it reads the policy settings
again. Every setting is a flag too: ` + "`stile help settings`" + ` lists them all.

With --demo it has something to show: a demo corpus, a tenant ` + "`demo`" + ` and that tenant's
site, a magazine at http://localhost:8090 whose panel shows what happens behind its
pages, and makes trouble on demand. The site is for this machine's browsers only.`,
		Example: `  stile serve
  stile serve --listen :9000 --data /var/lib/stile
  stile serve --demo
  stile serve --demo --demo-listen 127.0.0.1:9090`,
		Args: takes(0, 0, "no arguments, only flags")}
	demo.register(c)
	given := settingFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := demo.check(); err != nil {
			return err
		}
		return p.serve(c.Context(), given(), demo)
	}
	return c
}

// ballast is memory that a server takes and never touches, so that it costs
// addresses only. The garbage collector works each time that the heap has
// doubled: with a heap of some MB, that would be several times a second.
const ballast = 64 << 20

// spareProcessor lets Go run one thread more than there are cores, unless the
// operator has set GOMAXPROCS. The writer's thread is inside SQLite for much of
// the time, and would take a core's worth of goroutines out of the run with it:
// on two cores one more gives a quarter more calls (make bench).
func spareProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// serve runs until ctx is done.
func (p *program) serve(ctx context.Context, flags map[string]string, demo demoFlags) (err error) {
	spareProcessor()
	untouched := make([]byte, ballast)
	defer runtime.KeepAlive(untouched)
	s, err := p.settings(flags)
	if err != nil {
		return err
	}
	held, err := takeLock(s.Data)
	if errors.Is(err, errHeld) {
		return fmt.Errorf("%s is open in another process; stop the server or the command that holds it, or choose another --data", s.Data)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()

	srv, err := p.newServer(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.app.close()) }()
	if demo.on {
		if err := p.prepareDemo(ctx, srv, demo.listen); err != nil {
			return errors.Join(err, srv.closeListeners())
		}
	}
	stopReloading := p.reloadOnHangup(ctx, srv, flags)
	defer stopReloading()
	return srv.run(ctx, p.ready)
}

// server is the program as it serves: an open data directory with three ways
// in, and a fourth for the demo.
type server struct {
	app    *app
	origin string // the public URL
	doors  []*listener
	certs  *certificates // nil: plain HTTP

	metrics *metrics.Metrics

	draining atomic.Bool
}

// listener is a listener with what answers there.
type listener struct {
	name     string // public, admin, socket, demo
	listener net.Listener
	http     *http.Server
}

// newServer opens everything. The listeners are open then, and whoever
// connects waits until [server.main].
func (p *program) newServer(ctx context.Context, s *settings.Settings) (_ *server, err error) {
	srv := &server{}
	defer func() {
		if err != nil {
			err = errors.Join(err, srv.closeListeners())
		}
	}()
	if srv.app, err = openApp(ctx, s, p.now, p.logger(s)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, srv.app.close())
		}
	}()
	public, err := listen("listen", s.Listen)
	if err != nil {
		return nil, err
	}
	srv.doors = append(srv.doors, &listener{name: "public", listener: connections.Limit(public, connections.Max)})
	admin, err := listen("admin_listen", s.AdminListen)
	if err != nil {
		return nil, err
	}
	srv.doors = append(srv.doors, &listener{name: "admin", listener: connections.Limit(admin, maxAdmins)})
	socket, err := listenSocket(s.Data)
	if err != nil {
		return nil, err
	}
	srv.doors = append(srv.doors, &listener{name: "socket", listener: socket, http: socketServer(srv.app)})

	srv.origin = s.Origin(public.Addr().String())
	if err := srv.app.useOrigin(srv.origin); err != nil {
		return nil, err
	}
	if srv.certs, err = newCertificates(s, srv.app); err != nil {
		return nil, err
	}
	api, err := srv.api(s)
	if err != nil {
		return nil, err
	}
	srv.doors[0].http = connections.ServerTLS(api.Routes(), srv.certs.config())
	srv.doors[1].http = connections.Server(api.Admin())
	return srv, nil
}

func listen(key, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; choose another address with --%s", key, err, settings.Key{Name: key}.Flag())
	}
	return l, nil
}

// api puts the parts of the public and the admin listener together.
func (srv *server) api(s *settings.Settings) (*handlers.API, error) {
	a := srv.app
	assertions, err := bearer.NewAssertions(srv.origin, srv.origin+"/oauth/token")
	if err != nil {
		return nil, err
	}
	layer, err := widgetLayer()
	if err != nil {
		return nil, err
	}
	srv.metrics = metrics.New(func() float64 { return float64(a.db.Live()) })
	srv.metrics.Addresses(a.countAddresses)
	a.gate.Addresses = addressChecker{a.book, srv.observedAddress}
	api := &handlers.API{
		Log: a.log, Now: a.now, PublicURL: srv.origin, TrustedProxies: s.TrustedProxies,
		Verifier: a.verifier, Signer: a.signer, Assertions: assertions, JWKS: a.keys.JWKS,
		Gate: a.gate, Proofs: proof.NewChecker(a.proofsSince()), Tenants: a.tenants, Meter: a.meter, Content: a.db, PolicyOf: a.policies.of,
		Addresses: a.book, Challenges: a.challenges, Refusals: a.refusals, ShowAddress: a.shown.show,
		Ready: srv.ready, Static: static.Files(), Widgets: layer, Metrics: srv.metrics,
		AdminHosts: handlers.AdminHosts(s.AdminListen, s.AdminHosts),
	}
	if len(a.rings) > 0 {
		api.Subjects = a.verifier
	}
	return api, nil
}

// widgetLayer takes the widgets' files out of the program.
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

// proofsSince is the time before which proofs may have been used that this
// process knows nothing of. Where the keys are as new as the process there are
// none of our tokens, and nothing is known of the outside issuers' either.
func (a *app) proofsSince() time.Time {
	if a.keys.New() {
		return time.Time{}
	}
	return a.now()
}

// errDraining is why a server that is about to stop is not ready.
var errDraining = errors.New("draining: the server is stopping")

func (srv *server) ready(ctx context.Context) error {
	if srv.draining.Load() {
		return errDraining
	}
	if err := srv.app.db.Ready(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

func (srv *server) closeListeners() (err error) {
	for _, d := range srv.doors {
		err = errors.Join(err, d.listener.Close())
	}
	return err
}
