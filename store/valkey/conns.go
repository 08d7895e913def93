package valkey

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// dialError says that there was no connection, so nothing was sent.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// conns knows the open connections, so that they can be closed when the server at their other end
// turns out to be the wrong one. The zero value is ready.
type conns struct {
	mu      sync.Mutex
	open    map[*conn]struct{}
	dropped time.Time
	last    string        // address of the last connection
	dials   atomic.Uint64 // changes with each new connection, so perhaps to another server
}

type conn struct {
	net.Conn
	all *conns
}

// dial connects for rueidis. The TLS handshake is part of it, so that its errors are certain too.
func (c *conns) dial(ctx context.Context, address string, d *net.Dialer, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	var raw net.Conn
	var err error
	if config != nil {
		raw, err = (&tls.Dialer{NetDialer: d, Config: config}).DialContext(ctx, "tcp", address)
	} else {
		raw, err = d.DialContext(ctx, "tcp", address)
	}
	if err != nil {
		if _, named := errors.AsType[*net.OpError](err); !named { // such as an error of TLS
			err = fmt.Errorf("connect to %s: %w", address, err)
		}
		return nil, &dialError{err}
	}
	c.dials.Add(1)
	n := &conn{raw, c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[*conn]struct{}{}
	}
	c.open[n], c.last = struct{}{}, address
	return n, nil
}

func (n *conn) Close() error {
	n.all.mu.Lock()
	delete(n.all.open, n)
	n.all.mu.Unlock()
	return n.Conn.Close()
}

// drop closes all connections, at most once in a second. Calls on them end with ErrUnknown.
func (c *conns) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.dropped) < time.Second {
		return
	}
	c.dropped = time.Now()
	for n := range c.open {
		_ = n.Conn.Close()
	}
	clear(c.open)
}

// latest returns the address of the last connection, "" if there was none.
func (c *conns) latest() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

func (c *conns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}
