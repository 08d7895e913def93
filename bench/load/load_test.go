package load

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// server starts a server until the end of the test.
func server(t *testing.T, handler http.HandlerFunc) (addr string) {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func get(buf []byte, path string) []byte {
	return fmt.Appendf(buf, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
}

// TestClosed checks that each connection sends all its requests, and that large bodies arrive.
func TestClosed(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	large := strings.Repeat("x", 1<<18)
	addr := server(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.URL.Path]++
		mu.Unlock()
		w.Header().Set("Content-Length", fmt.Sprint(len(large)+len(r.URL.Path)))
		fmt.Fprint(w, r.URL.Path, large)
	})
	sent := make([]int, 3)
	p := Plan{Addr: addr, Conns: 3, Duration: time.Minute,
		Next: func(conn int, buf []byte) (request, want []byte) {
			if sent[conn]++; sent[conn] > 10+conn {
				return nil, nil
			}
			path := fmt.Sprintf("/%d", conn)
			return get(buf, path), []byte(path + large)
		}}
	r, err := p.RunAgainst(os.Getpid())
	if err != nil || r.Calls != 33 || r.Latencies.n != 33 {
		t.Fatalf("%d calls, %d latencies, %v", r.Calls, r.Latencies.n, err)
	}
	if seen["/0"] != 10 || seen["/1"] != 11 || seen["/2"] != 12 || len(seen) != 3 {
		t.Errorf("the server saw %v", seen)
	}
	if r.OwnCPU <= 0 || r.PerSecond() <= 0 || r.OwnCPUPerCall() <= 0 {
		t.Errorf("own CPU %v, %v calls/s", r.OwnCPU, r.PerSecond())
	}
}

// TestClosedEnds checks that a load ends after its duration, with a response to each request.
func TestClosedEnds(t *testing.T) {
	var mu sync.Mutex
	seen := 0
	addr := server(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		seen++
		mu.Unlock()
	})
	p := Plan{Addr: addr, Conns: 4, Duration: time.Second / 2, Next: func(_ int, buf []byte) ([]byte, []byte) { return get(buf, "/"), nil }}
	r, err := p.Run()
	mu.Lock()
	defer mu.Unlock()
	if err != nil || r.Calls == 0 || r.Calls != seen || r.Elapsed < p.Duration {
		t.Errorf("%d calls, %d seen, in %v, %v", r.Calls, seen, r.Elapsed, err)
	}
}

// TestOpen checks that a load at a constant rate sends all requests, and that a call which is late,
// because the server was busy, is measured from when it was due.
func TestOpen(t *testing.T) {
	var once sync.Once
	const pause = 200 * time.Millisecond
	addr := server(t, func(http.ResponseWriter, *http.Request) { once.Do(func() { time.Sleep(pause) }) })
	p := Plan{Addr: addr, Conns: 1, Rate: 200, Duration: 300 * time.Millisecond, Next: func(_ int, buf []byte) ([]byte, []byte) { return get(buf, "/"), nil }}
	r, err := p.Run()
	if err != nil || r.Calls != 60 {
		t.Fatalf("%d calls, want 60; %v", r.Calls, err)
	}
	// Those that were due in the first half of the pause waited for at least the other half.
	if third := r.Latencies.Percentile(0.7); third < pause/4 {
		t.Errorf("p70 is %v: late calls are not measured from when they were due", third)
	}
}

// TestUnexpected checks that what a server does wrong is an error.
func TestUnexpected(t *testing.T) {
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"status": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "unexpected status"},
		"body":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "no") }, "unexpected body"},
		"close":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "closed a connection"},
	} {
		p := Plan{Addr: server(t, tt.handler), Conns: 2, Duration: time.Minute, Next: func(_ int, buf []byte) ([]byte, []byte) { return get(buf, "/"), []byte("yes") }}
		if _, err := p.Run(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestOnlyThisMachine checks that a load goes to no other machine.
func TestOnlyThisMachine(t *testing.T) {
	for _, addr := range []string{"192.0.2.1:80", "[::1]:80", "localhost:80", ""} {
		if _, err := (Plan{Addr: addr, Conns: 1}).Run(); err == nil || !strings.Contains(err.Error(), "must be an IPv4 address of this machine") {
			t.Errorf("%q: %v", addr, err)
		}
	}
}
