package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// TestExplained checks the whole explanation of each refusal, under the reference in the response.
func TestExplained(t *testing.T) {
	spike := func(s *site, token string) { s.spike(token) }
	for _, c := range []struct {
		name   string
		route  string
		do     func(s *site, token string)
		header http.Header
		want   refusals.Refusal // Identity is the kind; what else is the same for all is left out
		stored bool
	}{
		{"spike", itemsPath, func(s *site, token string) {
			s.policy.Token.SpikeCalls = 3
			s.get(itemsPath, token)
			s.get(itemsPath, token)
			s.get(itemsPath, token)
		}, nil,
			refusals.Refusal{Code: "challenge_required", Rule: "spike.calls", Limit: 3, Seen: 3, Identity: "token"}, true},
		{"suggestions", "/v1/suggest?q=o", func(s *site, token string) { s.policy.Token.SpikeSuggestions = 1; s.get("/v1/suggest?q=o", token) }, nil,
			refusals.Refusal{Code: "challenge_required", Rule: "spike.suggestions", Limit: 1, Seen: 1, Identity: "token"}, true},
		{"still open", itemsPath, func(s *site, token string) { s.spike(token); s.meet(token) }, nil,
			refusals.Refusal{Code: "challenge_required", Rule: "challenge.ignored", Limit: 5, Seen: 2, Identity: "token"}, true},
		{"expired", itemsPath, func(s *site, token string) { s.spike(token); s.now = s.now.Add(time.Hour) }, nil,
			refusals.Refusal{Code: "challenge_required", Rule: "challenge.expires", Limit: 300, Identity: "token"}, true},
		{"crowd", itemsPath, func(s *site, _ string) { s.crowd(addresses.ThenChallenge); s.bindOthers(2) }, nil,
			refusals.Refusal{Code: "challenge_required", Rule: "address.bindings", Limit: 2, Seen: 3, Identity: "address"}, true},
		{"drained", itemsPath, func(s *site, _ string) {
			s.addresses.SetPolicy(addresses.Policy{Bindings: 1000, Per: time.Hour, Records: 1, Block: []time.Duration{time.Hour}})
			s.must(s.addresses.Put(t.Context(), addresses.Entry{Range: netip.MustParsePrefix("192.0.2.1/32"), Kind: addresses.Allow, Bindings: 2}))
			s.do(ask{path: with(itemsPath, "client_id", "acme", "access_token", s.mint())})
			s.policy.Token.Records = 100_000
			s.corpus.many = 29
		}, nil, refusals.Refusal{Code: "challenge_required", Rule: "address.records", Limit: 30, Seen: 40, Identity: "address"}, true},
		{"blocking", itemsPath, func(s *site, _ string) { s.crowd(addresses.ThenBlock); s.bindOthers(2) }, nil,
			refusals.Refusal{Code: "address_blocked", Rule: "address.bindings", Limit: 2, Seen: 3, Identity: "address", Detail: blockedByRule}, true},
		{"wrong", "/v1/challenges/{id}/answer?answer=0", spike, nil,
			refusals.Refusal{Code: "challenge_failed", Rule: "challenge.per_token", Limit: 6, Seen: 2, Identity: "token"}, true},
		{"ignored", itemsPath, func(s *site, token string) { s.policy.Token.Ignored = 0; s.spike(token) }, nil,
			refusals.Refusal{Code: "token_challenge_ignored", Rule: "challenge.ignored", Limit: 0, Seen: 1, Identity: "token"}, true},
		{"too often", "/v1/challenges/{id}/answer?answer=0", func(s *site, token string) { s.policy.Token.PerToken = 1; s.spike(token) }, nil,
			refusals.Refusal{Code: "token_challenged_too_often", Rule: "challenge.per_token", Limit: 1, Seen: 2, Identity: "token"}, true},
		{"not open", "/v1/challenges/x/answer?answer=0", func(*site, string) {}, nil, refusals.Refusal{Code: "not_found", Identity: "token",
			Detail: "The challenge is not open: it was solved or replaced, or it belongs to another token."}, false},
		{"calls", itemsPath, func(s *site, token string) { s.policy.Token.Calls = 1; s.get(itemsPath, token) }, nil,
			refusals.Refusal{Code: "token_exhausted", Rule: "token.calls", Limit: 1, Seen: 1, Identity: "token"}, true},
		{"records", itemsPath, func(s *site, token string) { s.policy.Token.Records = 3; s.get(itemsPath, token) }, nil,
			refusals.Refusal{Code: "token_exhausted", Rule: "token.records", Limit: 3, Seen: 4, Identity: "token"}, true},
		{"used up before", itemsPath, func(s *site, token string) {
			s.policy.Token.Calls = 1
			s.get(itemsPath, token)
			s.get(itemsPath, token)
		}, nil,
			refusals.Refusal{Code: "token_exhausted", Rule: "token.calls or token.records", Identity: "token"}, true},
		{"late", itemsPath, func(s *site, _ string) { s.now = s.now.Add(11 * time.Minute) }, nil,
			refusals.Refusal{Code: "token_expired", Rule: "token.bind_within", Limit: 600, Seen: 660, Identity: "token"}, false},
		{"hijacked", itemsPath, func(s *site, token string) {
			s.do(ask{path: with(itemsPath, "client_id", "acme", "access_token", token), from: "203.0.113.9"})
		}, nil, refusals.Refusal{Code: "token_hijacked", Rule: "binding", Identity: "token",
			Detail: "the token is bound to the address 203.0.113.0/24 by its first call, at 2026-11-22T12:00:00Z"}, true},
		{"hijacked by another", itemsPath, func(s *site, token string) {
			s.get(itemsPath, token)
			s.do(ask{path: with(itemsPath, "client_id", "acme", "access_token", token), from: "203.0.113.9"})
		}, nil, refusals.Refusal{Code: "token_hijacked", Rule: "binding", Identity: "token",
			Detail: "the token is bound to the address 192.0.2.0/24 by its first call, at 2026-11-22T12:00:00Z; a call from another address killed it"}, true},
		{"revoked", itemsPath, func(s *site, token string) { s.revokeToken(token) }, nil, refusals.Refusal{Code: "token_revoked", Identity: "token"}, true},
		{"blocked", itemsPath, func(s *site, _ string) { s.block("192.0.2.0/24", time.Time{}) }, nil,
			refusals.Refusal{Code: "address_blocked", Rule: "address list", Identity: "address", Detail: "blocked by an operator permanently"}, true},
		{"page", itemsPath, func(s *site, _ string) { onSite(s) }, http.Header{"Origin": {"https://evil.example"}},
			refusals.Refusal{Code: "client_mismatch", Rule: "sites", Page: "https://evil.example", Identity: "token",
				Detail: "Origin: https://evil.example"}, true},
		{"month", itemsPath, func(s *site, token string) {
			s.change(func(t *tenants.Tenant) { t.CallsPerMonth = 1 })
			s.get(itemsPath, token)
		}, nil, refusals.Refusal{Code: "tenant_exhausted", Rule: "calls_per_month", Limit: 1, Seen: 1, Identity: "tenant"}, true},
		{"suspended", itemsPath, func(s *site, _ string) { s.change(func(t *tenants.Tenant) { t.Status = tenants.Suspended }) }, nil,
			refusals.Refusal{Code: "tenant_suspended", Identity: "tenant"}, true},
		{"content", itemsPath, func(s *site, _ string) { s.corpus.fault = errDisk }, nil, refusals.Refusal{Code: "overloaded", Identity: "token"}, true},
		{"nothing", itemsPath + "/none", func(*site, string) {}, nil, refusals.Refusal{Code: "not_found", Identity: "token",
			Detail: "This item is no longer available, or this site may not show it."}, false},
		{"limit", itemsPath + "?limit=0", func(*site, string) {}, nil, refusals.Refusal{Code: "bad_request", Identity: "token", Detail: "limit must be a number from 1 to 50"}, false},
	} {
		s := newSite(t)
		token := s.mint()
		claims, err := s.Verifier.Verify(token, s.now)
		s.must(err)
		c.do(s, token)
		rec := s.do(ask{path: with(strings.Replace(c.route, "{id}", s.asked, 1), "client_id", "acme", "access_token", token), header: c.header})
		who := map[string]string{"token": "token " + claims.JTI, "address": "address 192.0.2.0/24", "tenant": "tenant acme"}
		want := c.want
		want.Ref, want.At, want.Identity, want.Address, want.Tenant, want.Token = refOf(rec), s.now, who[want.Identity], "192.0.2.0/24", "acme", claims.ID
		if want.Rule == "address list" {
			want.Tenant, want.Token = "", tokens.ID{} // who calls is not asked
		}
		if got := s.notes.last(); got != want || s.notes.kept[got.Ref] != c.stored {
			t.Errorf("%s:\n got %+v, stored %v\nwant %+v\n%s", c.name, got, s.notes.kept[got.Ref], want, rec.Body)
		}
	}
}

