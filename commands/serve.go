package commands

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"stile.example/stile/datadir"
	"stile.example/stile/server"
	"stile.example/stile/settings"
)

func (p *program) serveCommand() *cobra.Command {
	var demo demoFlags
	var lost newFiles
	c := &cobra.Command{Use: "serve", Short: "run the server",
		Long: `Run the server: the public listener with the token endpoint and the content API,
and the admin listener with the metrics. It logs to standard error. On SIGTERM it
finishes the requests that have arrived and exits with 0. On SIGHUP it
adopts changed policy settings. Every setting is also a flag; ` + "`stile help settings`" + ` lists
them.

With --demo, the server also has a demo corpus, a tenant ` + "`demo`" + ` and that tenant's
site, a magazine at http://localhost:8090. A panel on its pages shows what happens,
and provokes refusals. Only browsers on this machine can use the site.`,
		Example: `  stile serve
  stile serve --listen :9000 --data /var/lib/stile
  stile serve --demo
  stile serve --demo --demo-listen 127.0.0.1:9090`,
		Args: takes(0, 0, "no arguments, only flags")}
	demo.register(c)
	lost.register(c)
	given := settingFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := demo.check(); err != nil {
			return err
		}
		return p.serve(c.Context(), given(), demo, lost)
	}
	return c
}

// demoFlags are the flags of serve for the demo.
type demoFlags struct {
	on     bool
	listen string // empty: demoListen
}

const demoListen = ":8090"

func (f *demoFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.on, "demo", false, "add a demo corpus, a demo tenant and its site, and print what to try")
	c.Flags().StringVar(&f.listen, "demo-listen", "", "`address` of the demo tenant's site (default \""+demoListen+"\")")
}

// check refuses a site for other machines: its pages would be served over plain HTTP, where a token
// is not safe.
func (f *demoFlags) check() error {
	if f.listen == "" {
		f.listen = demoListen
		return nil
	}
	host, _, err := net.SplitHostPort(f.listen)
	ip, bad := netip.ParseAddr(host)
	switch {
	case !f.on:
		return useErrorf("--demo-listen needs --demo; add it")
	case err != nil:
		return useErrorf("--demo-listen %q: must be an address such as 127.0.0.1:8090 or :8090", f.listen)
	case host != "" && host != "localhost" && (bad != nil || !ip.IsLoopback() && !ip.IsUnspecified()):
		return useErrorf("--demo-listen %q: must be an address of this machine, such as 127.0.0.1:8090 or :8090, because the demo's site is for this machine only", f.listen)
	}
	return nil
}

// serve runs until ctx is done.
func (p *program) serve(ctx context.Context, flags map[string]string, demo demoFlags, lost newFiles) (err error) {
	spareProcessor()
	s, err := p.settings(flags)
	if err != nil {
		return err
	}
	if err := p.prepare(ctx, s, lost); err != nil {
		return datadir.ExplainAccess("stile serve", s.Data, err)
	}
	srv, err := server.New(ctx, s, p.now, p.logger(s))
	if errors.Is(err, datadir.ErrHeld) {
		return fmt.Errorf("%s is open in another process; stop that server or command, or choose another --data", s.Data)
	}
	if err != nil {
		return datadir.ExplainAccess("stile serve", s.Data, err)
	}
	defer func() { err = errors.Join(err, srv.Close()) }()
	if demo.on {
		if err := srv.PrepareDemo(ctx, demo.listen, p.out); err != nil {
			return err
		}
	}
	stopReloading := srv.ReloadOnHangup(ctx, func() (*settings.Settings, error) { return p.settings(flags) })
	defer stopReloading()
	return srv.Run(ctx, p.ready)
}

// spareProcessor lets Go run one more thread than there are cores, unless the operator has set
// GOMAXPROCS. The writer's thread is inside SQLite much of the time, and blocks one of Go's
// processors meanwhile. On two cores, one more gives a quarter more calls (make bench).
func spareProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}
