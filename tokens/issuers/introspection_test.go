package issuers

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/tokens/bearer"
)

func newIntrospectionClient(i *idp) *IntrospectionClient {
	return NewIntrospectionClient(Endpoint{Issuer: i.URL}, i.URL+"/introspect", "sti:le", "s%cret", quiet)
}

// visitor is a visitor's address.
var visitor = at("192.0.2.1")

func at(address string) bearer.Source { return bearer.Source{Address: netip.MustParseAddr(address)} }

// TestIntrospectionRequests checks the request, and that there is one a minute for an active token
// and one every ten for an inactive one.
func TestIntrospectionRequests(t *testing.T) {
	i := newIDP(t)
	i.serve("/introspect", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		fmt.Fprintf(w, `{"active":%v,"said":"%s %s %s %s %s"}`, r.PostFormValue("token") == "opa.que", r.Method, r.PostFormValue("token"), r.PostFormValue("token_type_hint"), id, secret)
	})
	a := newIntrospectionClient(i)
	for s := range 60 {
		text, err := a.Introspect("opa.que", visitor, noon.Add(time.Duration(s)*time.Second))
		if err != nil || string(text.Text) != `{"active":true,"said":"POST opa.que access_token sti%3Ale s%25cret"}` {
			t.Fatalf("%s, %v", text, err)
		}
	}
	if n := i.count("/introspect"); n != 1 {
		t.Errorf("asked %d times in a minute", n)
	}
	a.Introspect("opa.que", visitor, noon.Add(time.Minute))
	for m := range 10 {
		a.Introspect("other", visitor, noon.Add(time.Duration(m)*time.Minute))
	}
	if n := i.count("/introspect"); n != 3 {
		t.Errorf("asked %d times of two tokens, and of one again", n)
	}
	a.Introspect("other", visitor, noon.Add(10*time.Minute))
	if n := i.count("/introspect"); n != 4 {
		t.Errorf("asked %d times, ten minutes later", n)
	}
}

// TestFirstActive checks that a response says when the issuer first called the token active, and
// that Refresh makes the issuer be asked again.
func TestFirstActive(t *testing.T) {
	i := newIDP(t)
	i.says("/introspect", `{"active":true}`)
	a := newIntrospectionClient(i)
	for m := range 5 {
		got, err := a.Introspect("opaque", visitor, noon.Add(time.Duration(m)*time.Minute))
		if err != nil || !got.Since.Equal(noon) {
			t.Errorf("minute %d: since %s, %v", m, got.Since, err)
		}
	}
	asked := i.count("/introspect")
	i.says("/introspect", `{"active":false}`)
	a.Refresh(noon.Add(4*time.Minute + time.Second))
	got, err := a.Introspect("opaque", visitor, noon.Add(4*time.Minute+2*time.Second))
	if err != nil || string(got.Text) != `{"active":false}` || i.count("/introspect") != asked+1 {
		t.Errorf("%s, %v, asked %d times", got.Text, err, i.count("/introspect"))
	}
	if text, err := a.Ask(t.Context(), "opaque"); err != nil || string(text) != `{"active":false}` {
		t.Errorf("%s, %v", text, err)
	}
}

