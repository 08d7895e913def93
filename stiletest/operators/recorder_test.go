package operators

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// recorder is between a proxy and stile. It records what the proxy sends.
type recorder struct {
	t       testing.TB
	address string // where it listens
	to      string // stile's address

	mu       sync.Mutex
	listener net.Listener
	sent     bytes.Buffer
	open     map[net.Conn]bool
}

func newRecorder(t testing.TB, to string) *recorder {
	r := &recorder{t: t, address: fmt.Sprint("127.0.0.1:", freePort(t)), to: to, open: map[net.Conn]bool{}}
	r.listen()
	t.Cleanup(r.close)
	return r
}

// listen accepts connections, on the same port as before.
func (r *recorder) listen() {
	r.t.Helper()
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.listener, r.address = l, l.Addr().String()
	r.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()
}

// close refuses connections, as a machine does on which no program listens, and ends those that are
// open.
func (r *recorder) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listener.Close()
	for c := range r.open {
		c.Close()
	}
}

func (r *recorder) serve(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer to.Close()
	r.mu.Lock()
	r.open[from] = true
	r.mu.Unlock()
	go func() {
		io.Copy(from, to)
		from.Close()
	}()
	io.Copy(io.MultiWriter(r, to), from) // recorded before stile can respond
	r.mu.Lock()
	delete(r.open, from)
	r.mu.Unlock()
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent.Write(p)
}

// take returns what was recorded since the last call.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.sent.Reset()
	return r.sent.String()
}
