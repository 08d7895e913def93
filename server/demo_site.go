package server

import (
	"net"

	"stile.example/stile/demo"
	"stile.example/stile/handlers/connections"
	"stile.example/stile/operations"
)

const maxDemo = 256 // simultaneous connections to the demo tenant's site

// demoListener is the listener of the demo tenant's site.
type demoListener struct {
	*listener
	origins []string // with which browsers of this machine reach it
}

// openDemoSite opens the site's listener. It comes first, because its port may be in use.
func (srv *Server) openDemoSite(addr string) (demoListener, error) {
	s := srv.dir.Settings()
	l, err := listen("demo_listen", addr, s.Listen, s.AdminListen)
	if err != nil {
		return demoListener{}, err
	}
	d := &listener{name: "demo", listener: connections.Limit(l, maxDemo)}
	srv.listeners = append(srv.listeners, d)
	_, port, err := net.SplitHostPort(l.Addr().String())
	return demoListener{d, []string{"http://localhost:" + port, "http://127.0.0.1:" + port}}, err
}

// serveDemoSite connects the site to its listener. The site calls the API inside this process, so
// it works with any public URL, certificate and proxy, and can simulate a caller at another address
// without a trusted proxy.
func (srv *Server) serveDemoSite(at demoListener, c operations.Credentials, command string) error {
	entries, err := demoEntries()
	if err != nil {
		return err
	}
	api := srv.routes
	site := &demo.Site{API: srv.origin, Origins: at.origins, ClientID: c.ClientID, Secret: c.Secret, Command: command, Entries: entries,
		Transport:      demo.HandlerTransport(api, "127.0.0.1:0"),
		OtherTransport: demo.HandlerTransport(api, demo.OtherAddress+":0"),
		Now:            srv.dir.Now}
	at.http = connections.Server(site.Handler())
	return nil
}
