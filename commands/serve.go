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

// demoFlags are the flags of `serve` that are about the demo.
type demoFlags struct {
	on     bool
	listen string // "": demoListen
}

const demoListen = ":8090"

func (f *demoFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.on, "demo", false, "add a demo corpus, a demo tenant and its site, and say what to try")
	c.Flags().StringVar(&f.listen, "demo-listen", "", "`address` of the demo tenant's site (default \""+demoListen+"\")")
}

// check refuses a site for other machines: its pages would stand on plain
// HTTP, where a token is not safe.
func (f *demoFlags) check() error {
	if f.listen == "" {
		f.listen = demoListen
		return nil
	}
	host, _, err := net.SplitHostPort(f.listen)
	ip, bad := netip.ParseAddr(host)
	switch {
	case !f.on:
		return useErrorf("--demo-listen is about the demo's site: add --demo")
	case err != nil:
		return useErrorf("--demo-listen %q: want an address such as 127.0.0.1:8090 or :8090", f.listen)
	case host != "" && host != "localhost" && (bad != nil || !ip.IsLoopback() && !ip.IsUnspecified()):
		return useErrorf("--demo-listen %q: the demo's site is for this machine only; want an address such as 127.0.0.1:8090 or :8090", f.listen)
	}
	return nil
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
	srv, err := server.New(ctx, s, p.now, p.logger(s))
	if errors.Is(err, datadir.ErrHeld) {
		return fmt.Errorf("%s is open in another process; stop the server or the command that holds it, or choose another --data", s.Data)
	}
	if err != nil {
		return err
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