func refOf(rec *httptest.ResponseRecorder) string {
	_, ref, _ := strings.Cut(rec.Body.String(), `"ref":"`)
	ref, _, _ = strings.Cut(ref, `"`)
	return ref
}

// TestMalformedInputIsNotStored checks that a refusal that does not depend on stored state is not
// stored, and names only the tenant that the request names.
func TestMalformedInputIsNotStored(t *testing.T) {
	s := newSite(t)
	for path, want := range map[string]refusals.Refusal{
		"/v1/items?access_token=x&client_id=acme": {Tenant: "acme", Code: "token_invalid", Detail: "not three parts", Identity: "address 192.0.2.0/24", Address: "192.0.2.0/24"},
		"/v1/items":                         {Code: "token_missing", Identity: "address 192.0.2.0/24", Address: "192.0.2.0/24"},
		"/nowhere":                          {Code: "not_found", Identity: "address 192.0.2.0/24", Address: "192.0.2.0/24"},
		"/v1/items?callback=cb&callback=cb": {Code: "bad_callback", Identity: "address 192.0.2.0/24", Address: "192.0.2.0/24"},
		"/v1/challenges/x/picture.png?lang=": {Code: "not_found", Identity: "address 192.0.2.0/24", Address: "192.0.2.0/24",
			Detail: "There is no such challenge, or it has no picture and no sound."},
	} {
		rec := s.do(ask{path: path})
		want.Ref, want.At = refOf(rec), s.now
		if got := s.notes.last(); got != want || s.notes.kept[got.Ref] {
			t.Errorf("%s: %+v, stored %v, want %+v", path, got, s.notes.kept[got.Ref], want)
		}
	}
}

