package operators

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/stiletest/smuggling"
)

// testSmuggling sends requests that proxies and servers have read differently.
func (p *proxy) testSmuggling() {
	smuggling.Attack(p.t, func() (net.Conn, error) {
		plain, err := p.dial(context.Background(), p.tls)
		if err != nil {
			return nil, err
		}
		return tls.Client(plain, &tls.Config{RootCAs: p.roots, ServerName: host}), nil
	}, host)
}

// TestSmuggling does that without a proxy, over plain HTTP and over stile's own TLS.
func TestSmuggling(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := &stiletest.Server{Binary: binary, Dir: t.TempDir(), Secure: secure}
		if secure {
			s.Settings = "tls: {certificate: cert.pem, key: key.pem}\n"
			check(t, stiletest.WriteCertificate(s.Dir+"/cert.pem", s.Dir+"/key.pem", 1))
		}
		check(t, s.Start())
		t.Cleanup(func() { s.Stop() })
		_, addr, _ := strings.Cut(s.URL, "://")
		smuggling.Attack(t, func() (net.Conn, error) {
			if secure {
				return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
			}
			return net.Dial("tcp", addr)
		}, host)
	}
}

// TestHAProxySmuggling does it behind HAProxy with deploy's configuration.
func TestHAProxySmuggling(t *testing.T) {
	s := &stiletest.Server{Binary: binary, Dir: t.TempDir(), Settings: "trusted_proxies: [127.0.0.1]\n"}
	check(t, s.Start())
	t.Cleanup(func() { s.Stop() })
	addr := strings.TrimPrefix(s.URL, "http://")
	h := engines.NewHAProxy(t, read(t, deploy+"cluster/haproxy.cfg"), [3]string{addr, addr, addr})
	smuggling.Attack(t, func() (net.Conn, error) { return net.Dial("tcp", h.Addr) }, host)
}
