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

// TestLimit: the connection over the limit waits until another has ended.
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
		t.Fatalf("the second was answered %s beside the first", got)
	default:
	}
	first.Close()
	if got := <-answered; got != "200" {
		t.Error(got)
	}
}

// TestLimitCloses: a listener that is full can be closed.
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

// TestSlowClientsEnd: every limit on time is set, and none is over 10 s.
func TestSlowClientsEnd(t *testing.T) {
	server := Server(nil)
	for name, d := range map[string]time.Duration{
		"ReadTimeout":  server.ReadTimeout, // for the header too, since that has none of its own
		"WriteTimeout": server.WriteTimeout, "IdleTimeout": server.IdleTimeout,
	} {
		if d <= 0 || d >= 10*time.Second {
			t.Errorf("%s is %v", name, d)
		}
	}
	if server.ReadHeaderTimeout != 0 {
		t.Error("a limit of the header's own costs each call two timers")
	}
}
