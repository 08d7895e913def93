package plain

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"
	"weak"

	"stile.example/stile/handlers/connections"
)

// running is a server on a real listener.
type running struct {
	*Server
	addr string
	done chan error
}

// start starts a server, whose limits of time a test may change.
func start(t *testing.T, h http.Handler, config *tls.Config, change func(*http.Server)) running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := connections.ServerTLS(h, config)
	if change != nil {
		change(s)
	}
	r := running{New(s, refuseAsNetHTTP), l.Addr().String(), make(chan error, 1)}
	go func() { r.done <- r.Serve(connections.Limit(l, 20)) }()
	t.Cleanup(func() { r.Close() })
	return r
}

// echoed responds with what a request has, and with X-Plain if it was not handed over.
var echoed = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if _, here := w.(*response); here {
		w.Header().Set("X-Plain", "yes")
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, body)
})

// client is one connection to a server.
type client struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func (r running) dial(t *testing.T) client {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second)) // only to give up
	return client{c, t, bufio.NewReader(c)}
}

func (c client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads a response, and checks its body and whether it came from this package.
func (c client) expect(body string, here bool) *http.Response {
	c.t.Helper()
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if string(got) != body || err != nil || here != (res.Header.Get("X-Plain") != "") {
		c.t.Errorf("%s %v %q, want %q", res.Status, res.Header, got, body)
	}
	return res
}

// expectEnd checks that the server closes the connection without another byte.
func (c client) expectEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("%q %v", rest, err)
	}
}

// TestIdleKeepsNoRequest checks that an idle connection does not keep the memory of its last
// request: there may be 16,384 of them, and a head has up to 8 KiB.
func TestIdleKeepsNoRequest(t *testing.T) {
	heads := make(chan weak.Pointer[byte], 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { heads <- weak.Make(unsafe.StringData(r.RequestURI)) })
	c := start(t, h, nil, func(s *http.Server) { s.IdleTimeout = time.Minute }).dial(t)
	c.send(get("a"))
	c.expect("", false)
	head := <-heads
	for end := time.Now().Add(10 * time.Second); head.Value() != nil; runtime.GC() {
		if time.Now().After(end) {
			t.Fatal("the connection keeps its request")
		}
	}
	c.send(get("b"))
	c.expect("", false)
}

// TestPieces sends plain requests in several ways: in pieces, several at once, with the beginning
// of the next, and larger than the buffer.
func TestPieces(t *testing.T) {
	c := start(t, echoed, nil, nil).dial(t)
	for _, pieces := range [][]string{
		{get("a")},
		{"G", "ET /v", "1/a HTTP/1.1\r\nHo", "st: a\r\n\r", "\n"},
		{get("a") + "GET /v1/a HT", "TP/1.1\r\nHost: a\r\n\r\n" + get("a")},
		{get("a") + get("a") + get("a")},
		{form("hello"), get("a") + form("GET /v1/a HTTP/1.1\r\nHost: a\r\n\r\n")},
		{"POST", " /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r", "\n", "hel", "lo" + get("a") + form("hi")[:60], form("hi")[60:]},
	} {
		all := strings.Join(pieces, "")
		for _, piece := range pieces {
			c.send(piece)
			time.Sleep(time.Millisecond) // so that pieces arrive alone, mostly
		}
		for in := bufio.NewReader(strings.NewReader(all)); ; {
			r, err := http.ReadRequest(in)
			if err != nil {
				break
			}
			body, _ := io.ReadAll(r.Body)
			c.expect(r.Method+" /v1/a "+string(body), true)
		}
	}
	for _, size := range []int{bufferSize - 50, bufferSize, bufferSize + 50, maxSize - 50} {
		path := strings.Repeat("x", size)
		c.send(get(path) + get("a"))
		c.expect("GET /v1/"+path+" ", true)
		c.expect("GET /v1/a ", true)
	}
	for _, size := range []int{bufferSize - 50, bufferSize + 50, maxSize - len(form(strings.Repeat("x", 1000))) + 1000} {
		body := strings.Repeat("x", size)
		c.send(form(body) + get("a"))
		c.expect("POST /v1/a "+body, true)
		c.expect("GET /v1/a ", true)
	}
}

