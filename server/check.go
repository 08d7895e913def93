package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"stile.example/stile/console/signin"
	"stile.example/stile/datadir"
	"stile.example/stile/datadir/access"
	"stile.example/stile/settings"
	"stile.example/stile/socket"
	"stile.example/stile/tokens/readable"
)

// Finding is the result of one check.
type Finding struct {
	Check  string `json:"check"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
}

// State is how severe a finding is.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning"
	Wrong   State = "wrong"
)

// report adds a finding.
type report func(check string, s State, format string, args ...any)

// Check checks what the settings name. It opens the data directory as the server would, but creates
// and migrates nothing. command is the one that was typed, for advice.
func Check(ctx context.Context, s *settings.Settings, command string, now func() time.Time, log *slog.Logger) (found []Finding) {
	add := func(check string, state State, format string, args ...any) {
		found = append(found, Finding{check, state, fmt.Sprintf(format, args...)})
	}
	add("settings", OK, "read")
	for _, w := range s.Warnings() {
		add("settings", Warning, "%s", w.Error())
	}
	checkURL(s, add)
	checkTLS(s, now(), add)
	checkIssuers(ctx, s, now, log, add)
	checkSignIn(ctx, s, now(), add)
	checkClients(ctx, s, now, add)
	checkExposures(s.Data, command, add)
	checkSecrets(s, add)
	serving := checkData(ctx, s, now, log, add)
	for _, l := range []struct{ key, addr string }{{"listen", s.Listen}, {"admin_listen", s.AdminListen}} {
		checkListener(l.key, l.addr, serving, add)
	}
	checkDisk(s, add)
	checkClock(now(), add)
	return found
}

// checkSignIn fetches the metadata of the issuer by which admins sign in.
func checkSignIn(ctx context.Context, s *settings.Settings, now time.Time, add report) {
	if s.OIDC.Issuer == "" {
		return
	}
	if err := signin.Probe(ctx, s.OIDC, now); err != nil {
		add("console.oidc", Wrong, "%v", oneLine(err))
		return
	}
	add("console.oidc", OK, "%s", s.OIDC.Issuer)
}

// checkURL checks that the public URL uses HTTPS, unless it leads to this machine.
func checkURL(s *settings.Settings, add report) {
	origin := s.Origin(s.Listen)
	u, err := url.Parse(origin)
	if err != nil {
		add("public_url", Wrong, "%v", err)
		return
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || ip.IsLoopback()
	switch {
	case s.PublicURL == "" && len(s.TLS.Domains) == 0:
		add("public_url", Warning, "is not set; %s works on this machine only", origin)
	case u.Scheme == "http" && !local:
		add("public_url", Wrong, "%s: must use https, or tokens can be read on the way", origin)
	default:
		add("public_url", OK, "%s", origin)
	}
}

func checkTLS(s *settings.Settings, now time.Time, add report) {
	if s.TLS.Certificate == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(s.TLS.Certificate, s.TLS.Key)
	if err != nil {
		add("tls", Wrong, "%v", err)
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	switch {
	case err != nil:
		add("tls", Wrong, "%v", err)
	case now.After(leaf.NotAfter) || now.Before(leaf.NotBefore):
		add("tls", Wrong, "the certificate is valid from %s to %s", leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly))
	case now.AddDate(0, 0, 14).After(leaf.NotAfter):
		add("tls", Warning, "the certificate expires on %s; renew it", leaf.NotAfter.Format(time.DateOnly))
	default:
		add("tls", OK, "%s, until %s", strings.Join(leaf.DNSNames, " "), leaf.NotAfter.Format(time.DateOnly))
	}
}

// checkData opens the data directory, or contacts the server that has it open. It reports whether
// such a server is running.
func checkData(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger, add report) (serving bool) {
	c, err := socket.Dial(ctx, s.Data)
	if err == nil {
		if s.Postgres() {
			checkShared(ctx, s, now, add)
			add("data", OK, "%s, open in a running server; the data is in PostgreSQL", s.Data)
		} else {
			checkServed(s.Data, add)
		}
		return c.Close() == nil
	}
	if !errors.Is(err, socket.ErrNoServer) {
		add("data", Wrong, "%v", err)
		return true
	}
	if file := socket.File(s.Data); len(file) > socket.MaxPath {
		add("data", Wrong, "the path of the socket, %s, must be at most %d bytes long; choose a shorter data directory", file, socket.MaxPath)
	}
	if s.Postgres() {
		checkShared(ctx, s, now, add)
		return false
	}
	d, err := datadir.OpenCurrent(ctx, s, now, log)
	switch {
	case err == nil:
		checkOpened(ctx, d, add)
	case errors.Is(err, datadir.ErrHeld):
		add("data", Wrong, "%s is open in another process that does not respond at %s; wait until it has started or ended, or restart the server", s.Data, socket.File(s.Data))
	case errors.Is(err, datadir.ErrOld):
		add("data", Warning, "%v", err)
	case errors.Is(err, datadir.ErrNoData):
		checkNewData(s.Data, add)
	default:
		add("data", Wrong, "%s: %v", s.Data, oneLine(err))
	}
	return false
}

// checkServed checks the files of a directory that a running server has open.
func checkServed(dir string, add report) {
	missing := datadir.MissingFiles(dir)
	for _, file := range missing {
		restore := "restore it from a backup"
		if file == datadir.KeyFile(dir) {
			restore = "`stile key rotate` writes the keys of the running server again"
		}
		add("data", Wrong, "%s is missing, and the server can't start again without it: %s", file, restore)
	}
	if len(missing) == 0 {
		add("data", OK, "%s, open in a running server", dir)
	}
}

// checkOpened checks an open data directory, and closes it.
func checkOpened(ctx context.Context, d *datadir.Dir, add report) {
	s := d.Settings()
	other, err := d.OtherURL(ctx)
	if err = errors.Join(err, d.UseOrigin(s.Origin(s.Listen)), d.Store.Ready(ctx), d.Close()); err != nil {
		add("data", Wrong, "%s: %v", s.Data, oneLine(err))
		return
	}
	if other != "" {
		add("data", Warning, "%s was served under the public_url %s; after a start under %s, tokens from before are refused", s.Data, other, s.Origin(s.Listen))
	}
	add("data", OK, "%s: keys and database can be read and written", s.Data)
}

// checkNewData checks that the first start can create the data directory, or files in it.
func checkNewData(dir string, add report) {
	// The directory, or the one above it in which it is created.
	_, at := access.Owner(dir)
	if err := syscall.Access(at, 2|1); err != nil { // W_OK, X_OK
		add("data", Wrong, "%s has no data yet, and can't be created: %s: %v", dir, at, err)
		return
	}
	add("data", OK, "%s has no data yet; the first start of the server creates it", dir)
}

// checkExposures checks the modes and owners of the data directory.
func checkExposures(dir, command string, add report) {
	found, err := access.Exposures(dir, command)
	if err != nil {
		add("permissions", Wrong, "%v", err)
	}
	for _, e := range found {
		state := Warning
		if e.Open {
			state = Wrong
		}
		add("permissions", state, "%s", e)
	}
}

// checkSecrets checks the modes of the files of secrets that the settings name.
func checkSecrets(s *settings.Settings, add report) {
	server, _ := access.Owner(s.Data)
	files := []string{s.TLS.Key, s.StoreKeyFile, s.StorePasswordFile, s.StatePasswordFile}
	files = append(files, secretsInURLs(s)...)
	for _, i := range s.Issuers {
		files = append(files, i.Introspection.SecretFile)
	}
	for _, file := range files {
		if e, exposed := access.ExposedSecret(file, server); exposed {
			add("permissions", Warning, "%s", e)
		}
	}
}

// checkIssuers fetches the keys of each issuer, and introspects a token.
func checkIssuers(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger, add report) {
	for _, i := range s.Issuers {
		address, keys, err := datadir.KeysOf(i, now, log).Probe(ctx)
		if err != nil {
			add("issuer", Wrong, "%s: %v", i.Issuer, oneLine(err))
		} else {
			add("issuer", OK, "%s: %s at %s", i.Issuer, readable.Count(keys.Len(), "key"), address)
		}
		for _, odd := range keys.Odd {
			add("issuer", Warning, "%s: %s has an entry that can't be used: %s", i.Issuer, address, odd)
		}
		warnOfNoJTI(i, add)
		client, err := datadir.IntrospectionOf(i, log)
		if err == nil && client != nil {
			err = client.Probe(ctx)
		}
		if err != nil {
			add("issuer", Wrong, "%s: %v", i.Issuer, oneLine(err))
		} else if client != nil {
			add("issuer", OK, "%s: introspects tokens at %s", i.Issuer, i.Introspection.URL)
		}
	}
}

// oneLine returns the text of an error that may have several lines, for a table.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func checkListener(key, addr string, serving bool, add report) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		l.Close()
		add(key, OK, "%s is free", addr)
	case serving && errors.Is(err, syscall.EADDRINUSE):
		add(key, OK, "%s is in use, probably by the running server", addr)
	case errors.Is(err, syscall.EACCES):
		add(key, Wrong, "%s", lowPort(addr))
	default:
		add(key, Wrong, "%v", err)
	}
	if host, _, _ := net.SplitHostPort(addr); key == "admin_listen" && host != "localhost" {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
			add(key, Warning, "%s can be reached from other machines, without a password; make sure that only yours can reach it", addr)
		}
	}
}

// minFree is the free disk space that a server should start with, in bytes.
const minFree = 256 << 20

func checkDisk(s *settings.Settings, add report) {
	var fs syscall.Statfs_t
	_, at := access.Owner(s.Data) // the nearest directory that exists
	if err := syscall.Statfs(at, &fs); err != nil {
		add("disk", Wrong, "%v", err)
		return
	}
	free := fs.Bavail * uint64(fs.Bsize)
	if free < minFree {
		add("disk", Warning, "only %d MiB are free in %s", free>>20, s.Data)
		return
	}
	add("disk", OK, "%d MiB are free", free>>20)
}

// checkClock detects a clock that was never set: it is before the time when this program was built.
func checkClock(now time.Time, add report) {
	name, err := os.Executable()
	if err == nil {
		if info, bad := os.Stat(filepath.Clean(name)); bad == nil && now.Before(info.ModTime().Add(-24*time.Hour)) {
			add("clock", Wrong, "the clock says %s, but this program was built on %s; set the clock, or tokens are refused", now.Format(time.RFC3339), info.ModTime().Format(time.DateOnly))
			return
		}
	}
	add("clock", OK, "%s", now.UTC().Format(time.RFC3339))
}
