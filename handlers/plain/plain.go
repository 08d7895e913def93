// Package plain serves plain GETs and forms of the content API, without the connection loop of
// net/http. That loop took a third of a call: it reads in the background while a handler waits, and
// copies, sorts and checks the headers of a response.
//
// A request is plain if its bytes are exactly as those that programs write: request.go has the
// grammar, a whitelist. At the first request that is not plain, the connection is handed over to
// net/http with the bytes that were read, and stays there. Handlers see these differences: a
// request's context does not end when the client leaves, its body has arrived, and a response can't
// be flushed, hijacked or given deadlines. The limit for a response includes the time in which its
// request arrived.
package plain

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"stile.example/stile/handlers/connections"
)

// Server serves the connections of one listener.
type Server struct {
	http    *http.Server // serves what is handed over, and has the limits of time
	handler http.Handler
	refuse  connections.Refuser
	base    context.Context // of all requests
	tls     *tls.Config     // nil: plain HTTP; net/http adds to its own

	last     time.Duration // see lastRequests
	open     atomic.Int64  // connections of net/http
	handing  atomic.Int64  // connections that net/http does not count yet
	draining atomic.Bool
	mu       sync.Mutex
	listener net.Listener       // nil before Serve
	accepted chan struct{}      // closed when accept has returned
	live     map[*conn]struct{} // connections that are not handed over
	closed   bool               // no connection may be added
	handed   chan net.Conn
	end      chan struct{} // closed when nothing can be handed over any more
	ended    sync.Once
}

// New returns a server that uses what s has: its handler, its limits of time, its configuration of
// TLS. refuse responds to malformed requests of HTTP/1.1.
func New(s *http.Server, refuse connections.Refuser) *Server {
	if c := s.TLSConfig; c != nil && !slices.Contains(c.NextProtos, "h2") {
		c.NextProtos = append(c.NextProtos, "h2", "http/1.1")
	}
	p := &Server{
		tls: s.TLSConfig.Clone(), http: s, handler: s.Handler, refuse: refuse, base: context.WithValue(context.Background(), http.ServerContextKey, s),
		last: lastRequests, live: map[*conn]struct{}{}, handed: make(chan net.Conn), end: make(chan struct{}), accepted: make(chan struct{}),
	}
	s.Handler, s.ConnState = http.HandlerFunc(p.serveHanded), p.count(s.ConnState)
	return p
}

// serveHanded handles a request of net/http. While the server stops, it is the last one of its
// connection.
func (s *Server) serveHanded(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	s.handler.ServeHTTP(w, r)
}

// count returns what follows the states of net/http's connections: it counts them, and calls next.
func (s *Server) count(next func(net.Conn, http.ConnState)) func(net.Conn, http.ConnState) {
	return func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.open.Add(1)
			s.handing.Add(-1)
		case http.StateClosed, http.StateHijacked:
			s.open.Add(-1)
		}
		if next != nil {
			next(c, state)
		}
	}
}

// Serve serves the connections of l until Shutdown or Close; then its error is
// [http.ErrServerClosed]. l must not be one of TLS. Serve may be called once.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errors.Join(http.ErrServerClosed, l.Close())
	}
	s.listener = l
	s.mu.Unlock()
	failed := make(chan error, 2)
	go func() { failed <- s.http.Serve(handedListener{s, l.Addr()}) }()
	go func() { failed <- s.accept(l) }()
	err := <-failed
	if s.draining.Load() {
		return http.ErrServerClosed
	}
	return errors.Join(err, s.Close())
}

// accept serves connections until l fails.
func (s *Server) accept(l net.Listener) error {
	defer close(s.accepted)
	const longest = time.Second
	var wait time.Duration
	for {
		c, err := l.Accept()
		var temporary interface{ Temporary() bool }
		switch {
		case err == nil:
			wait = 0
			s.start(c)
		case errors.As(err, &temporary) && temporary.Temporary(): // too many open files, as in net/http
			wait = min(max(2*wait, 5*time.Millisecond), longest)
			time.Sleep(wait)
		default:
			return err
		}
	}
}

// start serves a connection, unless the server is closed.
func (s *Server) start(nc net.Conn) {
	c := &conn{server: s, raw: nc, net: nc}
	c.reading.Store(true)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		nc.Close()
		return
	}
	s.live[c] = struct{}{}
	s.mu.Unlock()
	go c.serve()
}

// forget removes a connection that was closed or handed over.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, c)
}

// handOver gives a connection to net/http, as the connection to.
func (s *Server) handOver(c *conn, to net.Conn) {
	s.handing.Add(1)
	c.reading.Store(false) // after that: see mayHandOver. From now on, hurry changes nothing
	select {
	case s.handed <- to:
	case <-s.end:
		s.handing.Add(-1)
		to.Close()
	}
}

// handedListener is what net/http accepts connections from.
type handedListener struct {
	*Server
	addr net.Addr
}

func (l handedListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.handed:
		return c, nil
	case <-l.end:
		return nil, net.ErrClosed
	}
}

func (l handedListener) Close() error {
	l.ended.Do(func() { close(l.end) })
	return nil
}

func (l handedListener) Addr() net.Addr { return l.addr }

// Limits while the server stops.
const (
	// lastRequests is how long a connection without a request may still send one: a client that has
	// just sent it gets its response. net/http alone would close its idle connections, with requests
	// that have arrived.
	lastRequests = 250 * time.Millisecond
	pollEvery    = 2 * time.Millisecond
)

// Shutdown stops accepting connections, and waits for requests in progress until ctx ends. Then its
// error is that of ctx, and Close is needed.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	err := s.acceptLast()
	for c := range s.all() {
		c.hurry()
	}
	last, cancel := context.WithTimeout(ctx, s.last)
	defer cancel()
	s.wait(ctx, s.mayHandOver)
	s.wait(last, func() bool { return s.open.Load() > 0 }) // those may be about to send a request
	errs := make(chan error, 1)
	go func() { errs <- s.http.Shutdown(ctx) }()
	s.wait(ctx, func() bool { return len(s.all()) > 0 })
	return errors.Join(err, <-errs, ctx.Err())
}

// acceptLast closes the listener, and serves the connections that have arrived.
func (s *Server) acceptLast() error {
	s.mu.Lock()
	l := s.listener
	s.mu.Unlock()
	if l == nil {
		return s.stopAccepting()
	}
	waiting, err := connections.CloseLast(l)
	for _, c := range waiting {
		s.start(c)
	}
	<-s.accepted // it may just have accepted one
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(err, s.stopAccepting())
}

// stopAccepting closes the listener. No connection is served that was not served before.
func (s *Server) stopAccepting() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.listener == nil {
		return nil
	}
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// all returns the live connections.
func (s *Server) all() map[*conn]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := make(map[*conn]struct{}, len(s.live))
	for c := range s.live {
		live[c] = struct{}{}
	}
	return live
}

// mayHandOver reports whether a connection may still be handed over, or has just been. After
// [http.Server.Shutdown], net/http would close it.
func (s *Server) mayHandOver() bool {
	for c := range s.all() {
		if c.reading.Load() {
			return true
		}
	}
	return s.handing.Load() > 0
}

// wait waits as long as there are connections of a kind, or until ctx ends.
func (s *Server) wait(ctx context.Context, are func() bool) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for are() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Close closes all connections immediately.
func (s *Server) Close() error {
	s.draining.Store(true)
	err := errors.Join(s.stopAccepting(), s.http.Close())
	for c := range s.all() {
		err = errors.Join(err, c.raw.Close())
	}
	return err
}