// form returns a request with a body.
func form(body string) string {
	return fmt.Sprintf("POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// TestHandOver sends requests that are not plain, each after a plain one. net/http responds to
// them, and to everything that follows on the connection.
func TestHandOver(t *testing.T) {
	s := start(t, echoed, nil, nil)
	large := strings.Repeat("x", maxSize)
	for sent, want := range map[string]string{
		putHi:       "PUT /v1/a hi",
		form(large): "POST /v1/a " + large,
		"POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n":                             "POST /v1/a ",
		"POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 02\r\n\r\nhi":                          "POST /v1/a hi",
		"GET /other HTTP/1.1\r\nHost: a\r\n\r\n":                                                  "GET /other ",
		"GET /v1/%61 HTTP/1.1\r\nHost: a\r\n\r\n":                                                 "GET /v1/%61 ",
		"GET /v1/a HTTP/1.1\nHost: a\n\n":                                                         "GET /v1/a ",
		"GET /v1/" + large + " HTTP/1.1\r\nHost: a\r\n\r\n":                                       "GET /v1/" + large + " ",
		"GET /v1/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n": "GET /v1/a hi",
		"OPTIONS /v1/a HTTP/1.1\r\nHost: a\r\n\r\n":                                               "OPTIONS /v1/a ",
		"GET /v1/a HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n":                                   "GET /v1/a ",
	} {
		c := s.dial(t)
		c.send(get("first"))
		c.expect("GET /v1/first ", true)
		c.send(sent)
		c.expect(want, false)
		c.send(get("last"))
		c.expect("GET /v1/last ", false)

		c = s.dial(t) // the same, all at once
		c.send(get("first") + sent + get("last"))
		c.expect("GET /v1/first ", true)
		c.expect(want, false)
		c.expect("GET /v1/last ", false)
	}
	c := s.dial(t)
	c.send(get("first") + "GET /v1/a HTTP/1.1\r\nHost: a b\r\n\r\n")
	c.expect("GET /v1/first ", true)
	if res := c.expect("malformed Host header", false); res.StatusCode != 400 || !res.Close {
		t.Errorf("%+v", res)
	}
	c.expectEnd()
}

// TestManyPieces checks that a request in more than maxReads pieces is answered too.
func TestManyPieces(t *testing.T) {
	e := newExchanger(t, New(connections.Server(echoed), refuseAsNetHTTP))
	body := strings.Repeat("x", maxReads+2)
	head := strings.TrimSuffix(form(body), body)
	for _, pieces := range [][]string{{"", get("a"), "GET /v1/a "}, {head, body, "POST /v1/a " + body}} {
		c := newMemoryConn([]byte(pieces[0] + pieces[1]))
		e.l.conns <- &dripping{c, len(pieces[0])}
		answer := string(c.written())
		if !strings.HasSuffix(answer, pieces[2]) || strings.Contains(answer, "X-Plain") {
			t.Errorf("%q", answer)
		}
	}
}

// dripping is a connection of which each read gets one byte, after the first bytes.
type dripping struct {
	*memoryConn
	first int
}

func (d *dripping) Read(b []byte) (int, error) {
	n := max(1, d.first)
	d.first = 0
	return d.memoryConn.Read(b[:min(n, len(b))])
}

// TestEndsTooEarly checks that a client that ends its side in a request gets net/http's refusal,
// and that one without a request gets nothing.
func TestEndsTooEarly(t *testing.T) {
	s := start(t, echoed, nil, nil)
	for sent, status := range map[string]int{"GET /v1/a HTT": 400, get("a")[:30]: 400, "": 0} {
		c := s.dial(t)
		c.send(sent)
		c.Conn.(*net.TCPConn).CloseWrite()
		if status == 0 {
			c.expectEnd()
		} else if res, err := http.ReadResponse(c.in, nil); err != nil || res.StatusCode != status {
			t.Errorf("%q: %+v %v", sent, res, err)
		}
	}
	c := s.dial(t)
	c.send(form("hello")[:len(form("hello"))-3])
	c.Conn.(*net.TCPConn).CloseWrite()
	c.expect("POST /v1/a he", false)
}

// TestLimitsOfTime checks that the connections of idle and slow clients end in time, whichever
// server has them. A request that is handed over has no more time than others.
func TestLimitsOfTime(t *testing.T) {
	const limit = 2 * time.Second
	s := start(t, echoed, nil, func(s *http.Server) { s.ReadTimeout, s.IdleTimeout = limit, limit })
	for name, client := range map[string]func(client){
		"idle":       func(c client) {},
		"after one":  func(c client) { c.send(get("a")); c.expect("GET /v1/a ", true) },
		"half":       func(c client) { c.send(get("a")[:20]) },
		"half, late": func(c client) { time.Sleep(limit / 2); c.send(get("a")[:20]) },
		"slow": func(c client) {
			for _, b := range get("a")[:30] {
				if _, err := c.Write([]byte{byte(b)}); err != nil {
					return
				}
				time.Sleep(limit / 5)
			}
		},
		"slow, not plain": func(c client) {
			c.send("GET /v1/a HTTP/1.1\r\n")
			time.Sleep(limit * 3 / 4)
			c.send("X_Y: z\r\n")
		},
		"slow body": func(c client) {
			c.send("POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.dial(t)
			c.t = t
			began := time.Now()
			client(c)
			io.ReadAll(c.in) // net/http may respond
			if took := time.Since(began); took < limit/2 || took > 5*limit {
				t.Errorf("it ended after %v", took)
			}
		})
	}
}

// TestSlowReader checks that the connection of a client that does not read ends.
func TestSlowReader(t *testing.T) {
	large := make([]byte, 8<<20)
	ended := make(chan struct{})
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(large) }), nil,
		func(s *http.Server) { s.WriteTimeout = time.Second })
	c := s.dial(t)
	c.send(get("a"))
	go func() {
		for len(s.all()) == 0 {
			time.Sleep(time.Millisecond)
		}
		for len(s.all()) > 0 {
			time.Sleep(time.Millisecond)
		}
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("it did not end")
	}
}

