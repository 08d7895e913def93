package commands

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/help"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/datadir"
	"stile.example/stile/datadir/access"
	"stile.example/stile/server"
	"stile.example/stile/settings"
)

func (p *program) serveCommand() *cobra.Command {
	var demo demoFlags
	var lost newFiles
	c := &cobra.Command{Use: "serve", Short: "run the server",
		Long: `Run the server: the public listener with the token endpoint and the content API,
and the admin listener with the console, the admin API and the metrics. It logs to
standard error. On SIGTERM it finishes the requests that have arrived and exits
with 0. On SIGHUP it adopts changed policy settings. Every setting is also a flag;
` + "`stile help settings`" + ` lists them.

With --demo, the server also has a demo corpus, a tenant ` + "`demo`" + ` and that tenant's
site, a magazine at http://localhost:8090. A panel on its pages shows what happens,
and provokes refusals. http://localhost:8080 leads to all of it. Unless a setting
says otherwise, the demo listens on this machine only (127.0.0.1:8080), and its log
contains warnings and errors, as text.`,
		Example: `  stile serve
  stile serve --listen :9000 --data /var/lib/stile
  stile serve --demo
  stile serve --demo --demo-listen 127.0.0.1:9090`,
		Args: syntax.Takes(0, 0, "no arguments, only flags")}
	demo.register(c)
	lost.register(c)
	given := help.SettingFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := demo.check(); err != nil {
			return err
		}
		return p.serve(c, given(), demo, lost)
	}
	return c
}

// demoFlags are the flags of serve for the demo.
type demoFlags struct {
	on     bool
	listen string // empty: demoListen
}

const demoListen = "127.0.0.1:8090"

// demoDefaults are defaults for somebody who tries the program at a terminal: a demo must not be
// reachable from a network, and its log must not bury what it prints.
var demoDefaults = map[string]string{"listen": "127.0.0.1:8080", "log.level": "warn", "log.format": "text"}

func (f *demoFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.on, "demo", false, "add a demo corpus, a demo tenant and its site, and print what to try")
	c.Flags().StringVar(&f.listen, "demo-listen", "", "`address` of the demo tenant's site, or none if another node has it (default \""+demoListen+"\")")
}

// check refuses a site for other machines: its pages would be served over plain HTTP, where a token
// is not safe.
func (f *demoFlags) check() error {
	if f.listen == "" {
		f.listen = demoListen
		return nil
	}
	if f.on && f.listen == server.NoDemoSite {
		return nil
	}
	host, _, err := net.SplitHostPort(f.listen)
	ip, bad := netip.ParseAddr(host)
	switch {
	case !f.on:
		return syntax.Errorf("--demo-listen needs --demo; add it")
	case err != nil:
		return syntax.Errorf("--demo-listen %q: must be an address such as 127.0.0.1:8090 or :8090", f.listen)
	case host != "" && host != "localhost" && (bad != nil || !ip.IsLoopback() && !ip.IsUnspecified()):
		return syntax.Errorf("--demo-listen %q: must be an address of this machine, such as 127.0.0.1:8090 or :8090, because the demo's site is for this machine only", f.listen)
	}
	return nil
}

// serve runs until ctx is done.
func (p *program) serve(c *cobra.Command, flags map[string]string, demo demoFlags, lost newFiles) (err error) {
	ctx, again := c.Context(), p.again(c)
	server.SpareProcessor()
	load := func() (*settings.Settings, error) { return p.settings(flags) }
	if demo.on {
		load = func() (*settings.Settings, error) { return p.settingsWith(demoDefaults, flags) }
	}
	s, err := load()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(server.AllowGarbage(s))
	if err := p.prepare(ctx, s, again, lost); err != nil {
		return access.Explain(again, s.Data, err)
	}
	srv, err := p.open(ctx, s, demo.on)
	if errors.Is(err, datadir.ErrHeld) {
		return fmt.Errorf("%s is open in another process; stop that server or command, or choose another --data", s.Data)
	}
	if err != nil {
		return access.Explain(again, s.Data, err)
	}
	defer func() { err = errors.Join(err, srv.Close()) }()
	if demo.on {
		if err := srv.PrepareDemo(ctx, demo.listen, p.sameData(s), p.out); err != nil {
			return err
		}
	}
	if err := srv.FirstOwner(ctx, p.sameData(s), p.out); err != nil { // standard error is the log
		return err
	}
	stopReloading := srv.ReloadOnHangup(ctx, load)
	defer stopReloading()
	return srv.Run(ctx, p.ready)
}

// open opens the server, for the demo only on data that the demo may change.
func (p *program) open(ctx context.Context, s *settings.Settings, demo bool) (*server.Server, error) {
	if demo {
		if err := server.CheckDemoData(ctx, s, p.now, p.logger(s)); err != nil {
			return nil, err
		}
	}
	return server.New(ctx, s, p.now, p.logger(s))
}
