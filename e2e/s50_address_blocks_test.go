package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// imageHeaders returns the headers with which a browser loads an <img> of another site, under
// referrerpolicy=no-referrer.
func imageHeaders() http.Header {
	return http.Header{"Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Site": {"cross-site"}}
}

// asTenant makes a call with a token of a tenant from an address.
func (s *server) asTenant(client, path, token, from string, header http.Header) response {
	s.t.Helper()
	req, err := http.NewRequest("GET", s.URL+path, nil)
	s.must(err)
	q := req.URL.Query()
	q.Set("client_id", client)
	req.URL.RawQuery = q.Encode()
	for name, lines := range header {
		req.Header[name] = lines
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("X-Forwarded-For", from)
	a, err := s.do(req)
	s.must(err)
	return a
}

// otherLoads are headers of requests that a page sends in other ways than a widget does, or while
// it hides its origin.
var otherLoads = []http.Header{imageHeaders(),
	{"Sec-Fetch-Site": {"none"}, "Sec-Fetch-Dest": {"empty"}},
	{"Sec-Fetch-Site": {"none"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-User": {"?1"}},
	{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"script"}},
	{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"empty"}},
	{"Sec-Fetch-Dest": {"iframe"}, "Origin": {"https://acme.example"}},
	{"Sec-Fetch-Dest": {"empty", "image"}, "Origin": {"https://acme.example"}},
	{"Sec-Fetch-Dest": {"Script"}, "Origin": {"https://acme.example"}},
	{"Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"same-site"}, "Sec-Purpose": {"prefetch"}, "Origin": {"https://acme.example"}},
	{"Sec-Fetch-Dest": {""}, "Origin": {"https://acme.example"}},
}

// TestS50NoPageBindsTokens: a token is bound, and counted at its address, only by the fetch or
// script of a page. For a tenant with sites, the page must not hide its origin. Programs, which
// send no Fetch Metadata, are admitted.
func TestS50NoPageBindsTokens(t *testing.T) {
	s := newStrictServer(t, trusting)
	s.command("tenant", "set", "acme", "--site", "https://acme.example")
	const visitor = "192.0.2.1"
	page := http.Header{"Origin": {"https://acme.example"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"cross-site"}}
	own := s.tokens(1)[0]
	if a := s.asTenant("acme", "/v1/items/i1", own, visitor, page); a.code() != "" {
		t.Fatalf("the visitor's page: %s", a.code())
	}
	for n, token := range s.tokens(45) {
		load := otherLoads[n%len(otherLoads)]
		for _, path := range []string{"/v1/items/i1", "/v1/suggest?q=item", "/v1/collections", "/v1/token"} {
			if a := s.asTenant("acme", path, token, visitor, load); a.code() != "client_mismatch" || a.Status != 403 {
				t.Fatalf("%v %s: %d %q", load, path, a.Status, a.code())
			}
		}
		if n < len(otherLoads) {
			if v := s.show(token); v.Binding != "none" {
				t.Errorf("%v bound a token: %+v", load, v)
			}
		}
	}
	for _, token := range append(s.tokens(3), own) {
		if a := s.asTenant("acme", "/v1/items/i1", token, visitor, page); a.code() != "" {
			t.Errorf("the visitor's page afterwards: %s", a.code())
		}
	}
	if a := s.asTenant("acme", "/v1/items/i1", s.tokens(1)[0], visitor, nil); a.code() != "" {
		t.Errorf("a program: %s", a.code())
	}
	if out := s.command("address", "list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("the address list: %s", out)
	}
}

// TestS50NoSites: for a tenant without sites, scripts of any page are admitted, but images are not.
func TestS50NoSites(t *testing.T) {
	s := newStrictServer(t, trusting)
	token := s.tokens(1)[0]
	if a := s.asTenant("acme", "/v1/items/i1", token, "192.0.2.1", imageHeaders()); a.code() != "client_mismatch" {
		t.Errorf("an image: %q", a.code())
	}
	script := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"script"}}
	if a := s.asTenant("acme", "/v1/items/i1", token, "192.0.2.1", script); a.code() != "" {
		t.Errorf("a script: %q", a.code())
	}
}

// bind makes the first calls of n new tokens from an address, and solves nothing. It returns how
// often each code was the result.
func (s *server) bind(client, secret, from string, n int) map[string]int {
	s.t.Helper()
	codes := map[string]int{}
	for range n {
		token, err := s.Token(client, secret)
		s.must(err)
		codes[s.asTenant(client, "/v1/items/i1", token, from, nil).code()]++
	}
	return codes
}

