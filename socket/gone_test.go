package socket

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// TestUntilGone checks that an operation ends with its command, even if it has not read what the
// command sent.
func TestUntilGone(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	began, ended := make(chan bool), make(chan bool)
	srv := &http.Server{ConnContext: withConn, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx, stop := untilGone(r)
		defer stop()
		began <- true
		<-ctx.Done()
		ended <- true
	})}
	go srv.Serve(l)
	defer srv.Close()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(c)
	fmt.Fprint(w, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome of it")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	<-began
	select {
	case <-ended:
		t.Fatal("it ended while the command was there")
	case <-time.After(2 * goneEvery):
	}
	c.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("it continues for a command that is gone")
	}
}
