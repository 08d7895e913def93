package server

import (
	"net"

	"stile.example/stile/demo"
	"stile.example/stile/handlers"
	"stile.example/stile/operations"
)

const maxDemo = 256 // connections to the demo tenant's site at once

// demoListener is where the demo tenant's site is.
type demoListener struct {
	*listener
	origins []string // by which browsers of this machine reach it
}

// openDemoSite opens the site's listener: before anything else of the demo,
// since its port may be taken.
func (srv *Server) openDemoSite(addr string) (demoListener, error) {
	l, err := listen("demo_listen", addr)
	if err != nil {
		return demoListener{}, err
	}
	d := &listener{name: "demo", listener: handlers.Limit(l, maxDemo)}
	srv.listeners = append(srv.listeners, d)
	_, port, err := net.SplitHostPort(l.Addr().String())
	return demoListener{d, []string{"http://localhost:" + port, "http://127.0.0.1:" + port}}, err
}

// serveDemoSite puts the site behind its listener. It reaches the API inside
// this process: so it works whatever the public URL, certificates and proxies
// are, and a caller from elsewhere needs no proxy to be trusted.
func (srv *Server) serveDemoSite(at demoListener, c operations.Credentials) error {
	entries, err := demoEntries()
	if err != nil {
		return err
	}
	api := srv.listeners[0].http.Handler
	site := &demo.Site{API: srv.origin, Origins: at.origins, ClientID: c.ClientID, Secret: c.Secret, Entries: entries,
		Inside:  demo.Through(api, "127.0.0.1:0"),
		Outside: demo.Through(api, demo.Stranger+":0"),
		Now:     srv.dir.Now}
	at.http = handlers.Server(site.Handler())
	return nil
}