// TestS50BlockRefusesNewTokens: a block by a rule refuses new tokens. A token that the address was
// checked for before the block is admitted, and so is one that solves a challenge issued before it.
// A block by an operator refuses all tokens.
func TestS50BlockRefusesNewTokens(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {address: {bindings: 5, block: [1h]}}")
	const from = "192.0.2.1"
	checked := s.tokens(1)[0]
	if a := s.mustGet("/v1/items/i1", checked, from); a.code() != "" {
		t.Fatal(a.code())
	}
	s.bind("acme", s.secret, from, 4)
	solving := s.tokens(1)[0]
	open := s.challengeIn(s.mustGet("/v1/items/i1", solving, from))
	codes := s.bind("acme", s.secret, from, 20)
	if codes["address_blocked"] == 0 {
		t.Fatalf("no token was blocked: %v", codes)
	}
	if a := s.solve(open, solving, from); a.code() != "" {
		t.Fatalf("the answer during the block: %s", a.code())
	}
	for range 2 {
		if a := s.mustGet("/v1/items/i1", s.tokens(1)[0], from); a.code() != "address_blocked" || a.Error.RetryAfter == nil {
			t.Errorf("a new token: %q", a.code())
		}
		for _, token := range []string{checked, solving} {
			if a := s.mustGet("/v1/items/i1", token, from); a.code() != "" {
				t.Errorf("a token from before the block: %q", a.code())
			}
		}
		s.must(s.Stop()) // the block survives a restart
		s.client.CloseIdleConnections()
		s.must(s.Start())
	}
	if a := s.mustGet("/v1/items/i1", checked, "192.0.2.2"); a.code() != "token_hijacked" {
		t.Errorf("its copy at another address: %q", a.code())
	}
	s.command("address", "block", from)
	if a := s.mustGet("/v1/items/i1", solving, from); a.code() != "address_blocked" {
		t.Errorf("blocked by an operator: %q", a.code())
	}
}

// TestS50TenantsAreSeparate: a hostile tenant gets only its own new tokens blocked at an address.
// Those of other tenants are not even challenged. The address list names the tenant.
func TestS50TenantsAreSeparate(t *testing.T) {
	s := newStrictServer(t, trusting)
	secret, err := s.Tenant("hostile")
	s.must(err)
	const from = "192.0.2.1"
	codes := s.bind("hostile", secret, from, 70)
	if codes["address_blocked"] != 20 || codes["challenge_required"] != 25 {
		t.Errorf("the hostile tenant: %v, want 25 admitted, 25 challenged, 20 blocked", codes)
	}
	if codes := s.bind("acme", s.secret, from, 25); codes[""] != 25 {
		t.Errorf("the other tenant: %v, want 25 admitted", codes)
	}
	var list []struct{ Range, Kind, Tenant string }
	s.must(s.CommandJSON(&list, "address", "list"))
	if fmt.Sprint(list) != "[{192.0.2.1/32 block hostile}]" {
		t.Errorf("the address list: %v", list)
	}
	if out := s.command("address", "list"); !strings.Contains(out, "hostile") {
		t.Errorf("the address list: %s", out)
	}
	s.command("address", "remove", from)
	if codes := s.bind("hostile", secret, from, 1); codes[""] != 1 {
		t.Errorf("after the operator removed the block: %v", codes)
	}
}

// importLarge imports n items. Records at an address count if the corpus has at least 7,500.
func (s *server) importLarge(n int) {
	s.t.Helper()
	var corpus strings.Builder
	for i := range n {
		fmt.Fprintf(&corpus, `{"id":"big%d","title":"%s %s %d"}`+"\n", i, words[i%len(words)], words[i/len(words)%len(words)], i)
	}
	s.write("big.jsonl", corpus.String())
	s.command("content", "import", "big.jsonl")
}

// words are the words with which titles begin.
var words = func() (all []string) {
	for _, a := range strings.Fields("ba de fi go ku la me no pi ra se to vu wa xe zo") {
		for _, b := range strings.Fields("bar dek fin gol kum lat mer nos pin rat ses tov vul wax") {
			all = append(all, a+b)
		}
	}
	return all
}()

// TestS50RecordsAcrossTenants: the tokens of ten tenants together deliver no more records to one
// address than those of one tenant. An address over that budget is crowded for all tenants. Its
// tokens get work only, and it is never blocked.
func TestS50RecordsAcrossTenants(t *testing.T) {
	s := newStrictServer(t, trusting)
	s.importLarge(8000)
	const from = "192.0.2.1"
	delivered := 0
	for n := range 10 {
		client := fmt.Sprintf("tenant%d", n)
		secret, err := s.Tenant(client)
		s.must(err)
		for range 4 {
			token, err := s.Token(client, secret)
			s.must(err)
			a := s.asTenant(client, "/v1/items?limit=25", token, from, nil)
			if a.code() == "" {
				delivered += 25
			} else if p := s.challengeIn(a); p.Kind != "work" {
				t.Fatalf("%s: got a %s, want work", client, p.Kind)
			}
		}
	}
	if delivered != 375 {
		t.Errorf("%d records were delivered to ten tenants' tokens, want 375", delivered)
	}
	secret, err := s.Tenant("last")
	s.must(err)
	if codes := s.bind("last", secret, from, 25); codes["challenge_required"] != 25 {
		t.Errorf("over the shared budget: %v, want 25 challenged", codes)
	}
	token := s.tokens(1)[0]
	a := s.mustGet("/v1/items?limit=20", token, from)
	if a.code() != "challenge_required" {
		t.Fatalf("a call over the budget: %q", a.code())
	}
	if a := s.solve(s.challengeIn(a), token, from); a.code() != "" {
		t.Fatal(a.code())
	}
	if a := s.mustGet("/v1/items?limit=20", token, from); a.code() != "" {
		t.Errorf("a call after work was solved: %s", a.code())
	}
}
