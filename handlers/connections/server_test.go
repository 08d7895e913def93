package connections

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// serve starts a real server with at most n connections.
func serve(t *testing.T, h http.Handler, n int) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := Server(h)
	done := make(chan error)
	go func() { done <- server.Serve(Limit(l, n)) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// exchange sends text and returns the status line of what comes back.
func exchange(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	c.SetDeadline(time.Now().Add(30 * time.Second)) // only to give up
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res.Status[:3]
}

// TestLimit checks that a connection over the limit waits until another one ends.
func TestLimit(t *testing.T) {
	addr := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), 1)
	const ping = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
	first, second := dial(t, addr), dial(t, addr)
	if got := exchange(t, first, ping); got != "200" {
		t.Fatal(got)
	}
	answered := make(chan string)
	go func() { answered <- exchange(t, second, ping) }()
	select {
	case got := <-answered:
		t.Fatalf("the second got %s while the first was open", got)
	default:
	}
	first.Close()
	if got := <-answered; got != "200" {
		t.Error(got)
	}
}

// TestLimitCloses checks that a listener at its limit can be closed.
func TestLimitCloses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	full := Limit(l, 1)
	dial(t, l.Addr().String())
	if _, err := full.Accept(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { _, err := full.Accept(); done <- err }()
	full.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	full.Close()
}

// TestCloseLast checks that a listener which is closed returns the connections that wait, within
// its limit and without one that its client has reset, and that their slots are released.
func TestCloseLast(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := Limit(l, 3).(*limitListener)
	left := dial(t, l.Addr().String())
	left.(*net.TCPConn).SetLinger(0) // so that it is reset
	left.Close()
	for range 3 {
		io.WriteString(dial(t, l.Addr().String()), "hi")
	}
	waiting, err := CloseLast(limited)
	if err != nil || len(waiting) != 2 {
		t.Fatal(waiting, err)
	}
	for _, c := range waiting {
		b := make([]byte, 2)
		if _, err := io.ReadFull(c, b); string(b) != "hi" || err != nil {
			t.Errorf("%q %v", b, err)
		}
		c.Close()
	}
	if n := len(limited.slots); n > 0 {
		t.Errorf("%d slots are taken", n)
	}
	if _, err := CloseLast(limited); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := CloseLast(l); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// TestSlowClientsEnd checks that every timeout is set and under 10 s.
func TestSlowClientsEnd(t *testing.T) {
	server := Server(nil)
	for name, d := range map[string]time.Duration{
		"ReadTimeout":  server.ReadTimeout, // for the header too, which has no timeout of its own
		"WriteTimeout": server.WriteTimeout, "IdleTimeout": server.IdleTimeout,
	} {
		if d <= 0 || d >= 10*time.Second {
			t.Errorf("%s is %v", name, d)
		}
	}
}
