package handlers

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/handlers/connections"
	"stile.example/stile/handlers/plain"
)

// serve starts a real server with at most n connections.
func serve(t *testing.T, h http.Handler, n int) (addr string) {
	t.Helper()
	return serveBy(t, h, func(w http.ResponseWriter, _ *http.Request, why connections.Malformed) { w.WriteHeader(why.Status) }, n)
}

// serveBy is serve with a refuser.
func serveBy(t *testing.T, h http.Handler, refuse connections.Refuser, n int) (addr string) {
	t.Helper()
	server := plain.New(connections.Server(h), refuse)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- server.Serve(connections.Limit(l, n)) }()
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

// TestS23Sizes checks 20 kB of headers, a body of 2 MB, and many parameters.
func TestS23Sizes(t *testing.T) {
	s := newSite(t)
	addr := serve(t, s.handler, 10)
	form := "Host: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	for want, text := range map[string]string{
		"431": "GET /v1/items HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 20_000) + "\r\n\r\n",
		"401": "GET /v1/items HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 15_000) + "\r\n\r\n",
		"413": "POST /v1/items HTTP/1.1\r\n" + form + "Content-Length: 2000000\r\n\r\n" + strings.Repeat("x", 20_000),
		"400": "POST /v1/items HTTP/1.1\r\n" + form + "Content-Length: 16000\r\n\r\n" + strings.Repeat("x&", 8_000),
	} {
		if got := exchange(t, dial(t, addr), text); got != want {
			t.Errorf("%.60q…: %s, want %s", text, got, want)
		}
	}
}

// TestRequestTimeoutIsShorter checks that a refusal after requestTimeout can still be written.
func TestRequestTimeoutIsShorter(t *testing.T) {
	if requestTimeout >= connections.Server(nil).WriteTimeout {
		t.Error("a refusal after requestTimeout could not be written")
	}
}

// hanging is content that does not respond in time.
type hanging struct{ *corpus }

func (hanging) Search(ctx context.Context, _ content.Query) (content.Page, error) {
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > requestTimeout+50*time.Millisecond || ctx.Err() != nil {
		return content.Page{}, nil
	}
	return content.Page{}, context.DeadlineExceeded
}

// TestRequestTimeout checks that a query ends after requestTimeout, and not when the visitor
// leaves, and that the response is overloaded then.
func TestRequestTimeout(t *testing.T) {
	s := newSite(t)
	s.Content = hanging{s.corpus}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequest("GET", with("/v1/items", good(s)...), nil).WithContext(ctx)
	rec := httptest.NewRecorder()
	s.Routes().ServeHTTP(rec, req)
	if rec.Code != 503 || !strings.Contains(rec.Body.String(), `"code":"overloaded"`) || s.Meter.Used(1, s.now) != 0 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestConcurrentRequests checks that concurrent requests, whose memory is reused, do not mix.
func TestConcurrentRequests(t *testing.T) {
	s := newSite(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			token := s.mint()
			for n := 1; n <= 50; n++ {
				rec := s.do(ask{path: with("/v1/items/one", "client_id", "acme", "access_token", token, "callback", "cb")})
				if !strings.Contains(rec.Body.String(), `"token":{"calls":`+strconv.Itoa(n)+`,`) {
					t.Errorf("call %d: %s", n, rec.Body)
				}
				if rec := s.get("/v1/items/none", token+"x"); rec.Code != 401 {
					t.Errorf("%d %s", rec.Code, rec.Body)
				}
			}
		})
	}
	wg.Wait()
}
