// Package connections serves HTTP over connections that are limited in number
// and in time, in HTTP/1.1 and HTTP/2.
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

// Max is how many connections a public listener should hold at
// once, for [Limit]. One that is idle costs some 12 KB.
const Max = 16_384

// Server is an HTTP server for h that gives nobody more than some seconds:
// whoever sends a header or a body slowly, reads slowly, or just sits there is
// gone within 10 s. Headers are at most 16 KiB; larger ones get 431 from
// net/http itself, which knows nothing of callbacks.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:        h,
		ReadTimeout:    8 * time.Second, // header and body; a limit of the header's own would cost a call two timers
		WriteTimeout:   9 * time.Second, // from the header's end to the answer's
		IdleTimeout:    8 * time.Second, // as the next request's time: then the deadline need not be moved
		MaxHeaderBytes: 12 << 10,        // net/http adds 4 KiB
		// Its lines name addresses and quote what was sent; what matters of
		// them is in the metrics and in our own log.
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

// Limit is l with at most n connections at once. More wait in the system's
// queue until one ends.
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
	return &limitedConn{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
