package server

import (
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/settings"
	"stile.example/stile/stiletest"
)

// TestCertificates checks that the certificate is read again when its two files change, and that a
// change of only one of them leaves the old certificate in use.
func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 1)
	now := time.Now()
	var ahead atomic.Int64
	clock := func() time.Time { return now.Add(time.Duration(ahead.Load())) }
	s := &settings.Settings{TLS: settings.TLS{Certificate: cert, Key: key}}
	c, err := newCertificates(&datadir.Dir{}, s, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serial := func(want int64) {
		t.Helper()
		ahead.Add(int64(2 * time.Second))
		pair, err := c.config().GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil || leaf.SerialNumber.Int64() != want {
			t.Errorf("certificate %v, want %d (%v)", leaf.SerialNumber, want, err)
		}
	}
	serial(1)
	writePair(t, cert, filepath.Join(dir, "other.pem"), 2)
	serial(1)
	writePair(t, cert, key, 3)
	serial(3)
	os.Remove(key)
	serial(3)
	if _, err := newCertificates(&datadir.Dir{}, s, clock, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a start without a key")
	}
}

// writePair writes a certificate and its key. Each serial has its own time of change:
// some systems round it to milliseconds, and two files may be written within one.
func writePair(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	if err := stiletest.WriteCertificate(cert, key, serial); err != nil {
		t.Fatal(err)
	}
	changed := time.Now().Add(time.Duration(serial) * time.Second)
	for _, file := range []string{cert, key} {
		if err := os.Chtimes(file, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
}
