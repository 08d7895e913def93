package connections

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Limits of HTTP/2, in addition to those of [Server].
const (
	maxStreams  = 32              // concurrent requests on a connection; a page makes about 10
	writeWithin = 5 * time.Second // for a write to progress

	// slowStream is how long a stream may take without being slow: a response is ready within 5 s,
	// so only its delivery can take longer.
	slowStream = 7 * time.Second
)

// streams is what a connection stores about its streams in HTTP/2, in order to end when they were
// slow. The zero value is for a connection of HTTP/1.1.
type streams struct {
	known bool      // the protocol is negotiated
	on    bool      // it is HTTP/2, and the client has sent its preface
	last  time.Time // when the newest stream started
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

// connOf returns the connection under TLS, or nil.
func connOf(c net.Conn) *limitedConn {
	if t, ok := c.(*tls.Conn); ok {
		p, _ := t.NetConn().(*limitedConn)
		return p
	}
	return nil
}

// followStreams is called by net/http when the first stream of a connection starts and when the
// last one ends. In HTTP/1.1 it does nothing.
func followStreams(c net.Conn, state http.ConnState) {
	if state != http.StateActive && state != http.StateIdle {
		return
	}
	p := connOf(c)
	if p == nil || !p.multiplexed(c.(*tls.Conn)) {
		return
	}
	if state == http.StateActive {
		p.streamStarted(time.Now())
	} else {
		p.streamsEnded(time.Now())
	}
}

// multiplexed reports whether the connection uses HTTP/2. Its first call is when the client has
// sent the preface; it then removes the deadline of the handshake.
func (c *limitedConn) multiplexed(t *tls.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams.known {
		return c.streams.on
	}
	c.streams.known, c.streams.on = true, t.ConnectionState().NegotiatedProtocol == "h2"
	if c.streams.on {
		_ = c.Conn.SetReadDeadline(time.Time{}) // fails only where reading fails too
	}
	return c.streams.on
}

// StreamStarted records that a request's stream in HTTP/2 started. ctx is the request's.
func StreamStarted(ctx context.Context, now time.Time) {
	if c, ok := ctx.Value(connKey{}).(*limitedConn); ok {
		c.streamStarted(now)
	}
}

// streamStarted records that a stream started.
func (c *limitedConn) streamStarted(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams.last = now
}

// streamsEnded ends the connection if its newest stream was slow: net/http has reset the stream,
// and would wait for another one.
func (c *limitedConn) streamsEnded(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.streams.last) >= slowStream {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}
