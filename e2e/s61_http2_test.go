package e2e

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
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

	"stile.example/stile/stiletest"
)

// newSecureServer starts a server whose public listener has TLS, with a certificate that the test
// creates.
func newSecureServer(t testing.TB, settings string) *server {
	t.Helper()
	program := unstarted(t, "tls: {certificate: cert.pem, key: key.pem}\n"+settings)
	program.Secure = true
	if err := stiletest.WriteCertificate(program.Dir+"/cert.pem", program.Dir+"/key.pem", 1); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, program)
	s.client = overTLS("h2")
	return s
}

// overTLS returns a client with one connection. The protocol is h2 or http/1.1.
func overTLS(protocol string) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}, MaxConnsPerHost: 1, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(protocol == "http/1.1")
	transport.Protocols.SetHTTP2(protocol == "h2")
	return &http.Client{Timeout: 20 * time.Second, Transport: transport}
}

// host returns the address of the public listener.
func (s *server) host() string { return s.URL[strings.Index(s.URL, "//")+2:] }

// loadTime returns how long TestS61HTTP2ConnectionsLive makes calls. The default is more than twice
// the deadline that once cut connections. STILE_S61 sets another time, such as 60s.
func loadTime(t *testing.T) time.Duration {
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

// TestS61HTTP2ConnectionsLive: HTTP/2 connections over stile's own TLS lose no request and are not
// cut. The test makes 1,700 calls a second over 4 connections.
func TestS61HTTP2ConnectionsLive(t *testing.T) {
	t.Parallel()
	s := newSecureServer(t, "policy: {token: {calls: 1000000, records: 1000000}}")
	const conns = 4
	l := &h2Load{s: s, token: s.tokens(1)[0], total: int64(h2Rate * loadTime(t).Seconds()), start: time.Now()}
	var wg sync.WaitGroup
	for range conns {
		client := overTLS("h2")
		defer client.CloseIdleConnections()
		for range 4 {
			wg.Go(func() { l.send(client) })
		}
	}
	wg.Wait()
	t.Logf("%d requests over %v, %d lost, %d connections", l.total, time.Since(l.start).Round(time.Second), l.lost.Load(), l.dialled.Load())
	if l.lost.Load() > 0 || l.dialled.Load() != conns {
		t.Errorf("%d of %d requests were lost; %d connections were opened, want %d", l.lost.Load(), l.total, l.dialled.Load(), conns)
	}
	if used := s.charged(); int64(used) != l.total {
		t.Errorf("%d calls were charged, want %d", used, l.total)
	}
}

// h2Rate is the number of calls a second of an h2Load.
const h2Rate = 1700

// h2Load is a load of total calls with one token, at a constant rate.
type h2Load struct {
	s                   *server
	token               string
	total               int64
	start               time.Time
	sent, lost, dialled atomic.Int64
}

// send makes calls, each at its time, until the total is sent.
func (l *h2Load) send(client *http.Client) {
	for n := l.sent.Add(1); n <= l.total; n = l.sent.Add(1) {
		time.Sleep(time.Until(l.start.Add(time.Duration(n) * time.Second / h2Rate))) // to keep the rate
		res, err := l.call(client)
		if err != nil || res.StatusCode != 200 || res.ProtoMajor != 2 {
			l.lost.Add(1)
			l.s.t.Logf("after %v: %v %v", time.Since(l.start), res, err)
		}
	}
}

// call makes a call and reads its response. It counts new connections.
func (l *h2Load) call(client *http.Client) (*http.Response, error) {
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if !i.Reused {
			l.dialled.Add(1)
		}
	}}
	ctx := httptrace.WithClientTrace(l.s.t.Context(), trace)
	req, err := http.NewRequestWithContext(ctx, "GET", l.s.URL+"/v1/items/i1?client_id=acme", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+l.token)
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res, err
}

// rawH2 is a connection whose client sends any HTTP/2 frames, valid or not.
type rawH2 struct {
	*tls.Conn
	*http2.Framer
	*hpack.Encoder
	block *bytes.Buffer
}

