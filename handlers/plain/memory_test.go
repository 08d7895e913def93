package plain

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"stile.example/stile/handlers/connections"
)

// memoryConn is a connection whose client has sent everything, and nothing more follows.
type memoryConn struct {
	in  *bytes.Reader
	mu  sync.Mutex
	out bytes.Buffer
	end chan struct{} // closed with the connection
	one sync.Once
}

func newMemoryConn(sent []byte) *memoryConn {
	return &memoryConn{in: bytes.NewReader(sent), end: make(chan struct{})}
}

func (c *memoryConn) Read(b []byte) (int, error) { return c.in.Read(b) }
func (c *memoryConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(b)
}

// written waits for the end of the connection, and returns everything that the server wrote.
func (c *memoryConn) written() []byte {
	<-c.end
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.out.Bytes())
}

func (c *memoryConn) Close() error                     { c.one.Do(func() { close(c.end) }); return nil }
func (c *memoryConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
func (c *memoryConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 1} }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

// memoryListener accepts connections that a test sends.
type memoryListener struct {
	conns chan net.Conn
	end   chan struct{}
	once  sync.Once
}

func newMemoryListener() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), end: make(chan struct{})}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.end:
		return nil, net.ErrClosed
	}
}
func (l *memoryListener) Close() error   { l.once.Do(func() { close(l.end) }); return nil }
func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{} }

// server is what both servers have in common.
type server interface {
	Serve(net.Listener) error
	Close() error
}

// exchanger exchanges bytes with a server in memory.
type exchanger struct{ l *memoryListener }

func newExchanger(t testing.TB, s server) exchanger {
	l := newMemoryListener()
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return exchanger{l}
}

// exchange sends everything at once, and returns everything that the server writes.
func (e exchanger) exchange(sent []byte) []byte {
	c := newMemoryConn(sent)
	e.l.conns <- c
	return c.written()
}

// both returns both servers for a handler, each in memory.
func both(t testing.TB, h http.Handler) (ours, netHTTP exchanger) {
	return newExchanger(t, New(connections.Server(h), refuseAsNetHTTP)), newExchanger(t, connections.Server(h))
}

// refuseAsNetHTTP is a refuser that says what net/http would.
func refuseAsNetHTTP(w http.ResponseWriter, _ *http.Request, why connections.Malformed) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(why.Status)
	io.WriteString(w, why.Reason)
}
