// Package connections serves HTTP/1.1 and HTTP/2 over connections that are limited in number and in
// time.
package connections

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Max is how many connections a public listener should accept at the same time, for [Limit]. After
// a request, an idle connection takes about 15 KB in handlers/plain and 22 KB in net/http.
const Max = 16_384

// Server returns an HTTP server for h that closes the connections of slow and idle clients within
// 10 s: of those that send a header or a body slowly, read slowly, or do nothing. Headers are at
// most 16 KiB. For larger ones net/http responds with 431: see [Refusing].
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:        h,
		ReadTimeout:    8 * time.Second, // for header and body, which is stricter than one for each
		WriteTimeout:   9 * time.Second, // from the end of the header; in handlers/plain, its start
		IdleTimeout:    8 * time.Second, // equal to ReadTimeout, so that the deadline stays
		MaxHeaderBytes: 12 << 10,        // net/http adds 4 KiB
		// The handler answers OPTIONS *, with the headers of every response.
		DisableGeneralOptionsHandler: true,
		// These lines contain addresses and quote requests. The metrics and the server's own log
		// contain what matters.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// ServerTLS is [Server] over TLS, with HTTP/2. A nil config means plain HTTP, in
// HTTP/1.1 only.
//
// An HTTP/2 connection is bounded as follows. A body must arrive within
// ReadTimeout, and a response must be taken within WriteTimeout, or the stream
// is reset; a connection whose newest stream was that slow is closed. Each write
// must progress within [writeWithin]. A connection without a stream for
// IdleTimeout gets GOAWAY and is closed 1 s later. The server sends no pings:
// they would not detect a lost client before these limits do.
func ServerTLS(h http.Handler, config *tls.Config) *http.Server {
	s := Server(h)
	if config == nil {
		return s
	}
	s.TLSConfig = config
	s.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          maxStreams,
		MaxReadFrameSize:              16 << 10, // the smallest that is valid: a request is smaller
		MaxReceiveBufferPerConnection: 64 << 10, // the smallest that is valid
		MaxReceiveBufferPerStream:     32 << 10, // a larger body is refused anyway
		WriteByteTimeout:              writeWithin,
	}
	s.ConnState = followStreams
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if p := connOf(c); p != nil {
			ctx = context.WithValue(ctx, connKey{}, p)
		}
		return ctx
	}
	return s
}

// Limit returns l with at most n connections at the same time. Others wait in the system's queue
// until one ends.
func Limit(l net.Listener, n int) net.Listener {
	return &limitListener{Listener: l, slots: make(chan struct{}, n), closed: make(chan struct{})}
}

type limitListener struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return l.limited(c), nil
}

// limited returns a connection that has a slot.
func (l *limitListener) limited(c net.Conn) net.Conn {
	return &limitedConn{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}
}

func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
