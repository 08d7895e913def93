package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// image are the headers with which a browser loads an <img> of another site,
// under referrerpolicy=no-referrer.
func image() http.Header {
	return http.Header{"Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Site": {"cross-site"}}
}

// asTenant calls with a token of a tenant from an address.
func (s *site) asTenant(client, path, token, from string, header http.Header) answer {
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

// TestS50NoPageBindsTokens: whatever a page loads but by a fetch or a script
// binds nothing and counts for no address; nor does a page that hides its origin
// from a tenant with sites. Programs, which send no Fetch Metadata, continue.
func TestS50NoPageBindsTokens(t *testing.T) {
	s := newStrictSite(t, trusting)
	s.command("tenant", "set", "acme", "--site", "https://acme.example")
	const visitor = "192.0.2.1"
	page := http.Header{"Origin": {"https://acme.example"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"cross-site"}}
	own := s.tokens(1)[0]
	if a := s.asTenant("acme", "/v1/items/i1", own, visitor, page); a.code() != "" {
		t.Fatalf("the visitor's page: %s", a.code())
	}
	weapons := []http.Header{image(),
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
	for n, token := range s.tokens(45) {
		for _, path := range []string{"/v1/items/i1", "/v1/suggest?q=item", "/v1/collections", "/v1/token"} {
			if a := s.asTenant("acme", path, token, visitor, weapons[n%len(weapons)]); a.code() != "client_mismatch" || a.Status != 403 {
				t.Fatalf("%v %s: %d %q", weapons[n%len(weapons)], path, a.Status, a.code())
			}
		}
		if n < len(weapons) {
			if v := s.show(token); v.Binding != "none" {
				t.Errorf("%v bound a token: %+v", weapons[n], v)
			}
		}
	}
	for _, token := range append(s.tokens(3), own) {
		if a := s.asTenant("acme", "/v1/items/i1", token, visitor, page); a.code() != "" {
			t.Errorf("the visitor, afterwards: %s", a.code())
		}
	}
	if a := s.asTenant("acme", "/v1/items/i1", s.tokens(1)[0], visitor, nil); a.code() != "" {
		t.Errorf("a program: %s", a.code())
	}
	if out := s.command("address", "list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("the address list: %s", out)
	}
}

// TestS50NoSites: a tenant without sites serves any page, and no image.
func TestS50NoSites(t *testing.T) {
	s := newStrictSite(t, trusting)
	token := s.tokens(1)[0]
	if a := s.asTenant("acme", "/v1/items/i1", token, "192.0.2.1", image()); a.code() != "client_mismatch" {
		t.Errorf("an image: %q", a.code())
	}
	script := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"script"}}
	if a := s.asTenant("acme", "/v1/items/i1", token, "192.0.2.1", script); a.code() != "" {
		t.Errorf("a script: %q", a.code())
	}
}

// binds makes n tokens of a tenant bind at an address, and leaves what they are
// asked to solve. It returns the codes that came, and how often.
func (s *site) binds(client, secret, from string, n int) map[string]int {
	s.t.Helper()
	codes := map[string]int{}
	for range n {
		token, err := s.Token(client, secret)
		s.must(err)
		codes[s.asTenant(client, "/v1/items/i1", token, from, nil).code()]++
	}
	return codes
}