// dialH2 opens a connection and sends the settings.
func (s *server) dialH2(settings ...http2.Setting) (*rawH2, error) {
	c, err := tls.Dial("tcp", s.host(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		return nil, err
	}
	r := &rawH2{Conn: c, Framer: http2.NewFramer(c, c), block: &bytes.Buffer{}}
	r.Encoder = hpack.NewEncoder(r.block)
	_, err = io.WriteString(c, http2.ClientPreface)
	return r, errors.Join(err, r.WriteSettings(settings...))
}

// dialH1 opens a connection and sends a text.
func (s *server) dialH1(send string) (net.Conn, error) {
	c, err := tls.Dial("tcp", s.host(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(c, send)
	return c, err
}

// request sends the header of a request. It says whether the request ends with the header, and
// whether the header is complete.
func (r *rawH2) request(stream uint32, ended, complete bool, kv ...string) error {
	r.block.Reset()
	for i := 0; i < len(kv); i += 2 {
		if err := r.WriteField(hpack.HeaderField{Name: kv[i], Value: kv[i+1]}); err != nil {
			return err
		}
	}
	return r.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: r.block.Bytes(), EndStream: ended, EndHeaders: complete})
}

// get returns the header fields of a GET request.
func get(path string) []string {
	return []string{":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", path}
}

// slowClient opens n connections of a kind, which it does not use or uses slowly.
type slowClient struct {
	n    int
	dial func() (net.Conn, error)
}

// slowClients returns the kinds of slow clients, by name.
func (s *server) slowClients() map[string]slowClient {
	all := s.slowH1Clients()
	maps.Copy(all, map[string]slowClient{
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
	})
	return all
}

// slowH1Clients returns the kinds that do not use HTTP/2.
func (s *server) slowH1Clients() map[string]slowClient {
	const header = "GET /v1/items HTTP/1.1\r\nHost: a\r\nX-Slow: "
	const body = "POST /v1/items HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na="
	return map[string]slowClient{
		"no handshake": {100, func() (net.Conn, error) { return net.Dial("tcp", s.host()) }},
		"no preface": {100, func() (net.Conn, error) {
			return tls.Dial("tcp", s.host(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		}},
		"HTTP/1.1 idle":          {100, func() (net.Conn, error) { return s.dialH1("") }},
		"HTTP/1.1 half a header": {100, func() (net.Conn, error) { return s.dialH1(header) }},
		"HTTP/1.1 slow body":     {100, func() (net.Conn, error) { return s.dialH1(body) }},
	}
}

// TestR6OverHTTP2: the server closes slow HTTP/2 connections as early as those of HTTP/1.1.
// Meanwhile it serves others.
func TestR6OverHTTP2(t *testing.T) {
	t.Parallel()
	s := newSecureServer(t, "")
	token := s.tokens(1)[0]
	d := &durations{longest: map[string]time.Duration{}}
	var dialled sync.WaitGroup
	for name, client := range s.slowClients() {
		dialled.Go(func() { d.open(t, name, client) })
	}
	dialled.Wait()
	var took []time.Duration
	for range 200 {
		start := time.Now()
		if a := s.mustGet("/v1/items", token, ""); a.code() != "" {
			t.Fatalf("another client was refused: %s", a.code())
		}
		took = append(took, time.Since(start))
	}
	memory := s.memory()
	d.ended.Wait()
	t.Logf("longest %v; memory %d MB, slowest of 200 other calls %v", d.longest, memory, maximum(took))
	for name, longest := range d.longest {
		if longest > 15*time.Second { // the limit is 10 s; so many handshakes take time too
			t.Errorf("%s: a connection lasted %v", name, longest)
		}
	}
	// TLS and HTTP/2 need 60 KB a connection, and each of 10,000 unread responses needs 20 KB.
	if memory > 500 {
		t.Errorf("memory is %d MB", memory)
	}
}

// durations measures how long connections last.
type durations struct {
	ended   sync.WaitGroup
	mu      sync.Mutex
	longest map[string]time.Duration
}

// open opens all connections of a slow client. It does not wait for their end.
func (d *durations) open(t *testing.T, name string, client slowClient) {
	for range client.n {
		start := time.Now()
		c, err := client.dial()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		d.ended.Go(func() {
			defer c.Close()
			c.SetReadDeadline(start.Add(20 * time.Second)) // a failure, not the expected end
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: still open after 20 s", name)
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.longest[name] = max(d.longest[name], time.Since(start).Round(100*time.Millisecond))
		})
	}
}

// TestTLSSettings: stile's own TLS does not accept CBC, SHA-1 or a version before 1.2. Responses
// tell browsers to use only HTTPS.
func TestTLSSettings(t *testing.T) {
	s := newSecureServer(t, "")
	dial := func(c *tls.Config) error {
		c.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", s.host(), c)
		if err == nil {
			conn.Close()
		}
		return err
	}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if !strings.HasPrefix(suite.Name, "TLS_ECDHE_ECDSA_") {
			continue // a suite of TLS 1.3, or for another kind of key
		}
		err := dial(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}})
		if modern := strings.Contains(suite.Name, "GCM") || strings.Contains(suite.Name, "CHACHA20"); modern != (err == nil) {
			t.Errorf("%s: %v", suite.Name, err)
		}
	}
	if err := dial(&tls.Config{MinVersion: tls.VersionTLS13}); err != nil {
		t.Errorf("TLS 1.3: %v", err)
	}
	if err := dial(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	s.checkHSTS()
	if res, err := http.Get("http://" + s.host() + "/healthz"); err != nil || res.StatusCode != 400 {
		t.Errorf("plain HTTP on the TLS port: %v %v", res, fmt.Sprint(err))
	}
}

// checkHSTS checks which hosts get Strict-Transport-Security, on all routes.
func (s *server) checkHSTS() {
	s.t.Helper()
	for host, want := range map[string]string{"api.example": "max-age=31536000", "localhost:8080": "", "127.0.0.1": "", "[::1]:443": ""} {
		for _, path := range []string{"/healthz", "/v1/items", "/problems", "/widgets/v1/stile.js", "/none"} {
			req, err := http.NewRequest("GET", s.URL+path, nil)
			s.must(err)
			req.Host = host
			res, err := s.client.Do(req)
			s.must(err)
			res.Body.Close()
			if got := res.Header.Get("Strict-Transport-Security"); got != want {
				s.t.Errorf("%s of %s: Strict-Transport-Security is %q, want %q", path, host, got, want)
			}
		}
	}
}