// TestObserved checks that a request against an observed rule is admitted, recorded and counted,
// and that the same request is refused if the rule is not observed.
func TestObserved(t *testing.T) {
	for _, c := range []struct {
		name    string
		observe func(*Policy)
		do      func(s *site, token string)
		route   string
		ask     ask
		want    refusals.Refusal
	}{
		{"hijack", func(p *Policy) { p.Token.Observe.Hijack = true }, func(s *site, token string) { s.get(itemsPath, token) }, itemsPath,
			ask{from: "203.0.113.9"}, refusals.Refusal{Code: "token_hijacked", Rule: "binding", Address: "203.0.113.0/24",
				Detail: "the token is bound to the address 192.0.2.0/24 by its first call, at 2026-11-22T12:00:00Z"}},
		{"spike", func(p *Policy) { p.Token.Observe.Spike = true }, func(s *site, token string) { s.policy.Token.SpikeCalls = 1; s.get(itemsPath, token) }, itemsPath,
			ask{}, refusals.Refusal{Code: "challenge_required", Rule: "spike.calls", Limit: 1, Seen: 2, Address: "192.0.2.0/24"}},
		{"suggestions", func(p *Policy) { p.Token.Observe.Spike = true }, func(s *site, token string) {
			s.policy.Token.SpikeSuggestions = 2
			s.get("/v1/suggest?q=o", token)
			s.get("/v1/suggest?q=o", token)
		}, "/v1/suggest?q=o", ask{}, refusals.Refusal{Code: "challenge_required", Rule: "spike.suggestions", Limit: 2, Seen: 3, Address: "192.0.2.0/24"}},
		{"page", func(p *Policy) { p.ObserveClient = true }, func(s *site, _ string) { onSite(s) }, itemsPath,
			ask{header: http.Header{"Origin": {"https://evil.example"}}}, refusals.Refusal{Code: "client_mismatch", Rule: "sites", Page: "https://evil.example", Detail: "Origin: https://evil.example", Address: "192.0.2.0/24"}},
		{"client_id", func(p *Policy) { p.ObserveClient = true }, func(*site, string) {}, "/v1/items?client_id=other", ask{},
			refusals.Refusal{Code: "client_mismatch", Rule: "unknown client_id", Detail: "the request's client_id other is unknown; the token is for acme", Address: "192.0.2.0/24"}},
	} {
		for _, observing := range []bool{true, false} {
			s := newSite(t)
			if observing {
				c.observe(&s.policy)
			}
			token := s.mint()
			claims, err := s.Verifier.Verify(token, s.now)
			s.must(err)
			c.do(s, token)
			c.ask.path = with(c.route, "access_token", token)
			if !strings.Contains(c.route, "client_id") {
				c.ask.path = with(c.ask.path, "client_id", "acme")
			}
			rec := s.do(c.ask)
			got, counted := s.notes.last(), strings.Contains(s.metrics(), `stile_observed_total{code="`+c.want.Code+`",tenant="acme"} 1`)
			if !observing {
				if rec.Code == 200 || got.Observed || counted || got.Code != c.want.Code {
					t.Errorf("%s is not refused: %d %s", c.name, rec.Code, rec.Body)
				}
				continue
			}
			want := c.want
			want.Ref, want.At, want.Tenant, want.Identity, want.Token, want.Observed = got.Ref, s.now, "acme", "token "+claims.JTI, claims.ID, true
			if rec.Code != 200 || got != want || !counted || !s.notes.kept[got.Ref] || len(got.Ref) != 9 {
				t.Errorf("%s: %d %s\n got %+v\nwant %+v; counted %v", c.name, rec.Code, rec.Body, got, want, counted)
			}
			if !strings.Contains(s.lines.String(), `"msg":"observed"`) {
				t.Errorf("%s is not in the log", c.name)
			}
		}
	}
}

