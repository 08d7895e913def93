package oauth

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// TestS12Limit checks the limit for each pair of address and client: 20 wrong tries in 10 minutes,
// then one in 30 s.
func TestS12Limit(t *testing.T) {
	var a attempts
	now := start
	acme, other := pair{netip.MustParseAddr("192.0.2.1"), "acme"}, pair{netip.MustParseAddr("192.0.2.1"), "other"}
	for n := 1; n <= 25; n++ {
		if was := a.limited(acme, now); was != (n > wrongBurst) {
			t.Errorf("before try %d: limited is %v", n, was)
		}
		if last := a.wrong(acme, now); last != (n == wrongBurst) {
			t.Errorf("try %d: it reached the limit: %v", n, last)
		}
	}
	if a.limited(other, now) {
		t.Error("another client is limited")
	}
	for range 3 {
		now = now.Add(wrongEvery - time.Second)
		if !a.limited(acme, now) {
			t.Error("not limited any more, before 30 s")
		}
		if now = now.Add(time.Second); a.limited(acme, now) {
			t.Error("still limited after 30 s")
		}
		a.wrong(acme, now)
		if !a.limited(acme, now) {
			t.Error("two tries after 30 s")
		}
	}
	if now = now.Add(wrongBurst * wrongEvery); a.limited(acme, now) {
		t.Error("limited 10 minutes later")
	}
}

// TestS12LimitIsBounded checks that simulated addresses take bounded memory. When it is full, a new
// pair is limited from its first try, until others are removed.
func TestS12LimitIsBounded(t *testing.T) {
	var a attempts
	of := func(n int) pair {
		return pair{netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), "acme"}
	}
	for n := range 3 * maxPairs {
		a.wrong(of(n), start)
	}
	if len(a.free) != maxPairs {
		t.Errorf("%d pairs", len(a.free))
	}
	if !a.limited(of(maxPairs), start) || a.limited(of(0), start) {
		t.Error("the new pair is not limited, or an old one is")
	}
	later := start.Add(time.Minute)
	a.wrong(of(maxPairs), later)
	if len(a.free) != 1 || a.limited(of(maxPairs), later) {
		t.Errorf("a minute later: %d pairs", len(a.free))
	}
}

// wrongly requests a token with wrong credentials, and returns the response.
func (s *testServer) wrongly(client, from string) string {
	rec := s.post(granting, from, basic(client, "wrong"))
	return fmt.Sprint(rec.Code, rec.Body, rec.Header()["Www-Authenticate"], rec.Header()["Retry-After"])
}

// TestS12WrongSecrets checks that beyond the limit the responses do not change, that the right
// secret is accepted from everywhere, and that the log names address and client.
func TestS12WrongSecrets(t *testing.T) {
	s := newServer(t)
	const want = `401 {"error":"invalid_client","error_description":"unknown client or wrong secret"} [Basic realm="stile", charset="UTF-8"] []`
	for n := range 3 * wrongBurst {
		for _, client := range []string{"acme", "nobody", "a canary"} {
			if got := s.wrongly(client, "203.0.113.9"); got != want {
				t.Fatalf("try %d for %s: %s", n, client, got)
			}
		}
	}
	for _, client := range []string{"acme", unknownClient} {
		if p := (pair{netip.MustParseAddr("203.0.113.9"), client}); !s.attempts.limited(p, start) {
			t.Errorf("%s is not limited", client)
		}
	}
	if s.attempts.limited(pair{netip.MustParseAddr("192.0.2.1"), "acme"}, start) {
		t.Error("acme is limited at another address")
	}
	for _, from := range []string{"203.0.113.9", "192.0.2.1"} {
		if rec := s.post(granting, from, basic("acme", s.secret)); rec.Code != 200 {
			t.Errorf("the right secret from %s: %d %s", from, rec.Code, rec.Body)
		}
	}
	log := s.lines.String()
	for _, line := range []string{
		`"msg":"refused","code":"invalid_client","tenant":"acme","address":"203.0.113.9"`, `"status":401,"client":"acme","why":"wrong secret"`,
		`"msg":"refused","code":"invalid_client","tenant":"","address":"203.0.113.9"`, `"status":401,"client":"nobody","why":"unknown client"`, `"client":"(unknown)"`,
		`"level":"WARN","msg":"client credentials limited","code":"invalid_client","tenant":"","address":"203.0.113.9"`, `"client":"acme","limit":20`,
	} {
		if !strings.Contains(log, line) {
			t.Errorf("no %s in the log", line)
		}
	}
	if strings.Contains(log, "canary") || strings.Contains(log, `"wrong"`) {
		t.Error("the log contains a text that can't be a client's name, or the wrong secret")
	}
	if n := strings.Count(log, "client credentials limited"); n != 2 {
		t.Errorf("the limit was reached %d times, want once for each client", n)
	}
}

