package connections

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// deadlineSlack is how much earlier than its deadline a connection may end. net/http sets five
// deadlines for each request. With the slack only two of them reach the connection, which saves 0.7
// µs, 2 % of a call.
const deadlineSlack = time.Second

// limitedConn is a connection that releases its slot when it is closed, and that moves a deadline
// only by more than deadlineSlack.
type limitedConn struct {
	net.Conn
	release func()

	mu          sync.Mutex
	read, write time.Time // the deadlines that are set; zero: none yet
	aborted     bool      // the read deadline is in the past, to end a pending read
	stuck       bool      // a write did not end in time
	streams     streams   // of HTTP/2
}

// SetReadDeadline implements [net.Conn]. In HTTP/1.1, net/http removes the deadline between two
// others. Here the last one stays then, so that no client can wait forever. HTTP/2 has a limit for
// each stream and none for the connection ([streams]).
func (c *limitedConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.streams.on:
		return nil
	case t.IsZero() && !c.aborted:
		return nil
	case t.IsZero():
		t = c.read
	case t.Unix() <= 1: // this is how net/http ends a pending read
		c.aborted = true
		return c.Conn.SetReadDeadline(t)
	case !c.aborted && near(t, c.read):
		return nil
	}
	c.read, c.aborted = t, false
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements [net.Conn].
func (c *limitedConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stuck || near(t, c.write) {
		return nil
	}
	c.write = t
	return c.Conn.SetWriteDeadline(t)
}

// Write implements [net.Conn]. After a write that did not end in time, all others fail immediately:
// crypto/tls would try for 5 s to send its closing alert.
func (c *limitedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.stuck = true
	}
	return n, err
}

// near reports whether the deadline that is set may stay instead of another.
func near(want, set time.Time) bool { return !set.After(want) && want.Sub(set) < deadlineSlack }

// CloseWrite closes the sending side, so that a client that is still sending can read why it was
// refused before the connection is reset.
func (c *limitedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