// TestPanic checks that a panic closes its connection and no other.
func TestPanic(t *testing.T) {
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/panic" {
			panic("a fault")
		}
		echoed(w, r)
	}), nil, nil)
	other := s.dial(t)
	other.send(get("a"))
	other.expect("GET /v1/a ", true)
	c := s.dial(t)
	c.send(get("panic"))
	c.expectEnd()
	other.send(get("a"))
	other.expect("GET /v1/a ", true)
}

// TestShutdown stops a server with connections of all kinds. Requests in progress get their
// response, which says that the connection ends; so does one that arrives at that moment.
func TestShutdown(t *testing.T) {
	release := make(chan struct{})
	arrived := make(chan struct{}, 2)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/slow") {
			arrived <- struct{}{}
			<-release
		}
		echoed(w, r)
	}), nil, nil)
	s.last = 2 * time.Second // the late requests may be slow
	idle, used, late, put, slow, handed, halfForm := s.dial(t), s.dial(t), s.dial(t), s.dial(t), s.dial(t), s.dial(t), s.dial(t)
	halfForm.send(form("hello")[:len(form("hello"))-2])
	used.send(get("a"))
	used.expect("GET /v1/a ", true)
	slow.send(get("slow"))
	handed.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	<-arrived
	for len(s.all()) < 6 { // all but handed
		time.Sleep(time.Millisecond)
	}

	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	for !s.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	late.send(get("late"))
	put.send(putHi)
	halfForm.send("lo")
	if res := put.expect("PUT /v1/a hi", false); !res.Close {
		t.Error("the connection stays open")
	}
	if res := late.expect("GET /v1/late ", true); !res.Close {
		t.Error("the connection stays open")
	}
	if res := halfForm.expect("POST /v1/a hello", true); !res.Close {
		t.Error("the connection stays open")
	}
	idle.expectEnd()
	used.expectEnd()
	if err := <-s.done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("it accepts connections")
	}
	select {
	case err := <-stopped:
		t.Errorf("it stopped before the requests in progress: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if res := slow.expect("GET /v1/slow ", true); !res.Close {
		t.Error("the connection stays open")
	}
	handed.expect("GET /slow ", false)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestShutdownOfHanded checks that idle connections that were handed over, of HTTP/1.1 and HTTP/2,
// may send a last request while the server stops, and that nothing waits for them longer.
func TestShutdownOfHanded(t *testing.T) {
	certificates := httptest.NewUnstartedServer(nil)
	certificates.StartTLS()
	defer certificates.Close()
	for _, config := range []*tls.Config{nil, {Certificates: certificates.TLS.Certificates}} {
		s := start(t, echoed, config, nil)
		s.last = time.Minute // the connections end it
		var c client
		request := func() (closes bool) {
			res, err := certificates.Client().Post("https://"+s.addr+"/v1/a", "", strings.NewReader("hi"))
			if err != nil || res.ProtoMajor != 2 {
				t.Fatal(res, err)
			}
			return res.Body.Close() != nil // HTTP/2 has a frame for it
		}
		if config == nil {
			c = s.dial(t)
			request = func() bool {
				c.send(putHi)
				return c.expect("PUT /v1/a hi", false).Close
			}
		} else {
			transport := certificates.Client().Transport.(*http.Transport)
			transport.ForceAttemptHTTP2 = true
			defer transport.CloseIdleConnections()
		}
		if request() {
			t.Error("the connection ends before the server stops")
		}
		stopped := make(chan error, 1)
		go func() { stopped <- s.Shutdown(context.Background()) }()
		select {
		case err := <-stopped:
			t.Fatalf("it stopped before the last request: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		if closes := request(); config == nil && !closes {
			t.Error("the connection stays open")
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}
}

// putHi is a request that net/http handles.
const putHi = "PUT /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"

// shutdown starts to stop a server, and fails if that ends before a last request was answered.
func (r running) shutdown(t *testing.T) (stopped chan error) {
	t.Helper()
	stopped = make(chan error, 1)
	go func() { stopped <- r.Shutdown(context.Background()) }()
	select {
	case <-r.end:
		t.Error("nothing can be handed over any more")
	case <-time.After(50 * time.Millisecond):
	}
	return stopped
}

// TestShutdownDuringResponse checks that a client which gets a response when the server begins to
// stop may send a last request, to net/http too: the response did not say that the connection ends.
func TestShutdownDuringResponse(t *testing.T) {
	large := make([]byte, 8<<20)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Write(large)
			return
		}
		echoed(w, r)
	}), nil, nil)
	s.last = time.Minute // the connection ends it
	c := s.dial(t)
	c.send(get("a"))
	if _, err := c.in.Peek(1); err != nil {
		t.Fatal(err)
	}
	stopped := s.shutdown(t)
	if res := c.expect(string(large), false); res.Close {
		t.Error("the connection ends, although the server did not stop yet")
	}
	c.send(putHi)
	if res := c.expect("PUT /v1/a hi", false); !res.Close {
		t.Error("the connection stays open")
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestShutdownWhileHandingOver checks that a connection which net/http has just received, and does
// not know yet, gets its response.
func TestShutdownWhileHandingOver(t *testing.T) {
	received, release := make(chan struct{}), make(chan struct{})
	s := start(t, echoed, nil, func(s *http.Server) {
		s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
			close(received)
			<-release
			return ctx
		}
	})
	c := s.dial(t)
	c.send(putHi)
	<-received
	stopped := s.shutdown(t)
	close(release)
	c.expect("PUT /v1/a hi", false)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestShutdownWithQueue checks that connections which the server has not accepted yet get their
// responses: at a busy time, all new ones wait in the system's queue.
func TestShutdownWithQueue(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := running{New(connections.Server(echoed), refuseAsNetHTTP), l.Addr().String(), make(chan error, 1)}
	t.Cleanup(func() { s.Close() })
	s.listener = connections.Limit(l, 20)
	plain, put := s.dial(t), s.dial(t)
	plain.send(get("a"))
	put.send(putHi)
	go func() { s.done <- s.http.Serve(handedListener{s.Server, l.Addr()}) }()
	close(s.accepted) // accept has not seen them
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	if res := plain.expect("GET /v1/a ", true); !res.Close {
		t.Error("the connection stays open")
	}
	if res := put.expect("PUT /v1/a hi", false); !res.Close {
		t.Error("the connection stays open")
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestHurry checks that a connection which was handed over keeps the limits of net/http when the
// server stops, and that the handshake of one which is new does not delay the stop.
func TestHurry(t *testing.T) {
	s := start(t, echoed, nil, nil)
	s.last = -time.Second // a deadline that has passed
	c := s.dial(t)
	for len(s.all()) == 0 {
		time.Sleep(time.Millisecond)
	}
	live := s.all()
	c.send(putHi[:len(putHi)-2])
	for s.open.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	for here := range live {
		here.hurry()
	}
	c.send("hi")
	c.expect("PUT /v1/a hi", false)

	late := start(t, echoed, &tls.Config{}, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute })
	late.last = time.Millisecond
	late.draining.Store(true)
	late.dial(t).expectEnd()
}

// TestShutdownEnds checks that Shutdown ends with its context, and that Close ends what is left.
func TestShutdownEnds(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(arrived); <-release }), nil, nil)
	c := s.dial(t)
	c.send(get("a"))
	<-arrived
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	c.expectEnd()
	close(release)
	if err := s.Serve(nilListener{}); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

