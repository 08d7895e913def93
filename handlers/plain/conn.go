package plain

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"stile.example/stile/handlers/connections"
)

const (
	bufferSize = 4 << 10 // of a connection; a larger request gets maxSize
	maxReads   = 8       // for one request: in more pieces it is handed over
)

// conn is a connection that is not handed over.
type conn struct {
	server *Server
	raw    net.Conn
	net    net.Conn     // raw, or over TLS
	blank  http.Request // what all requests of the connection have in common

	buf     []byte      // what was read, and not handled yet
	ends    int         // how many bytes of line ends are ignored before the next request
	reading atomic.Bool // it waits for a request or for the rest of one, or may do so soon
}

// serve serves requests until the connection is closed or handed over.
func (c *conn) serve() {
	ctx, cancel := context.WithCancel(context.WithValue(c.server.base, http.LocalAddrContextKey, c.raw.LocalAddr()))
	defer cancel()
	defer c.server.forget(c)
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				c.server.http.ErrorLog.Printf("panic: %v\n%s", p, debug.Stack())
			}
			c.net.Close()
		}
	}()
	if c.server.tls != nil && !c.secure(ctx) {
		c.server.handOver(c, c.net)
		return
	}
	c.blank = *c.blank.WithContext(ctx)
	c.blank.RemoteAddr = c.raw.RemoteAddr().String()
	for {
		n, since, v := c.next()
		if v == partial { // and nothing more comes
			c.net.Close()
			return
		}
		r := requests.Get().(*request)
		r.Request = c.blank
		if v == other || !parse(string(c.buf[:n]), r) || !c.readBody(n, r, since) {
			until := since.Add(c.server.http.ReadTimeout)
			c.server.handOver(c, connections.Handed(c.net, c.buf, until, c.server.refuse))
			return
		}
		c.reading.Store(false)
		c.drop(n + int(r.ContentLength))
		if r.ContentLength > 0 {
			c.ends = maxEnds
		}
		if !c.respond(r, since) {
			c.net.Close()
			return
		}
		r.clear() // while it waits, a connection keeps nothing of up to 20 KB
		requests.Put(r)
	}
}

// secure begins TLS, and reports whether the connection continues in HTTP/1.1. A connection whose
// handshake fails is handed over too: net/http responds to a client that does not use TLS.
func (c *conn) secure(ctx context.Context) bool {
	over := tls.Server(c.raw, c.server.tls)
	c.net = over
	limit := time.Now().Add(min(c.server.http.ReadTimeout, c.server.http.WriteTimeout))
	c.readUntil(limit)
	_ = c.raw.SetWriteDeadline(limit) // fails only where writing fails too
	if over.HandshakeContext(ctx) != nil {
		return false
	}
	state := over.ConnectionState()
	c.blank.TLS = &state
	return state.NegotiatedProtocol == "" || state.NegotiatedProtocol == "http/1.1"
}

// next reads until buf begins with a whole head, of n bytes, or with something else. It returns
// partial if nothing more can be read in time. since is when the request began to arrive.
func (c *conn) next() (n int, since time.Time, v verdict) {
	if len(c.buf) > 0 {
		since = time.Now()
		n, v = c.classify()
	}
	for reads := 0; v == partial; reads++ {
		if reads == maxReads {
			return 0, since, other
		}
		c.await(since)
		if err := c.fill(); err != nil {
			if errors.Is(err, io.EOF) && len(c.buf) > 0 {
				return 0, since, other // net/http responds to a request that ends too early
			}
			return 0, since, partial
		}
		if since.IsZero() {
			since = time.Now()
		}
		n, v = c.classify()
	}
	return n, since, v
}

// maxEnds is how many bytes of line ends net/http ignores after a POST, for the sake of old
// clients.
const maxEnds = 4

// classify is [classify] for buf. It ignores what net/http would ignore.
func (c *conn) classify() (n int, v verdict) {
	if c.ends > 0 {
		c.dropEnds()
	}
	return classify(c.buf)
}

func (c *conn) dropEnds() {
	n := 0
	for n < min(c.ends, len(c.buf)) && (c.buf[n] == '\r' || c.buf[n] == '\n') {
		n++
	}
	c.drop(n)
	if c.ends -= n; len(c.buf) > 0 {
		c.ends = 0
	}
}

// readBody reads the body of a request whose head has n bytes. It reports false if the body is
// large, comes in many pieces or does not come: then net/http continues, and responds.
func (c *conn) readBody(n int, r *request, since time.Time) bool {
	if r.ContentLength == 0 {
		return true
	}
	end := n + int(r.ContentLength)
	for reads := 0; len(c.buf) < end; reads++ {
		if end > maxSize || reads == maxReads {
			return false
		}
		c.await(since)
		if c.fill() != nil {
			return false
		}
	}
	r.body.Reset(string(c.buf[n:end]))
	r.Body = &r.body
	return true
}

// await sets the deadline for reading: that of a request that began to arrive at since, or, for a
// zero since, the limit of an idle connection.
func (c *conn) await(since time.Time) {
	limit := since.Add(c.server.http.ReadTimeout)
	if since.IsZero() {
		limit = time.Now().Add(c.server.http.IdleTimeout)
	}
	c.readUntil(limit)
}

// readUntil sets the deadline for reading, an earlier one if the server stops.
func (c *conn) readUntil(limit time.Time) {
	_ = c.raw.SetReadDeadline(limit) // fails only where reading fails too
	if c.server.draining.Load() {
		c.hurry()
	}
}

// hurry ends the connection soon, unless it has a request.
func (c *conn) hurry() {
	if c.reading.Load() {
		_ = c.raw.SetReadDeadline(time.Now().Add(c.server.last))
	}
}

// fill reads once into buf. At least one byte is read unless there is an error.
func (c *conn) fill() error {
	have := len(c.buf)
	switch {
	case c.buf == nil:
		c.buf = make([]byte, 0, bufferSize)
	case have == cap(c.buf):
		c.buf = append(make([]byte, 0, maxSize), c.buf...)
	}
	n, err := c.net.Read(c.buf[have:cap(c.buf)])
	c.buf = c.buf[:have+n]
	if n > 0 {
		return nil
	}
	return err
}

// drop removes the first n bytes of buf. A large buffer is not kept for nothing.
func (c *conn) drop(n int) {
	rest := c.buf[n:]
	if cap(c.buf) > bufferSize && len(rest) <= bufferSize {
		c.buf = append(make([]byte, 0, bufferSize), rest...)
		return
	}
	c.buf = c.buf[:copy(c.buf, rest)]
}

// responses holds the memory of responses, for reuse.
var responses = sync.Pool{New: func() any { return &response{header: http.Header{}} }}

// respond calls the handler, writes its response, and reports whether the connection stays open.
func (c *conn) respond(r *request, since time.Time) bool {
	w := responses.Get().(*response)
	c.server.handler.ServeHTTP(w, &r.Request)
	c.reading.Store(true) // before draining is read: either Shutdown waits for c, or c is the last
	closing := w.closes() || c.server.draining.Load()
	// It fails only where writing fails too.
	_ = c.net.SetWriteDeadline(since.Add(c.server.http.WriteTimeout))
	_, err := c.net.Write(w.finish(time.Now(), closing))
	w.reset()
	responses.Put(w)
	return err == nil && !closing
}
