package engines

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy is in front of an engine. It counts round trips, and loses replies if a test wants it to.
type Proxy struct {
	Addr string // host:port

	target   atomic.Pointer[string]
	listener net.Listener
	trips    atomic.Int64
	lose     atomic.Int64 // bytes of replies until a connection is cut, on the average; 0: never
	delay    atomic.Int64 // of replies, in nanoseconds
	sent     atomic.Pointer[func([]byte)]

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// NewProxy starts a proxy in front of an address. It ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	p := &Proxy{Addr: l.Addr().String(), listener: l, conns: map[net.Conn]struct{}{}}
	p.Lead(target)
	t.Cleanup(func() { l.Close(); p.Cut() })
	go p.accept()
	return p
}

// RoundTrips returns how many bursts of requests have been sent: what a client sends until it gets
// a reply is one. So calls that share a pipeline share round trips. A PING that is alone is not
// counted: drivers send it to test idle connections.
func (p *Proxy) RoundTrips() int64 { return p.trips.Load() }

// Observe makes the proxy call fn with what a client has sent, before the engine gets it. That is
// one command, or several if they were sent together. fn is called concurrently.
func (p *Proxy) Observe(fn func(sent []byte)) { p.sent.Store(&fn) }

// LoseReplies makes the proxy cut each connection in the midst of its replies, after so many bytes
// of them on the average. The engine has executed the commands before. 0 ends that.
func (p *Proxy) LoseReplies(bytes int) { p.lose.Store(int64(bytes)) }

// Delay makes each reply late.
func (p *Proxy) Delay(d time.Duration) { p.delay.Store(int64(d)) }

// Lead leads new connections to another address. Those that are open remain.
func (p *Proxy) Lead(target string) { p.target.Store(&target) }

// Cut closes all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go p.serve(client)
		}
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", *p.target.Load())
	if err != nil {
		return
	}
	defer server.Close()
	p.keep(client, server)
	defer p.forget(client, server)
	var asked atomic.Bool // whether the client has sent something since the last reply
	go func() {
		defer server.Close()
		p.forward(client, server, func(b []byte) {
			if !bytes.Equal(b, []byte("*1\r\n$4\r\nPING\r\n")) && !asked.Swap(true) {
				p.trips.Add(1)
			}
			if fn := p.sent.Load(); fn != nil {
				(*fn)(b)
			}
		})
	}()
	p.reply(server, client, &asked)
}

func (p *Proxy) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
}

func (p *Proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
	}
}

// forward copies what a client sends.
func (p *Proxy) forward(from, to net.Conn, seen func([]byte)) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			seen(b[:n])
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// reply copies what a server sends, until the connection is to be cut.
func (p *Proxy) reply(from, to net.Conn, asked *atomic.Bool) {
	b := make([]byte, 64<<10)
	left := int64(-1)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if mean := p.lose.Load(); mean > 0 && left < 0 {
			left = rand.Int64N(2 * mean)
		} else if mean == 0 {
			left = -1
		}
		if d := p.delay.Load(); d > 0 {
			time.Sleep(time.Duration(d))
		}
		asked.Store(false)
		if left >= 0 && int64(n) > left {
			_, _ = to.Write(b[:left])
			p.drain(from)
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
		if left >= 0 {
			left -= int64(n)
		}
	}
}

// drain reads until the server has nothing more to reply: it has executed what it got.
func (p *Proxy) drain(server net.Conn) {
	b := make([]byte, 64<<10)
	for {
		_ = server.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
		if _, err := server.Read(b); err != nil {
			return
		}
	}
}
