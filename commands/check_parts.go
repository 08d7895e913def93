package commands

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"stile.example/stile/settings"
)

// report adds a finding.
type report func(check string, s state, format string, args ...any)

// checkURL holds the public URL to https, but on this machine itself.
func checkURL(s *settings.Settings, add report) {
	origin := s.Origin(s.Listen)
	u, err := url.Parse(origin)
	if err != nil {
		add("public_url", wrong, "%v", err)
		return
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || ip.IsLoopback()
	switch {
	case s.PublicURL == "" && len(s.TLS.Domains) == 0:
		add("public_url", doubt, "is not set; %s is good on this machine only", origin)
	case u.Scheme == "http" && !local:
		add("public_url", wrong, "%s is not https: who listens on the way reads the tokens", origin)
	default:
		add("public_url", good, "%s", origin)
	}
}

func checkTLS(s *settings.Settings, now time.Time, add report) {
	if s.TLS.Certificate == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(s.TLS.Certificate, s.TLS.Key)
	if err != nil {
		add("tls", wrong, "%v", err)
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	switch {
	case err != nil:
		add("tls", wrong, "%v", err)
	case now.After(leaf.NotAfter) || now.Before(leaf.NotBefore):
		add("tls", wrong, "the certificate is good from %s to %s", leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly))
	case now.AddDate(0, 0, 14).After(leaf.NotAfter):
		add("tls", doubt, "the certificate ends on %s", leaf.NotAfter.Format(time.DateOnly))
	default:
		add("tls", good, "%s, until %s", strings.Join(leaf.DNSNames, " "), leaf.NotAfter.Format(time.DateOnly))
	}
}

// checkData opens the data directory, or asks the server that has it open. It
// says whether there is one.
func (p *program) checkData(ctx context.Context, s *settings.Settings, add report) (serving bool) {
	r, err := dial(ctx, s.Data)
	if err == nil {
		add("data", good, "%s, open in a running server", s.Data)
		return r.close() == nil
	}
	if !errors.Is(err, errNoServer) {
		add("data", wrong, "%v", err)
		return true
	}
	if n := len(socketFile(s.Data)); n > longestPath {
		add("data", wrong, "%s is %d bytes long, and %d are allowed for the socket in it", s.Data, n, longestPath)
	}
	held, err := takeLock(s.Data)
	if err != nil {
		add("data", wrong, "%s: %v", s.Data, err)
		return false
	}
	place, err := openLocal(ctx, p, s, held)
	if err == nil {
		err = errors.Join(place.(*local).app.db.Ready(ctx), place.close())
	}
	if err != nil {
		add("data", wrong, "%s: %v", s.Data, err)
		return false
	}
	add("data", good, "%s: keys and database can be read and written", s.Data)
	return false
}

func checkListener(key, addr string, serving bool, add report) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		l.Close()
		add(key, good, "%s is free", addr)
	case serving && errors.Is(err, syscall.EADDRINUSE):
		add(key, good, "%s is in use, by the running server as it seems", addr)
	default:
		add(key, wrong, "%v", err)
	}
	if host, _, _ := net.SplitHostPort(addr); key == "admin_listen" && host != "localhost" {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
			add(key, doubt, "%s can be reached from other machines, and asks for no password: see to it that only yours can", addr)
		}
	}
}

// enough is the least room on the disk that a server should start with.
const enough = 256 << 20

func checkDisk(s *settings.Settings, add report) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.Data, &fs); err != nil {
		add("disk", wrong, "%v", err)
		return
	}
	free := fs.Bavail * uint64(fs.Bsize)
	if free < enough {
		add("disk", doubt, "%d MB are free in %s", free>>20, s.Data)
		return
	}
	add("disk", good, "%d MB are free", free>>20)
}

// checkClock sees a clock that was never set: this program is younger.
func checkClock(now time.Time, add report) {
	name, err := os.Executable()
	if err == nil {
		if info, bad := os.Stat(filepath.Clean(name)); bad == nil && now.Before(info.ModTime().Add(-24*time.Hour)) {
			add("clock", wrong, "it is %s here, but this program was made on %s: tokens would be refused", now.Format(time.RFC3339), info.ModTime().Format(time.DateOnly))
			return
		}
	}
	add("clock", good, "%s", now.UTC().Format(time.RFC3339))
}
