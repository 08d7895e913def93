package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"stile.example/stile/datadir"
	"stile.example/stile/settings"
)

// certificates supplies the certificate of the public listener: from two files, which are read
// again when they change, or from an ACME authority.
type certificates struct {
	acme  *autocert.Manager // nil: from files
	files settings.TLS
	now   func() time.Time
	log   *slog.Logger

	mu        sync.Mutex
	current   *tls.Certificate
	stamp     string    // of the files when current was read
	checkedAt time.Time // when the files were last checked
}

// newCertificates returns nil if TLS is off.
func newCertificates(d *datadir.Dir, s *settings.Settings, now func() time.Time, log *slog.Logger) (*certificates, error) {
	switch {
	case !s.TLS.On():
		return nil, nil
	case len(s.TLS.Domains) > 0:
		var cache autocert.Cache = autocert.DirCache(filepath.Join(s.Data, "acme"))
		if d.Nodes != nil {
			cache = sharedCertificates{d}
		}
		return &certificates{acme: &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(s.TLS.Domains...), Cache: cache,
		}}, nil
	}
	c := &certificates{files: s.TLS, now: now, log: log}
	_, err := c.get(nil)
	return c, err
}

// config returns the configuration of TLS, nil if TLS is off.
func (c *certificates) config() *tls.Config {
	switch {
	case c == nil:
		return nil
	case c.acme != nil:
		return hardened(c.acme.TLSConfig())
	}
	return hardened(&tls.Config{GetCertificate: c.get})
}

// hardened limits a configuration to TLS 1.3 and, in TLS 1.2, to forward secrecy with authenticated
// encryption: no CBC and no SHA-1. Go's default still has AES-CBC with SHA-1. The list of TLS 1.3
// is fixed.
func hardened(c *tls.Config) *tls.Config {
	c.MinVersion = tls.VersionTLS12
	c.CipherSuites = []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	return c
}

// get returns the current certificate. It checks the files at most once a second. If new files
// can't be read, for example because they are only partly written, the old certificate stays in
// use.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.current != nil && now.Sub(c.checkedAt).Abs() < time.Second {
		return c.current, nil
	}
	c.checkedAt = now
	stamp, err := stampOf(c.files.Certificate, c.files.Key)
	if err == nil && stamp == c.stamp {
		return c.current, nil
	}
	var next tls.Certificate
	if err == nil {
		next, err = tls.LoadX509KeyPair(c.files.Certificate, c.files.Key)
	}
	switch {
	case err == nil:
		c.current, c.stamp = &next, stamp
	case c.current == nil:
		return nil, fmt.Errorf("read the certificate: %w", err)
	default:
		c.log.Error("can't read the new certificate; the old one stays", "err", err)
	}
	return c.current, nil
}

// stampOf returns a text that changes when one of the files changes.
func stampOf(files ...string) (stamp string, err error) {
	for _, name := range files {
		info, bad := os.Stat(name)
		if err = errors.Join(err, bad); bad == nil {
			stamp += fmt.Sprintf("%d %d ", info.Size(), info.ModTime().UnixNano())
		}
	}
	return stamp, err
}