// TestS50BlockSparesTheCleared: a block by a rule refuses new tokens. One that
// was bound and cleared before continues, and so does one whose challenge was
// open. A block by an operator refuses everything.
func TestS50BlockSparesTheCleared(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {address: {bindings: 5, block: [1h]}}")
	const from = "192.0.2.1"
	cleared := s.tokens(1)[0]
	if a := s.mustGet("/v1/items/i1", cleared, from); a.code() != "" {
		t.Fatal(a.code())
	}
	s.binds("acme", s.secret, from, 4)
	solving := s.tokens(1)[0]
	open := s.challengeIn(s.mustGet("/v1/items/i1", solving, from))
	codes := s.binds("acme", s.secret, from, 20)
	if codes["address_blocked"] == 0 {
		t.Fatalf("nothing was blocked: %v", codes)
	}
	if a := s.solve(open, solving, from); a.code() != "" {
		t.Fatalf("the answer, during the block: %s", a.code())
	}
	for range 2 {
		if a := s.mustGet("/v1/items/i1", s.tokens(1)[0], from); a.code() != "address_blocked" || a.Error.RetryAfter == nil {
			t.Errorf("a new token: %q", a.code())
		}
		for _, token := range []string{cleared, solving} {
			if a := s.mustGet("/v1/items/i1", token, from); a.code() != "" {
				t.Errorf("a token that was cleared before: %q", a.code())
			}
		}
		s.must(s.Stop()) // and through a restart
		s.client.CloseIdleConnections()
		s.must(s.Start())
	}
	if a := s.mustGet("/v1/items/i1", cleared, "192.0.2.2"); a.code() != "token_hijacked" {
		t.Errorf("its copy elsewhere: %q", a.code())
	}
	s.command("address", "block", from)
	if a := s.mustGet("/v1/items/i1", solving, from); a.code() != "address_blocked" {
		t.Errorf("blocked by an operator: %q", a.code())
	}
}

// TestS50TenantsApart: a hostile tenant gets its own new tokens blocked at an
// address, and no other tenant's challenged; the list says whose they are.
func TestS50TenantsApart(t *testing.T) {
	s := newStrictSite(t, trusting)
	secret, err := s.Tenant("hostile")
	s.must(err)
	const from = "192.0.2.1"
	codes := s.binds("hostile", secret, from, 70)
	if codes["address_blocked"] != 20 || codes["challenge_required"] != 25 {
		t.Errorf("the hostile tenant: %v, want 25 answered, 25 challenged, 20 blocked", codes)
	}
	if codes := s.binds("acme", s.secret, from, 25); codes[""] != 25 {
		t.Errorf("the other tenant: %v, want 25 answered", codes)
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
	if codes := s.binds("hostile", secret, from, 1); codes[""] != 1 {
		t.Errorf("lifted by an operator: %v", codes)
	}
}

// bigCorpus imports n items, so that records count: 7,500 are needed.
func (s *site) bigCorpus(n int) {
	s.t.Helper()
	var corpus strings.Builder
	for i := range n {
		fmt.Fprintf(&corpus, `{"id":"big%d","title":"%s %s %d"}`+"\n", i, words[i%len(words)], words[i/len(words)%len(words)], i)
	}
	s.write("big.jsonl", corpus.String())
	s.command("content", "import", "big.jsonl")
}

// words are what titles of a corpus begin with.
var words = func() (all []string) {
	for _, a := range strings.Fields("ba de fi go ku la me no pi ra se to vu wa xe zo") {
		for _, b := range strings.Fields("bar dek fin gol kum lat mer nos pin rat ses tov vul wax") {
			all = append(all, a+b)
		}
	}
	return all
}()

// TestS50RecordsAcrossTenants: the tokens of ten tenants deliver no more from
// one address than those of one. Over that it is crowded for all, by work only,
// and never blocked.
func TestS50RecordsAcrossTenants(t *testing.T) {
	s := newStrictSite(t, trusting)
	s.bigCorpus(8000)
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
				t.Fatalf("%s: a %s", client, p.Kind)
			}
		}
	}
	if delivered != 375 {
		t.Errorf("%d records were delivered to ten tenants' tokens, want 375", delivered)
	}
	secret, err := s.Tenant("last")
	s.must(err)
	if codes := s.binds("last", secret, from, 25); codes["challenge_required"] != 25 { // nobody solves them
		t.Errorf("over a shared budget: %v, want 25 challenged", codes)
	}
	token := s.tokens(1)[0]
	a := s.mustGet("/v1/items?limit=20", token, from)
	if a.code() != "challenge_required" {
		t.Fatalf("over the budget: %q", a.code())
	}
	if a := s.solve(s.challengeIn(a), token, from); a.code() != "" {
		t.Fatal(a.code())
	}
	if a := s.mustGet("/v1/items?limit=20", token, from); a.code() != "" {
		t.Errorf("a visitor who has worked: %s", a.code())
	}
}