// TestRefusedCredentialsInLog checks that the log says whose credentials were refused, and why, and
// never contains what may be a secret in the wrong place.
func TestRefusedCredentialsInLog(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	withAssertion := func(s *testServer) (string, http.Header) {
		return granting + "&" + url.Values{"client_assertion_type": {bearer.AssertionType}, "client_assertion": {assertion(key, "1")}}.Encode(), nil
	}
	for want, send := range map[string]func(s *testServer) (string, http.Header){
		`"tenant":"acme","address":"203.0.113.9","request":"ID","method":"POST","route":"/oauth/token","status":401,"client":"acme","why":"wrong secret"`: func(*testServer) (string, http.Header) {
			return granting, basic("acme", "x")
		},
		`"client":"acme","why":"no secret"`:        func(*testServer) (string, http.Header) { return granting + "&client_id=acme", nil },
		`"client":"(none)","why":"unknown client"`: func(*testServer) (string, http.Header) { return granting, nil },
		`"client":"acme","why":"expired secret"`: func(s *testServer) (string, http.Header) {
			old := s.secret
			_, err := s.Tenants.RotateSecret(t.Context(), "acme", start.Add(-time.Hour), time.Minute)
			s.must(err)
			return granting, basic("acme", old)
		},
		`"client":"(unknown)","why":"unknown client"`:               func(s *testServer) (string, http.Header) { return granting, basic(s.secret, "acme") },
		`"client":"acme","why":"assertion: the client has no keys"`: withAssertion,
		`"tenant":"acme","address":"203.0.113.9","request":"ID","method":"POST","route":"/oauth/token","status":401,"client":"acme","why":"suspended"`: func(s *testServer) (string, http.Header) {
			_, err := s.Tenants.Update(t.Context(), "acme", func(t *tenants.Tenant) error { t.Status = tenants.Suspended; return nil })
			s.must(err)
			return granting, basic("acme", s.secret)
		},
	} {
		s := newServer(t)
		body, header := send(s)
		rec := s.post(body, "203.0.113.9", header)
		log := s.lines.String()
		if want = strings.Replace(want, "ID", rec.Header().Get("X-Request-Id"), 1); rec.Code != 401 || !strings.Contains(log, want) {
			t.Errorf("%d, the log: %s\nwant %s", rec.Code, log, want)
		}
		if strings.Contains(log, s.secret) {
			t.Errorf("the log contains a secret: %s", log)
		}
	}
}

// TestS12LimitedTakeTurns checks that the checks of limited pairs wait for each other, and no
// others wait for them.
func TestS12LimitedTakeTurns(t *testing.T) {
	s := newServer(t)
	for range wrongBurst {
		s.wrongly("acme", "203.0.113.9")
	}
	s.attempts.lane.Lock() // as one of them does
	answered := make(chan string)
	go func() { answered <- s.wrongly("acme", "203.0.113.9") }()
	if rec := s.post(granting, "192.0.2.1", basic("acme", s.secret)); rec.Code != 200 {
		t.Errorf("the right secret from elsewhere: %d %s", rec.Code, rec.Body)
	}
	if got := s.wrongly("acme", "198.51.100.1"); !strings.HasPrefix(got, "401") {
		t.Errorf("a wrong one from elsewhere: %s", got)
	}
	select {
	case got := <-answered:
		t.Errorf("a limited one did not wait: %s", got)
	default:
	}
	s.attempts.lane.Unlock()
	if got := <-answered; !strings.HasPrefix(got, "401") {
		t.Errorf("a limited one, after its turn came: %s", got)
	}
}

// TestS12SourceAddress checks that /oauth finds the source address as the content API does.
func TestS12SourceAddress(t *testing.T) {
	s := newServer(t)
	s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	try := func(from, forwarded string) {
		header := basic("acme", "wrong")
		header["X-Forwarded-For"] = []string{forwarded}
		s.post(granting, from, header)
	}
	for range wrongBurst {
		try("192.0.2.1", "198.51.100.7")    // a proxy that is trusted
		try("203.0.113.9", "198.51.100.77") // another one
	}
	for address, limited := range map[string]bool{"198.51.100.7": true, "192.0.2.1": false, "203.0.113.9": true, "198.51.100.77": false} {
		if got := s.attempts.limited(pair{netip.MustParseAddr(address), "acme"}, start); got != limited {
			t.Errorf("%s: limited is %v", address, got)
		}
	}
	rec := s.post(granting, "192.0.2.1",
		http.Header{"Authorization": basic("acme", s.secret)["Authorization"], "X-Forwarded-For": {"x"}})
	if rec.Code != 400 || !strings.Contains(rec.Body.String(), "X-Forwarded-For") {
		t.Errorf("a proxy that names no address: %d %s", rec.Code, rec.Body)
	}
}

// TestS12Assertions checks that wrong assertions count too, for the client that they name.
func TestS12Assertions(t *testing.T) {
	s := newServer(t)
	right, wrong := ed25519.NewKeyFromSeed(make([]byte, 32)), ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32)))
	_, err := s.Tenants.Update(t.Context(), "acme", func(t *tenants.Tenant) error {
		t.Keys = fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":%q}]}`, base64.RawURLEncoding.EncodeToString(right.Public().(ed25519.PublicKey)))
		return nil
	})
	s.must(err)
	tried := func(assertion string, want int) {
		t.Helper()
		body := granting + "&" + url.Values{"client_assertion_type": {bearer.AssertionType}, "client_assertion": {assertion}}.Encode()
		if rec := s.post(body, "192.0.2.1", nil); rec.Code != want {
			t.Fatalf("%d %s, want %d", rec.Code, rec.Body, want)
		}
	}
	for n := range wrongBurst {
		tried(assertion(wrong, fmt.Sprint(n)), 401)
		tried("a.b.c", 401)
	}
	tried(assertion(right, "right"), 200)
	tried(assertion(right, "right"), 401)
	for _, client := range []string{"acme", unknownClient} {
		if !s.attempts.limited(pair{netip.MustParseAddr("192.0.2.1"), client}, start) {
			t.Errorf("%s is not limited", client)
		}
	}
}
