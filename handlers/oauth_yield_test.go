package handlers

import (
	"net/url"
	"runtime"
	"sync/atomic"
	"testing"
)

// TestManyTokensYield checks that a request for 100 tokens lets others use the processor between
// its signatures. Otherwise a few such requests would delay every call.
func TestManyTokensYield(t *testing.T) {
	s := newSite(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var turns atomic.Int64
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			turns.Add(1)
			runtime.Gosched()
		}
	}()
	for turns.Load() == 0 {
		runtime.Gosched()
	}
	before := turns.Load()
	form := url.Values{"grant_type": {"client_credentials"}, "count": {"100"}, "client_id": {"acme"}, "client_secret": {s.secret}}
	rec := s.do(ask{method: "POST", path: "/oauth/token", body: form.Encode()})
	during := turns.Load() - before
	stop.Store(true)
	<-done
	if rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if during < 90 {
		t.Errorf("another goroutine had %d turns during 100 signatures, want at least 90", during)
	}
}
