package commands

import (
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"stile.example/stile/demo"
	"stile.example/stile/handlers/connections"
)

const maxDemo = 256 // connections to the demo tenant's site at once

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

// demoPlace is where the demo tenant's site is.
type demoPlace struct {
	door    *listener
	origins []string // by which browsers of this machine reach it
}

// openDemoSite opens the site's listener: before anything else of the demo,
// since its port may be taken.
func (srv *server) openDemoSite(addr string) (demoPlace, error) {
	l, err := listen("demo_listen", addr)
	if err != nil {
		return demoPlace{}, err
	}
	d := &listener{name: "demo", listener: connections.Limit(l, maxDemo)}
	srv.doors = append(srv.doors, d)
	_, port, err := net.SplitHostPort(l.Addr().String())
	return demoPlace{d, []string{"http://localhost:" + port, "http://127.0.0.1:" + port}}, err
}

// serveDemoSite puts the site behind its listener. It reaches the API inside
// this process: so it works whatever the public URL, certificates and proxies
// are, and a caller from elsewhere needs no proxy to be trusted.
func (srv *server) serveDemoSite(at demoPlace, c credentials) error {
	entries, err := demoEntries()
	if err != nil {
		return err
	}
	api := srv.doors[0].http.Handler
	site := &demo.Site{API: srv.origin, Origins: at.origins, ClientID: c.ClientID, Secret: c.Secret, Entries: entries,
		Inside:  demo.Through(api, "127.0.0.1:0"),
		Outside: demo.Through(api, demo.Stranger+":0"),
		Now:     srv.app.now}
	at.door.http = connections.Server(site.Handler())
	return nil
}
