package handlers

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
)

// behind asks as one visitor behind a trusted proxy.
func (s *site) behind(visitor, token string) (code string) {
	s.Helper()
	rec := s.do(ask{path: "/v1/items/one?client_id=acme", from: "10.0.0.1", header: http.Header{
		"Authorization": {"Bearer " + token}, "X-Forwarded-For": {visitor},
	}})
	_, code, _ = strings.Cut(rec.Body.String(), `"code":"`)
	code, _, _ = strings.Cut(code, `"`)
	return code
}

// TestS33OneHousehold checks that 10,000 addresses of one /64 are one address: a token continues
// from any of them, and they have one budget and one block.
func TestS33OneHousehold(t *testing.T) {
	s := newSite(t)
	s.TrustedProxies = proxies
	s.policy.Token.Calls = 20_000
	s.policy.Token.Records = 20_000
	s.addresses.SetPolicy(addresses.Policy{Bindings: 25, Per: time.Hour, Then: addresses.ThenBlock, Block: []time.Duration{time.Hour}})
	var family [25]string
	for i := range family {
		family[i] = s.mint()
	}
	for n := range 10_000 {
		visitor := fmt.Sprintf("2001:db8:7:8:%x:%x:%x:%x", n&7, n>>3, 1, n)
		if code := s.behind(visitor, family[n%len(family)]); code != "" {
			t.Fatalf("%s: %s", visitor, code)
		}
	}
	if n := len(s.addresses.store.states); n != 3 { // itself, and the networks around it
		t.Errorf("%d addresses are remembered", n)
	}
	if code := s.behind("2001:db8:7:8::1", s.mint()); code != "address_blocked" {
		t.Errorf("the 26th token: %q", code)
	}
	if code := s.behind("2001:db8:7:8:ffff::1", s.mint()); code != "address_blocked" {
		t.Errorf("elsewhere in the house: %q", code)
	}
	if code := s.behind("2001:db8:7:8:ffff::1", family[0]); code != "" {
		t.Errorf("a token that was cleared before the block: %q", code)
	}
	if code := s.behind("2001:db8:7:9::1", s.mint()); code != "" {
		t.Errorf("next door: %q", code)
	}
}

// TestS35ForgedHeaders checks that a caller that forges headers can block only itself: its own
// address is counted and blocked.
func TestS35ForgedHeaders(t *testing.T) {
	s := newSite(t)
	s.TrustedProxies = proxies
	s.crowd(addresses.ThenBlock)
	const victim, attacker = "203.0.113.5", "198.51.100.66"
	own := s.mint()
	path := with("/v1/items/one", "client_id", "acme", "access_token", own)
	if rec := s.do(ask{path: path, from: victim}); rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for range 30 {
		s.do(ask{path: "/v1/items/one?client_id=acme", from: attacker, header: http.Header{
			"Authorization": {"Bearer " + s.mint()}, "X-Forwarded-For": {victim}, "X-Real-Ip": {victim},
			"Forwarded": {"for=" + victim}, "True-Client-Ip": {victim}, "Cf-Connecting-Ip": {victim},
		}})
	}
	if _, blocked := s.addresses.BlockedByRule(netip.MustParseAddr(attacker), 1, s.now); !blocked {
		t.Error("the attacker is not blocked: this test says nothing")
	}
	if rec := s.do(ask{path: path, from: victim}); rec.Code != 200 {
		t.Errorf("the victim: %d %s", rec.Code, rec.Body)
	}
	if got := s.bindings(victim); got != 1 {
		t.Errorf("the victim's address has %d bindings", got)
	}
}

// TestS35ProxyHeaders checks that entries that an attacker writes into a header before the proxy's
// own entry have no effect.
func TestS35ProxyHeaders(t *testing.T) {
	s := newSite(t)
	s.TrustedProxies = proxies
	s.crowd(addresses.ThenBlock)
	for range 30 {
		s.behind("203.0.113.5, 198.51.100.66", s.mint())
	}
	if code := s.behind("203.0.113.5", s.mint()); code != "" {
		t.Errorf("the victim: %q", code)
	}
	if code := s.behind("198.51.100.66", s.mint()); code != "address_blocked" {
		t.Errorf("the attacker: %q", code)
	}
}

