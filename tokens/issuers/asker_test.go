package issuers

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

func newAsker(i *idp) *Asker {
	return NewAsker(Place{Issuer: i.URL}, i.URL+"/introspect", "sti:le", "s%cret", quiet)
}

// TestAsker: how it asks, and that it asks once a minute.
func TestAsker(t *testing.T) {
	i := newIDP(t)
	i.serve("/introspect", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		fmt.Fprintf(w, `{"active":false,"said":"%s %s %s %s %s"}`, r.Method, r.PostFormValue("token"), r.PostFormValue("token_type_hint"), id, secret)
	})
	a := newAsker(i)
	for s := range 60 {
		text, err := a.Introspect("opa.que", noon.Add(time.Duration(s)*time.Second))
		if err != nil || string(text) != `{"active":false,"said":"POST opa.que access_token sti%3Ale s%25cret"}` {
			t.Fatalf("%s, %v", text, err)
		}
	}
	if n := i.count("/introspect"); n != 1 {
		t.Errorf("asked %d times in a minute", n)
	}
	a.Introspect("opa.que", noon.Add(time.Minute))
	a.Introspect("other", noon.Add(time.Minute))
	if n := i.count("/introspect"); n != 3 {
		t.Errorf("asked %d times of two tokens, and of one again", n)
	}
}

// TestAskerFaults: what is no answer is a fault, and is not remembered.
func TestAskerFaults(t *testing.T) {
	i := newIDP(t)
	a := newAsker(i)
	a.client.http.Timeout = 300 * time.Millisecond
	for n, page := range []http.HandlerFunc{
		http.NotFound,
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); io.WriteString(w, `{"active":true}`) },
		func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"x":"%020000d"}`, 0) },
		func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() },
	} {
		i.serve("/introspect", page)
		if text, err := a.Introspect("x", noon); err == nil {
			t.Errorf("%d: %s", n, text)
		}
		if i.count("/introspect") != n+1 {
			t.Errorf("%d: a fault was remembered", n)
		}
	}
	if err := a.Try(t.Context()); err == nil {
		t.Error("Try finds nothing wrong")
	}
	i.says("/introspect", `{"active":false}`)
	if err := a.Try(t.Context()); err != nil {
		t.Errorf("Try: %v", err)
	}
}

// TestAskerIsBounded: one question for all who have the same, and not more
// than so many at once; what it remembers is bounded too.
func TestAskerIsBounded(t *testing.T) {
	i := newIDP(t)
	release, asking := make(chan struct{}), make(chan struct{}, maxAsking)
	i.serve("/introspect", func(w http.ResponseWriter, _ *http.Request) {
		asking <- struct{}{}
		<-release
		io.WriteString(w, `{"active":true}`)
	})
	a := newAsker(i)
	var wg sync.WaitGroup
	for n := range maxAsking {
		for range 3 {
			wg.Go(func() {
				if _, err := a.Introspect(fmt.Sprint(n), noon); err != nil {
					t.Errorf("%d: %v", n, err)
				}
			})
		}
	}
	for range maxAsking {
		<-asking
	}
	if _, err := a.Introspect("one more", noon); !errors.Is(err, errBusy) {
		t.Errorf("one question more: %v", err)
	}
	close(release)
	wg.Wait()
	if n := i.count("/introspect"); n != maxAsking {
		t.Errorf("asked %d times", n)
	}
	for n := range 3 * maxAnswers {
		a.keep(key{byte(n), byte(n >> 8)}, answer{})
	}
	if len(a.fresh) > maxAnswers || len(a.old) > maxAnswers {
		t.Errorf("%d and %d answers", len(a.fresh), len(a.old))
	}
}
