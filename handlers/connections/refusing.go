package connections

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// Refusing returns l with connections on which refuse responds to malformed requests, instead of
// net/http. Its own response has none of the headers of other responses, and is not a script. l
// must not be one of TLS: see [Handed].
func Refusing(l net.Listener, refuse Refuser) net.Listener { return &refusingListener{l, refuse} }

type refusingListener struct {
	net.Listener
	refuse Refuser
}

func (l *refusingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &refusingConn{Conn: c, refuse: l.refuse}, nil
}

// Handed returns a connection for net/http from which another server has read the bytes in read,
// but no whole request. The rest of that request must arrive until the given time. As in
// [Refusing], refuse responds to malformed requests. c may be a [tls.Conn] with HTTP/1.1.
func Handed(c net.Conn, read []byte, until time.Time, refuse Refuser) net.Conn {
	handed := &refusingConn{Conn: c, refuse: refuse, unread: read, until: until}
	if over, ok := c.(*tls.Conn); ok {
		return secureConn{handed, over}
	}
	return handed
}

// secureConn is a refusingConn over TLS. net/http asks it for the state of TLS.
type secureConn struct {
	*refusingConn
	tls *tls.Conn
}

func (c secureConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// refusingConn is a connection of HTTP/1.1 that replaces net/http's responses to malformed
// requests. Its memory of the request line costs 1.5 KB of copying for each request.
type refusingConn struct {
	net.Conn
	refuse Refuser
	unread []byte    // still to be read, before the bytes of Conn
	until  time.Time // no read deadline is later, until something is written; zero: any may be

	mu      sync.Mutex
	request requestLine
}

// Read implements [net.Conn]. It keeps the request line.
func (c *refusingConn) Read(b []byte) (n int, err error) {
	if len(c.unread) > 0 {
		n = copy(b, c.unread)
		if c.unread = c.unread[n:]; len(c.unread) == 0 {
			c.unread = nil // its memory, up to 8 KiB
		}
	} else {
		n, err = c.Conn.Read(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.request.read(b[:n])
	return n, err
}

// SetReadDeadline implements [net.Conn].
func (c *refusingConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	if !c.until.IsZero() && t.After(c.until) {
		t = c.until
	}
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

// Write implements [net.Conn].
func (c *refusingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(c.respond(b))
	return min(n, len(b)), err
}

// respond returns what is written instead of b: the refusal of a malformed request, or b itself.
func (c *refusingConn) respond(b []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.request.answered()
	c.until = time.Time{}
	if why, malformed := asMalformed(b); malformed {
		return refusal(c.refuse, c.request.parse(c.RemoteAddr()), why)
	}
	return b
}

// CloseWrite closes the sending side, as that of limitedConn.
func (c *refusingConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