// TestS35CopiedToken checks that a copied token dies where it is used elsewhere, and that nothing
// else happens to its owner: the address keeps its state, and continues with a new token. From
// elsewhere, a copy can't be used up or challenged, and can't fail a challenge.
func TestS35CopiedToken(t *testing.T) {
	const owner, attacker = "203.0.113.5", "198.51.100.66"
	for _, path := range []string{"/v1/items", "/v1/suggest?q=o", "/v1/token", "/v1/challenges/{id}/answer?answer=0", "/v1/challenges/{id}/reload"} {
		s := newSite(t)
		s.crowd(addresses.ThenBlock)
		s.policy.Token.SpikeCalls = 1
		token := s.mint()
		mine := func(path, token string) string {
			rec := s.do(ask{path: with(path, "client_id", "acme", "access_token", token), from: owner})
			return rec.Body.String()
		}
		mine(itemsPath, token)
		_, open, _ := strings.Cut(mine(itemsPath, token), `"challenge":{"id":"`)
		id, _, _ := strings.Cut(open, `"`)
		copied := ask{path: with(strings.Replace(path, "{id}", id, 1), "client_id", "acme", "access_token", token), from: attacker}
		for range 50 {
			if rec := s.do(copied); rec.Code != 401 || !strings.Contains(rec.Body.String(), `"token_hijacked"`) {
				t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
			}
		}
		for a, state := range s.addresses.store.states {
			if a != addresses.OfTenant(netip.MustParseAddr(owner), 1) || state.Until != 0 {
				t.Errorf("%s: %v has %+v", path, a, state)
			}
		}
		if got := s.bindings(owner); got != 1 {
			t.Errorf("%s: the owner's address has %d bindings", path, got)
		}
		if body := mine(itemsPath, s.mint()); !strings.HasPrefix(body, `{"data":`) {
			t.Errorf("%s: the owner's next token: %s", path, body)
		}
	}
}

// TestS35OthersChallenges checks that a caller without the token can do nothing with its challenge
// except view the picture.
func TestS35OthersChallenges(t *testing.T) {
	s := newSite(t)
	token, attacker := s.mint(), s.mint()
	id := s.askPicture(token).ID
	for range 20 {
		s.reply(id, "0", attacker)
		s.exchange(id, attacker)
		s.reply(id, "0", "x")
		s.do(ask{path: "/v1/challenges/" + id + pictureFile, from: "198.51.100.66"})
	}
	if rec := s.reply(id, s.solve(id), token); rec.Code != 200 {
		t.Errorf("the owner's answer: %d %s", rec.Code, rec.Body)
	}
}

// TestRefusalsAreNotCounted checks that a thousand refused requests of a challenged token leave its
// address unchanged.
func TestRefusalsAreNotCounted(t *testing.T) {
	s := newSite(t)
	s.crowd(addresses.ThenChallenge)
	s.policy.Token.Ignored = 255
	token := s.mint()
	s.spike(token)
	before := s.addresses.store.states[addresses.OfTenant(netip.MustParseAddr("192.0.2.1"), 1)]
	for range 500 {
		s.get(itemsPath, token)
		s.do(ask{path: itemsPath + "?client_id=acme&access_token=x"})
	}
	if after := s.addresses.store.states[addresses.OfTenant(netip.MustParseAddr("192.0.2.1"), 1)]; after != before {
		t.Errorf("%+v became %+v", before, after)
	}
}

// TestCrowdedAddressSolves checks that a crowded address that solves its work is not blocked.
func TestCrowdedAddressSolves(t *testing.T) {
	s := newSite(t)
	s.crowd(addresses.ThenChallenge)
	for n := range 20 {
		token := s.mint()
		rec := s.get(itemsPath, token)
		if rec.Code == 429 {
			task := s.taskOf(rec)
			if rec = s.reply(task.ID, s.solve(task.ID), token); rec.Code != 200 {
				t.Fatalf("token %d: %d %s", n, rec.Code, rec.Body)
			}
			rec = s.get(itemsPath, token)
		}
		if rec.Code != 200 {
			t.Errorf("token %d: %d %s", n, rec.Code, rec.Body)
		}
	}
	if _, blocked := s.addresses.BlockedByRule(netip.MustParseAddr("192.0.2.1"), 1, s.now); blocked {
		t.Error("it is blocked")
	}
}

// bindings are what an address has bound in the period.
func (s *site) bindings(a string) (n int) {
	for _, c := range s.addresses.store.states[addresses.OfTenant(netip.MustParseAddr(a), 1)].Counts {
		n += int(c.Bound)
	}
	return n
}
