package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// newSecureSite is a site whose public listener has TLS, with a certificate that
// the test makes.
func newSecureSite(t testing.TB, settings string) *site {
	t.Helper()
	server := newServer(t, "tls: {certificate: cert.pem, key: key.pem}\n"+settings)
	server.Secure = true
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(server.Dir+"/"+name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := startSite(t, server)
	s.client = overTLS("h2")
	return s
}

// overTLS is a client of one connection, which speaks h2 or http/1.1.
func overTLS(protocol string) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}, MaxConnsPerHost: 1, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(protocol == "http/1.1")
	transport.Protocols.SetHTTP2(protocol == "h2")
	return &http.Client{Timeout: 20 * time.Second, Transport: transport}
}

// host is the public listener's address.
func (s *site) host() string { return s.URL[strings.Index(s.URL, "//")+2:] }

// howLong is how long TestS61HTTP2Lives calls: more than two of the deadlines
// that used to cut connections, or what STILE_S61 says, such as 60s.
func howLong(t *testing.T) time.Duration {
	text := os.Getenv("STILE_S61")
	if text == "" {
		return 10 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestS61HTTP2Lives: connections of HTTP/2 over stile's own TLS lose no request
// and are not cut. 4 connections make 1,700 calls a second.
func TestS61HTTP2Lives(t *testing.T) {
	t.Parallel()
	s := newSecureSite(t, "policy: {token: {calls: 1000000, records: 1000000}}")
	token := s.tokens(1)[0]
	const conns, rate = 4, 1700
	total := int64(rate * howLong(t).Seconds())
	var sent, lost, dialled atomic.Int64
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if !i.Reused {
			dialled.Add(1)
		}
	}}
	start := time.Now()
	var wg sync.WaitGroup
	for range conns {
		client := overTLS("h2")
		defer client.CloseIdleConnections()
		for range 4 {
			wg.Go(func() {
				for {
					n := sent.Add(1)
					if n > total {
						return
					}
					time.Sleep(time.Until(start.Add(time.Duration(n) * time.Second / rate))) // the load, not a wait
					req, err := http.NewRequest("GET", s.URL+"/v1/items/i1?client_id=acme", nil)
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Authorization", "Bearer "+token)
					res, err := client.Do(req.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
					if err == nil {
						_, err = io.Copy(io.Discard, res.Body)
						res.Body.Close()
					}
					if err != nil || res.StatusCode != 200 || res.ProtoMajor != 2 {
						lost.Add(1)
						t.Logf("after %v: %v %v", time.Since(start), res, err)
					}
				}
			})
		}
	}
	wg.Wait()
	t.Logf("%d requests over %v, %d lost, %d connections", total, time.Since(start).Round(time.Second), lost.Load(), dialled.Load())
	if lost.Load() > 0 || dialled.Load() != conns {
		t.Errorf("%d of %d requests were lost; %d connections were needed, not %d", lost.Load(), total, dialled.Load(), conns)
	}
	if used := s.charged(); int64(used) != total {
		t.Errorf("charged %d", used)
	}
}

// rawH2 is a connection whose client does with HTTP/2 what it likes.
type rawH2 struct {
	*tls.Conn
	*http2.Framer
	*hpack.Encoder
	block *bytes.Buffer
}

func (s *site) dialH2(settings ...http2.Setting) (*rawH2, error) {
	c, err := tls.Dial("tcp", s.host(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		return nil, err
	}
	r := &rawH2{Conn: c, Framer: http2.NewFramer(c, c), block: &bytes.Buffer{}}
	r.Encoder = hpack.NewEncoder(r.block)
	_, err = io.WriteString(c, http2.ClientPreface)
	return r, errors.Join(err, r.WriteSettings(settings...))
}

func (s *site) dialH1(send string) (net.Conn, error) {
	c, err := tls.Dial("tcp", s.host(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(c, send)
	return c, err
}

// request sends the header of a request.
func (r *rawH2) request(stream uint32, ended, whole bool, kv ...string) error {
	r.block.Reset()
	for i := 0; i < len(kv); i += 2 {
		if err := r.WriteField(hpack.HeaderField{Name: kv[i], Value: kv[i+1]}); err != nil {
			return err
		}
	}
	return r.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: r.block.Bytes(), EndStream: ended, EndHeaders: whole})
}

func get(path string) []string {
	return []string{":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", path}
}

// slowly are the ways to hold a connection of HTTP/2, and how many try each.
func (s *site) slowly() map[string]struct {
	n    int
	dial func() (net.Conn, error)
} {
	type way = struct {
		n    int
		dial func() (net.Conn, error)
	}
	return map[string]way{
		"no handshake": {100, func() (net.Conn, error) { return net.Dial("tcp", s.host()) }},
		"no preface": {100, func() (net.Conn, error) {
			return tls.Dial("tcp", s.host(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		}},
		"HTTP/1.1 idle":          {100, func() (net.Conn, error) { return s.dialH1("") }},
		"HTTP/1.1 half a header": {100, func() (net.Conn, error) { return s.dialH1("GET /v1/items HTTP/1.1\r\nHost: a\r\nX-Slow: ") }},
		"HTTP/1.1 slow body": {100, func() (net.Conn, error) {
			return s.dialH1("POST /v1/items HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na=")
		}},
		"idle": {1000, func() (net.Conn, error) { return s.dialH2() }},
		"pinging": {100, func() (net.Conn, error) {
			r, err := s.dialH2()
			if err != nil {
				return nil, err
			}
			return r, r.WritePing(false, [8]byte{1})
		}},
		"half a header": {500, func() (net.Conn, error) {
			r, err := s.dialH2()
			if err != nil {
				return nil, err
			}
			return r, r.request(1, false, false, get("/v1/items")...)
		}},
		"slow body": {500, func() (net.Conn, error) {
			r, err := s.dialH2()
			if err != nil {
				return nil, err
			}
			err = r.request(1, false, true, ":method", "POST", ":scheme", "https", ":authority", "localhost", ":path", "/v1/items",
				"content-type", "application/x-www-form-urlencoded", "content-length", "1000")
			return r, errors.Join(err, r.WriteData(1, false, []byte("a=")))
		}},
		"slow reader": {500, func() (net.Conn, error) {
			r, err := s.dialH2(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
			for n := uint32(0); n < 20 && err == nil; n++ {
				err = r.request(2*n+1, true, true, get("/v1/items?callback=cb")...)
			}
			return r, err
		}},
	}
}

// TestR6OverHTTP2: what holds connections of HTTP/2 holds them for no longer than
// in HTTP/1.1, and others are served meanwhile.
func TestR6OverHTTP2(t *testing.T) {
	t.Parallel()
	s := newSecureSite(t, "")
	token := s.tokens(1)[0]
	var mu sync.Mutex
	longest := map[string]time.Duration{}
	var ended, dialled sync.WaitGroup
	for name, way := range s.slowly() {
		dialled.Go(func() {
			for range way.n {
				start := time.Now()
				c, err := way.dial()
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				ended.Go(func() {
					defer c.Close()
					c.SetReadDeadline(start.Add(20 * time.Second)) // only to give up
					if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("%s: still open after 20 s", name)
					}
					mu.Lock()
					defer mu.Unlock()
					longest[name] = max(longest[name], time.Since(start).Round(100*time.Millisecond))
				})
			}
		})
	}
	dialled.Wait()
	var took []time.Duration
	for range 200 {
		start := time.Now()
		if a := s.mustGet("/v1/items", token, ""); a.code() != "" {
			t.Fatalf("others were answered %s", a.code())
		}
		took = append(took, time.Since(start))
	}
	memory := s.memory()
	ended.Wait()
	t.Logf("longest %v; memory %d MB, slowest of 200 others %v", longest, memory, maximum(took))
	for name, d := range longest {
		if d > 12*time.Second { // the figure is 10 s; a busy machine may take longer
			t.Errorf("%s: a connection lasted %v", name, d)
		}
	}
	if memory > 500 { // 60 KB a connection, for TLS and HTTP/2, and 20 KB for each of 10,000 unread responses
		t.Errorf("memory is %d MB", memory)
	}
}

// TestTLSIsModern: stile's own TLS does not accept CBC, SHA-1 or a version
// before 1.2, and pins browsers to HTTPS.
func TestTLSIsModern(t *testing.T) {
	s := newSecureSite(t, "")
	try := func(c *tls.Config) error {
		c.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", s.host(), c)
		if err == nil {
			conn.Close()
		}
		return err
	}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if !strings.HasPrefix(suite.Name, "TLS_ECDHE_ECDSA_") {
			continue // TLS 1.3's, or for another kind of key
		}
		err := try(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}})
		if modern := strings.Contains(suite.Name, "GCM") || strings.Contains(suite.Name, "CHACHA20"); modern != (err == nil) {
			t.Errorf("%s: %v", suite.Name, err)
		}
	}
	if err := try(&tls.Config{MinVersion: tls.VersionTLS13}); err != nil {
		t.Errorf("TLS 1.3: %v", err)
	}
	if err := try(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	for host, want := range map[string]string{"api.example": "max-age=31536000", "localhost:8080": "", "127.0.0.1": "", "[::1]:443": ""} {
		for _, path := range []string{"/healthz", "/v1/items", "/problems", "/widgets/v1/stile.js", "/none"} {
			req, err := http.NewRequest("GET", s.URL+path, nil)
			s.must(err)
			req.Host = host
			res, err := s.client.Do(req)
			s.must(err)
			res.Body.Close()
			if got := res.Header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("%s of %s: Strict-Transport-Security is %q", path, host, got)
			}
		}
	}
	if res, err := http.Get("http://" + s.host() + "/healthz"); err != nil || res.StatusCode != 400 {
		t.Errorf("plain HTTP at the TLS port: %v %v", res, fmt.Sprint(err))
	}
}
