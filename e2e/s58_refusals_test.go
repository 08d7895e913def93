package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flood sends n requests without a token. The header function returns the headers of request n. It
// returns the references of the refusals.
func (s *server) flood(n int, code string, header func(n int) http.Header) (refs []string) {
	s.t.Helper()
	refs = make([]string, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				req, err := http.NewRequest("GET", s.URL+"/v1/items?client_id=acme", nil)
				if err == nil {
					req.Header = header(i)
					var a response
					if a, err = s.do(req); a.code() != code {
						s.t.Errorf("request %d: %s, %v", i, a.code(), err)
						return
					}
					refs[i] = a.Error.Ref
				}
				if err != nil {
					s.t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
	return refs
}

// sizes returns the sizes of the data and of the log, in bytes, after a restart that has written
// everything.
func (s *server) sizes() (data, log int) {
	s.t.Helper()
	s.must(s.Stop())
	data = s.dataSize()
	s.client.CloseIdleConnections()
	s.must(s.Start())
	return data, len(s.Log())
}

// checkGrowth stops the server, and checks how much the data and the log have grown.
func (s *server) checkGrowth(data, log, n int) {
	s.t.Helper()
	s.must(s.Stop())
	data, log = s.dataSize()-data, len(s.Log())-log
	s.t.Logf("%d refused requests: data %d KB, log %d KB", n, data>>10, log>>10)
	if data >= 1<<20 || log >= 1<<20 {
		s.t.Errorf("data %d, log %d bytes: want less than 1 MB each", data, log)
	}
}

// TestS58BlockedFlood: each request of a blocked address gets a response, and its connection is
// closed. All refusals in a minute share one row and one line of the log.
func TestS58BlockedFlood(t *testing.T) {
	s := newStrictServer(t, "")
	s.command("address", "block", "127.0.0.1", "--reason", "test")
	res, err := s.client.Get(s.URL + "/v1/items")
	s.must(err)
	res.Body.Close()
	if !res.Close || res.StatusCode != http.StatusForbidden {
		t.Errorf("the response to a blocked address: status %d, or its connection stays open", res.StatusCode)
	}
	data, log := s.sizes()
	const n = 4000
	start := time.Now()
	refs := s.flood(n, "address_blocked", func(int) http.Header { return nil })
	minutes := int(time.Since(start)/time.Minute) + 2
	if lines := strings.Count(s.Log(), `"msg":"refused"`); lines > 2*minutes {
		t.Errorf("%d lines in the log", lines)
	}
	shared := 0 // one of the two may be the first of its minute, which has a row of its own
	for _, ref := range []string{refs[n/2], refs[n-1]} {
		out := s.command("explain", ref)
		if !strings.Contains(out, "address_blocked") {
			t.Errorf("explain of a refusal:\n%s", out)
		}
		if strings.Contains(out, "refusals with the same address, tenant and code in that minute") {
			shared++
		}
	}
	if shared == 0 {
		t.Error("the refusals of a minute share no row")
	}
	s.checkGrowth(data, log, n)
}

// TestS58Floods: refusals of calls without a valid token share one line of the log for each
// address, code and minute. They don't displace the reference of another visitor's refusal.
func TestS58Floods(t *testing.T) {
	s := newStrictServer(t, trusting)
	s.command("address", "block", "203.0.113.9", "--reason", "test")
	data, log := s.sizes()
	a := s.mustGet("/v1/items", "invalid", "198.51.100.1")
	if a.code() != "token_invalid" {
		t.Fatalf("an invalid token: %s", a.code())
	}
	visitor := a.Error.Ref
	start := time.Now()
	const n = 15_000
	s.flood(n, "address_blocked", func(int) http.Header { return http.Header{"X-Forwarded-For": {"203.0.113.9"}} })
	s.flood(n, "token_missing", func(i int) http.Header {
		return http.Header{"X-Forwarded-For": {fmt.Sprint("192.0.", i%50, ".1")}}
	})
	minutes := int(time.Since(start)/time.Minute) + 2
	if lines := strings.Count(s.Log(), `"msg":"refused"`); lines > 2*51*minutes {
		t.Errorf("%d lines in the log", lines)
	}
	if out := s.command("explain", visitor); !strings.Contains(out, "token_invalid") || !strings.Contains(out, "198.51.100.0/24") {
		t.Errorf("another visitor's refusal was displaced: %s", out)
	}
	s.checkGrowth(data, log, 2*n)
}