type nilListener struct{ net.Listener }

func (nilListener) Close() error { return nil }

// TestFailingListener checks that Serve returns the error of its listener.
func TestFailingListener(t *testing.T) {
	want := errors.New("broken")
	s := New(connections.Server(echoed), refuseAsNetHTTP)
	if err := s.Serve(brokenListener{err: want}); !errors.Is(err, want) {
		t.Error(err)
	}
}

type brokenListener struct {
	net.Listener
	err error
}

func (l brokenListener) Accept() (net.Conn, error) { return nil, l.err }
func (brokenListener) Close() error                { return nil }
func (brokenListener) Addr() net.Addr              { return &net.TCPAddr{} }

// TestTLS checks HTTP/1.1 with and without ALPN, HTTP/2, and a client without TLS.
func TestTLS(t *testing.T) {
	certificates := httptest.NewUnstartedServer(nil)
	certificates.StartTLS()
	defer certificates.Close()
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || !r.TLS.HandshakeComplete {
			t.Errorf("%s %s: no TLS", r.Proto, r.URL)
		}
		if r.ProtoMajor == 2 {
			set(w, "X-Two", "yes")
		}
		echoed(w, r)
	}), &tls.Config{Certificates: certificates.TLS.Certificates}, nil)
	for _, protocols := range [][]string{nil, {"http/1.1"}} {
		over, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
		if err != nil {
			t.Fatal(err)
		}
		defer over.Close()
		c := client{over, t, bufio.NewReader(over)}
		c.send(get("a") + "GET /v1/%61 HTTP/1.1\r\nHost: a\r\n\r\n" + get("b") + "GET /v1/%z HTTP/1.1\r\nHost: a\r\n\r\n")
		c.expect("GET /v1/a ", true)
		c.expect("GET /v1/%61 ", false)
		c.expect("GET /v1/b ", false)
		if res := c.expect("", false); res.StatusCode != 400 || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%+v", res)
		}
		c.expectEnd()
	}
	two := http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	res, err := two.Get("https://" + s.addr + "/v1/a")
	if err != nil || res.ProtoMajor != 2 || res.Header.Get("X-Two") == "" {
		t.Fatalf("%+v %v", res, err)
	}
	res.Body.Close()
	two.CloseIdleConnections()
	c := s.dial(t)
	c.send(get("a"))
	if res, err := http.ReadResponse(c.in, nil); err != nil || res.StatusCode != 400 {
		t.Errorf("without TLS: %+v %v", res, err)
	}
}

// TestContext checks what a request's context has, and that it ends with the connection.
func TestContext(t *testing.T) {
	seen := make(chan context.Context, 1)
	s := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Context() }), nil, nil)
	c := s.dial(t)
	c.send(get("a"))
	ctx := <-seen
	if ctx.Value(http.ServerContextKey) != s.http || ctx.Value(http.LocalAddrContextKey).(net.Addr).String() != s.addr || ctx.Err() != nil {
		t.Errorf("%v", ctx)
	}
	c.Close()
	<-ctx.Done()
}