// TestIntrospectionFaults checks that an invalid response is a fault and is not cached.
func TestIntrospectionFaults(t *testing.T) {
	i := newIDP(t)
	a := newIntrospectionClient(i)
	within := a.client.http.Timeout
	for n, page := range []http.HandlerFunc{
		http.NotFound,
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); io.WriteString(w, `{"active":true}`) },
		func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"x":"%020000d"}`, 0) },
		func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() },
	} {
		i.serve("/introspect", page)
		if n == 4 { // it hangs
			a.client.http.Timeout = time.Second
		}
		if text, err := a.Introspect("x", visitor, noon.Add(time.Duration(n)*time.Second)); err == nil {
			t.Errorf("%d: %s", n, text)
		}
		if i.count("/introspect") != n+1 {
			t.Errorf("%d: a fault was cached", n)
		}
	}
	if err := a.Probe(t.Context()); err == nil {
		t.Error("Try finds nothing wrong")
	}
	a.client.http.Timeout = within
	i.says("/introspect", `{"active":false}`)
	if err := a.Probe(t.Context()); err != nil {
		t.Errorf("Try: %v", err)
	}
}

// heldEndpoint is an endpoint that holds requests until the test releases them. A token that begins
// with "good" is active.
type heldEndpoint struct {
	*idp
	asking  chan string
	release chan struct{}
}

func newHeldEndpoint(t *testing.T) (*heldEndpoint, *IntrospectionClient) {
	h := &heldEndpoint{newIDP(t), make(chan string, 1), make(chan struct{})}
	h.serve("/introspect", func(w http.ResponseWriter, r *http.Request) {
		select {
		case h.asking <- r.PostFormValue("token"):
		default:
		}
		<-h.release
		fmt.Fprintf(w, `{"active":%v}`, strings.HasPrefix(r.PostFormValue("token"), "good"))
	})
	return h, newIntrospectionClient(h.idp)
}

// load returns the numbers of requests and of waiting questions.
func (a *IntrospectionClient) load() (asking, waiting int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asking, len(a.waiting)
}

// queue asks without waiting for the response.
func (a *IntrospectionClient) queue(token string, from bearer.Source, now time.Time) *asked {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := key(sha256.Sum256([]byte(token)))
	_, known := a.active.Get(k)
	q := &asked{key: k, token: token, from: from, at: now, known: known, done: make(chan struct{})}
	if !a.enqueue(q) {
		q.err = errBusy
		close(q.done)
		return q
	}
	a.next()
	return q
}

// TestIntrospectionIsBounded checks that equal questions share a request, and the bounds of
// requests, of waiting questions, and of what is cached.
func TestIntrospectionIsBounded(t *testing.T) {
	h, a := newHeldEndpoint(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := a.Introspect("good", visitor, noon); err != nil {
				t.Error(err)
			}
		})
	}
	<-h.asking
	var list []*asked
	for n := range 2 * maxWaiting {
		list = append(list, a.queue(fmt.Sprint("good", n), at(fmt.Sprintf("198.51.100.%d", n%256)), noon))
	}
	if asking, waiting := a.load(); asking != maxAsking || asking+waiting != maxWaiting {
		t.Errorf("%d questions are asked and %d wait", asking, waiting)
	}
	a.withdraw(list[maxWaiting-2])
	close(h.release)
	wg.Wait()
	for n, q := range list {
		if <-q.done; (q.err != nil) != (n >= maxWaiting-2) || q.err != nil && q.err != errBusy {
			t.Errorf("question %d: %v", n, q.err)
		}
	}
	if n := h.count("/introspect"); n != maxWaiting-1 {
		t.Errorf("asked %d times", n)
	}
	if asking, waiting := a.load(); asking != 0 || waiting != 0 || len(a.running) != 0 || len(a.groups) != 0 || a.suspects != 0 || a.known != 0 {
		t.Errorf("left over: %d, %d, %v", asking, waiting, a.groups)
	}
	for n := range 3 * maxActive {
		a.active.Put(key{byte(n), byte(n >> 8)}, answer{})
	}
	if n := a.active.Len(); n > maxActive {
		t.Errorf("%d answers are in memory", n)
	}
	for n := range 3 * maxMissed {
		a.budget.miss(at(fmt.Sprintf("2001:db8:%x:%x::", n>>8, n&0xff)), noon)
	}
	if n := a.budget.counts.Len(); n > maxMissed {
		t.Errorf("%d counts are in memory", n)
	}
}

// TestS59_OneAddress checks that an address gets no more requests for unknown tokens after five
// inactive ones in a minute. Tokens that were active before, and other addresses, still get
// requests.
func TestS59_OneAddress(t *testing.T) {
	h, a := newHeldEndpoint(t)
	close(h.release)
	if _, err := a.Introspect("good", visitor, noon); err != nil {
		t.Fatal(err)
	}
	asked, refused := h.count("/introspect"), 0
	for n := range 1000 {
		now := noon.Add(time.Minute + time.Duration(n)*50*time.Millisecond) // 50 s
		text, err := a.Introspect(fmt.Sprint("made up ", n), visitor, now)
		if err == nil && string(text.Text) != `{"active":false}` {
			t.Fatalf("question %d: %s", n, text)
		} else if err != nil && !errors.Is(err, errSpent) {
			t.Fatalf("question %d: %v", n, err)
		} else if err != nil {
			refused++
		}
		if n%100 == 99 {
			for token, from := range map[string]bearer.Source{"good": visitor, fmt.Sprint("good ", n): at("198.51.100.7")} {
				if _, err := a.Introspect(token, from, now); err != nil {
					t.Errorf("after %d made-up tokens, %q: %v", n, token, err)
				}
			}
		}
	}
	// The 11 others are 10 other tokens, and the known one again.
	if n := h.count("/introspect") - asked - 11; n != ofAddress || refused != 1000-n {
		t.Errorf("%d made-up tokens reached the endpoint, %d were refused", n, refused)
	}
	if _, err := a.Introspect("good, and unknown", visitor, noon.Add(time.Minute+51*time.Second)); !errors.Is(err, errSpent) || retryAfter(err) != 9*time.Second {
		t.Errorf("a valid unknown token of that address: %v", err)
	}
	if _, err := a.Introspect("good, and unknown", visitor, noon.Add(3*time.Minute)); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

// TestS59_Network checks that many addresses of one IPv6 /48 get few more requests than one.
func TestS59_Network(t *testing.T) {
	h, a := newHeldEndpoint(t)
	close(h.release)
	for n := range 1000 {
		a.Introspect(fmt.Sprint("made up ", n), at(fmt.Sprintf("2001:db8:1:%x::", n)), noon.Add(time.Duration(n)*50*time.Millisecond))
	}
	if n := h.count("/introspect"); n != ofNetwork {
		t.Errorf("%d made-up tokens reached the endpoint", n)
	}
	if _, err := a.Introspect("good", at("2001:db8:2::"), noon.Add(50*time.Second)); err != nil {
		t.Errorf("the next /48: %v", err)
	}
}

// TestS59_ManyAddresses checks that 1,000 addresses with an inactive token each get 5 requests a
// second together. An address without one always gets them.
func TestS59_ManyAddresses(t *testing.T) {
	h, a := newHeldEndpoint(t)
	close(h.release)
	source := func(n int) bearer.Source { return at(fmt.Sprintf("10.1.%d.%d", n/256, n%256)) }
	a.budget.suspects.take(noon)
	for n := range 1000 {
		a.budget.miss(source(n), noon)
	}
	const seconds = 20
	for n := range seconds * 200 {
		now := noon.Add(time.Duration(n) * 5 * time.Millisecond)
		a.Introspect(fmt.Sprint("made up ", n), source(n%1000), now)
		if n%40 == 0 {
			if _, err := a.Introspect(fmt.Sprint("good", n), at(fmt.Sprintf("10.2.0.%d", n/40)), now); err != nil {
				t.Fatalf("a valid token, after %d made-up ones: %v", n, err)
			}
		}
	}
	if n := h.count("/introspect") - seconds*5; n > suspectBurst+seconds*suspectRate {
		t.Errorf("%d made-up tokens reached the endpoint in %d s", n, seconds)
	}
	for n := range 10000 {
		a.Introspect(fmt.Sprint("more ", n), at(fmt.Sprintf("10.%d.%d.9", 3+n/256, n%256)), noon.Add(time.Minute+time.Duration(n)*time.Millisecond))
	}
	if n := h.count("/introspect") - seconds*5; n > suspectBurst+seconds*suspectRate+othersBurst+10*othersRate {
		t.Errorf("%d made-up tokens reached the endpoint, those of 10,000 new addresses in 10 s among them", n)
	}
}

// TestS59_Places checks that suspects have at most half of the requests, and one address five at
// one time, for which its others wait.
func TestS59_Places(t *testing.T) {
	h, a := newHeldEndpoint(t)
	crowd := []*asked{}
	for n := range 20 { // one address without inactive tokens
		crowd = append(crowd, a.queue(fmt.Sprint("made up ", n), visitor, noon))
	}
	if asking, waiting := a.load(); asking != ofAddress || waiting != 20-ofAddress {
		t.Errorf("%d questions of one address are asked, %d wait", asking, waiting)
	}
	suspects := 0
	for n := range 20 {
		from := at(fmt.Sprintf("198.51.100.%d", n))
		a.budget.miss(from, noon)
		if q := a.queue(fmt.Sprint("bad ", n), from, noon); q.suspect {
			suspects++
		} else if <-q.done; q.err != errBusy {
			t.Errorf("a suspect without a request: %v", q.err)
		}
	}
	if suspects != maxAsking-kept {
		t.Errorf("suspects have %d places", suspects)
	}
	good := a.queue("good", at("203.0.113.1"), noon)
	if !good.started {
		t.Error("an address without inactive tokens gets no request")
	}
	close(h.release)
	if <-good.done; good.err != nil {
		t.Error(good.err)
	}
	refused := 0
	for _, q := range crowd {
		if <-q.done; errors.Is(q.err, errSpent) {
			refused++
		}
	}
	if refused != 20-ofAddress {
		t.Errorf("%d of the crowd's questions were refused, once the first were inactive", refused)
	}
}

// TestS59_Office checks that many visitors at one address with valid tokens wait for each other,
// and that none is refused.
func TestS59_Office(t *testing.T) {
	h, a := newHeldEndpoint(t)
	close(h.release)
	for round := range 10 {
		var list []*asked
		for n := range ofGroup {
			list = append(list, a.queue(fmt.Sprint("good ", round, n), visitor, noon))
		}
		for n, q := range list {
			if <-q.done; q.err != nil {
				t.Errorf("person %d: %v", n, q.err)
			}
		}
	}
}

// TestS59_Client checks that a tenant's server, which forwards its visitors' tokens, has its own
// budget, whatever its address.
func TestS59_Client(t *testing.T) {
	h, a := newHeldEndpoint(t)
	close(h.release)
	for n := range 400 {
		now := noon.Add(time.Duration(n) * 100 * time.Millisecond)
		if _, err := a.Introspect(fmt.Sprint("expired ", n), bearer.Source{Client: "acme"}, now); (err == nil) != (n < ofClient) {
			t.Fatalf("question %d: %v", n, err)
		}
	}
	if _, err := a.Introspect("good", bearer.Source{Client: "other"}, noon.Add(40*time.Second)); err != nil {
		t.Errorf("another tenant: %v", err)
	}
}

// TestS59_Failing checks that 5 requests a second reach an endpoint that fails. An endpoint that
// refuses an invented token is not one that fails.
func TestS59_Failing(t *testing.T) {
	i := newIDP(t)
	a := newIntrospectionClient(i)
	i.serve("/introspect", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	for n := range 1000 {
		a.Introspect(fmt.Sprint(n), at(fmt.Sprintf("198.51.100.%d", n%250)), noon.Add(time.Duration(n)*10*time.Millisecond))
	}
	if n := i.count("/introspect"); n > suspectBurst+10*suspectRate+1 {
		t.Errorf("asked %d times in 10 s", n)
	}
	i.says("/introspect", `{"active":true}`)
	for n := range 20 {
		if _, err := a.Introspect(fmt.Sprint("good", n), at(fmt.Sprintf("203.0.113.%d", n)), noon.Add(11*time.Second)); err != nil {
			t.Errorf("it answers again, question %d: %v", n, err)
		}
	}
	i.serve("/introspect", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) })
	before := i.count("/introspect")
	for n := range 100 {
		a.Introspect(fmt.Sprint("made up ", n), visitor, noon.Add(12*time.Second+time.Duration(n)*10*time.Millisecond))
	}
	if n := i.count("/introspect") - before; n != ofAddress || a.budget.failing {
		t.Errorf("asked %d times about tokens that it refuses; failing: %v", n, a.budget.failing)
	}
}

// TestS59_ClockSetBack checks that a clock that is set back neither frees an address nor refuses it
// for longer than the window.
func TestS59_ClockSetBack(t *testing.T) {
	b := newBudget()
	for range ofAddress {
		b.miss(visitor, noon)
	}
	if n, _ := b.left(visitor, noon.Add(-time.Second)); n != 0 {
		t.Errorf("a second back: %d left", n)
	}
	if n, suspect := b.left(visitor, noon.Add(-time.Hour)); n != ofAddress || suspect {
		t.Errorf("an hour back: %d left", n)
	}
	for range othersBurst {
		b.take(false, noon)
	}
	if b.take(false, noon) || b.take(false, noon.Add(-time.Hour)) || !b.take(false, noon.Add(time.Second-time.Hour)) {
		t.Error("the bucket")
	}
}