// TestObserveClientOnly checks that observing the client does not admit a token that is revoked, or
// whose tenant was removed.
func TestObserveClientOnly(t *testing.T) {
	s := newSite(t)
	s.policy.ObserveClient = true
	token := s.mint()
	s.must(s.Tenants.Remove(t.Context(), "acme"))
	for client, code := range map[string]string{"acme": "token_revoked", "other": "client_mismatch"} {
		rec := s.do(ask{path: with(itemsPath, "client_id", client, "access_token", token)})
		if !strings.Contains(rec.Body.String(), `"code":"`+code+`"`) {
			t.Errorf("%s: %d %s", client, rec.Code, rec.Body)
		}
	}
}

func (s *site) metrics() string {
	rec := httptest.NewRecorder()
	s.Admin().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	return rec.Body.String()
}

// TestLadderMetrics checks the metrics of challenges and addresses.
func TestLadderMetrics(t *testing.T) {
	s := newSite(t)
	s.Metrics.Addresses(func() map[metrics.Listed]int {
		return map[metrics.Listed]int{{Kind: "block"}: 1, {Kind: "block", Tenant: "acme"}: 1, {Kind: "crowded", Tenant: "acme"}: 1, {Kind: "canary"}: 9}
	})
	token := s.mint()
	s.spike(token)
	id := s.taskOf(s.exchange(s.asked, token)).ID
	id = s.taskOf(s.reply(id, "0", token)).ID
	s.reply(id, s.solve(id), token)
	s.get(itemsPath, token)
	s.meet(token)
	crowded := s.mint()
	s.crowd(addresses.ThenChallenge)
	s.bindOthers(1)
	s.get(itemsPath, crowded)
	text := s.metrics()
	for _, line := range []string{
		`stile_challenges_total{kind="work",result="asked"} 3`, `stile_challenges_total{kind="work",result="reloaded"} 1`,
		`stile_challenges_total{kind="work",result="failed"} 1`, `stile_challenges_total{kind="work",result="solved"} 1`,
		`stile_challenges_total{kind="picture",result="asked"} 1`,
		`stile_bindings_total{mode="address"} 3`, `stile_refusals_total{code="challenge_required",tenant="acme"} 3`,
		`stile_addresses{kind="allow"} 0`, `stile_addresses{kind="block"} 2`, `stile_addresses{kind="crowded"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(text, "canary") {
		t.Error("a kind that nobody knows")
	}
	if t.Failed() {
		t.Log(text[strings.Index(text, "stile_"):])
	}
}

// blockedByRule is the detail about an address that bound a token too many.
const blockedByRule = "blocked by a rule, for new tokens of the tenant, until 2026-11-22T12:10:00Z, " +
	"after 3 bindings (limit 2) and 0 of 0 challenges solved"
