package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/refusals"
	"stile.example/stile/stiletest"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
)

// carriers lists the ways to send a token and its proof.
var carriers = []struct {
	name, method string
	header, dpop bool // both in headers, with the scheme DPoP
	script       bool
}{
	{"JSONP", "GET", false, false, true}, {"JSON", "GET", false, false, false}, {"form", "POST", false, false, false},
	{"headers", "GET", true, false, false}, {"headers, DPoP", "GET", true, true, false}, {"JSONP, headers", "GET", true, true, true},
	{"form, headers", "POST", true, true, false},
}

// carry sends a request with a token and a proof (or "") in one of the ways.
func (s *site) carry(way int, path, token, text, from string) *httptest.ResponseRecorder {
	s.Helper()
	c, pairs, header := carriers[way], []string{"client_id", "acme"}, http.Header{}
	if c.header {
		scheme := map[bool]string{false: "Bearer ", true: "dpop "}[c.dpop]
		header["Authorization"] = []string{scheme + token}
	} else {
		pairs = append(pairs, "access_token", token)
	}
	if text != "" && c.header {
		header["Dpop"] = []string{text}
	} else if text != "" {
		pairs = append(pairs, "proof", text)
	}
	if c.script {
		pairs = append(pairs, "callback", "cb")
	}
	a := ask{method: c.method, path: path, from: from, header: header}
	if c.method == "POST" {
		a.body = query(pairs...)
	} else {
		a.path = with(path, pairs...)
	}
	return s.do(a)
}

// proofBy returns a key's proof for a request that is sent in a way.
func (s *site) proofBy(k stiletest.Key, way int, path, token string) string {
	return k.Proof(carriers[way].method, publicURL+path, token, s.now)
}

// TestS7Copied checks, for each way to send a token, that a token bound to a key is its owner's
// only. A copy of the request is refused, from the same address and from another, with its proof,
// without one, and with another key's. The owner continues, from anywhere.
func TestS7Copied(t *testing.T) {
	for way, c := range carriers {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			owner, other, token := stiletest.NewKey(), stiletest.NewKey(), s.mint()
			expect := func(code codes.Code, rec *httptest.ResponseRecorder) {
				t.Helper()
				want := `{"data":`
				if code != "" {
					want = `"code":"` + string(code) + `"`
				}
				if !strings.Contains(rec.Body.String(), want) || !c.script && rec.Code != max(200, statusOf(code)) {
					t.Errorf("want %q: %d %s", code, rec.Code, rec.Body)
				}
			}
			used := s.proofBy(owner, way, itemsPath, token)
			expect("", s.carry(way, itemsPath, token, used, ""))
			before := s.tokens.states[s.idOf(token)]
			if before.Bound.Kind != tokens.ToKey {
				t.Fatalf("bound to %v", before.Bound)
			}
			for _, from := range []string{"", "203.0.113.9"} {
				expect(codes.ProofInvalid, s.carry(way, itemsPath, token, used, from))
				expect(codes.ProofInvalid, s.carry(way, itemsPath, token, "", from))
				expect(codes.ProofInvalid, s.carry(way, itemsPath, token, s.proofBy(owner, way, "/v1/token", token), from))
				expect(codes.ProofInvalid, s.carry(way, itemsPath, token, "garbage", from))
				expect(codes.TokenHijacked, s.carry(way, itemsPath, token, s.proofBy(other, way, itemsPath, token), from))
			}
			if after := s.tokens.states[s.idOf(token)]; after != before {
				t.Errorf("after the foreign key: %+v before, now\n%+v", before, after)
			}
			rec := s.carry(way, itemsPath, token, used, "")
			if !strings.Contains(rec.Body.String(), fmt.Sprintf(`"now":%d}`, start.Unix())) || !strings.Contains(rec.Body.String(), `"renewable":false`) {
				t.Errorf("the server's time is missing: %s", rec.Body)
			}
			expect("", s.carry(way, itemsPath, token, s.proofBy(owner, way, itemsPath, token), "203.0.113.9"))
			expect("", s.carry(way, itemsPath+"/one", token, s.proofBy(owner, way, itemsPath+"/one", token), ""))
			rec = s.carry(way, "/v1/token", token, s.proofBy(owner, way, "/v1/token", token), "")
			if !strings.Contains(rec.Body.String(), `{"data":{"binding":"key","calls":3,`) {
				t.Errorf("/v1/token: %s", rec.Body)
			}
		})
	}
}

func statusOf(code codes.Code) int {
	if code == "" {
		return 200
	}
	return infoOf(code).Status
}

// idOf returns a token's ID.
func (s *site) idOf(token string) tokens.ID {
	s.Helper()
	c, err := s.Verifier.Verify(token, s.now)
	s.must(err)
	return c.ID
}

// TestProofs checks the outcomes of valid, invalid and missing proofs.
func TestProofs(t *testing.T) {
	k := stiletest.NewKey()
	is := func(s *site, token string) string { return k.Proof("GET", publicURL+itemsPath, token, s.now) }
	for _, c := range []struct {
		name   string
		set    func(s *site)
		ask    func(s *site, token string) ask
		code   codes.Code // "": none
		detail string
		binds  tokens.BindingKind
	}{
		{"good", nil, func(s *site, token string) ask {
			return ask{path: itemsPath, header: both("Bearer", token, is(s, token))}
		}, "", "", tokens.ToKey},
		{"none", nil, func(s *site, token string) ask { return ask{path: itemsPath, header: both("Bearer", token, "")} }, "", "", tokens.ToAddress},
		{"an empty parameter is ignored", nil, func(s *site, token string) ask {
			return ask{path: itemsPath + "?proof=", header: both("Bearer", token, "")}
		}, "", "", tokens.ToAddress},
		{"in header and parameter", nil, func(s *site, token string) ask {
			return ask{path: itemsPath + "?proof=" + is(s, token), header: both("Bearer", token, is(s, token))}
		}, codes.BadRequest, "the proof is given more than once", 0},
		{"two parameters", nil, func(s *site, token string) ask {
			return ask{path: itemsPath + "?proof=" + is(s, token) + "&proof=x", header: both("Bearer", token, "")}
		}, codes.BadRequest, "the proof is given more than once", 0},
		{"two headers", nil, func(s *site, token string) ask {
			h := both("Bearer", token, is(s, token))
			h["Dpop"] = append(h["Dpop"], "x")
			return ask{path: itemsPath, header: h}
		}, codes.BadRequest, "the proof is given more than once", 0},
		{"the scheme DPoP without one", nil, func(s *site, token string) ask { return ask{path: itemsPath, header: both("DPoP", token, "")} },
			codes.ProofInvalid, infoOf(codes.ProofInvalid).Detail, 0},
		{"an invalid one binds nothing", nil, func(s *site, token string) ask { return ask{path: itemsPath, header: both("Bearer", token, "a.b")} },
			codes.ProofInvalid, "The request's proof is invalid: it is not a JWT of three parts.", 0},
		{"old", nil, func(s *site, token string) ask {
			return ask{path: itemsPath, header: both("Bearer", token, k.Proof("GET", publicURL+itemsPath, token, s.now.Add(-61*time.Second)))}
		}, codes.ProofInvalid, "The request's proof is invalid: iat is more than 60 seconds ago.", 0},
		{"of another server", nil, func(s *site, token string) ask {
			return ask{path: itemsPath, header: both("Bearer", token, k.Proof("GET", "https://evil.example"+itemsPath, token, s.now))}
		}, codes.ProofInvalid, "The request's proof is invalid: htu is not the request's URL.", 0},
		{"where a key is required", func(s *site) { s.policy.Token.Binding = tokens.ByKey }, func(s *site, token string) ask {
			return ask{path: itemsPath, header: both("Bearer", token, "")}
		}, codes.ProofInvalid, infoOf(codes.ProofInvalid).Detail, 0},
		{"where only addresses bind", func(s *site) { s.policy.Token.Binding = tokens.ByAddress }, func(s *site, token string) ask {
			return ask{path: itemsPath, header: both("Bearer", token, "a.b")}
		}, "", "", tokens.ToAddress},
		{"the scheme DPoP always needs a valid one", func(s *site) { s.policy.Token.Binding = tokens.ByAddress }, func(s *site, token string) ask {
			return ask{path: itemsPath, header: both("DPoP", token, "a.b")}
		}, codes.ProofInvalid, "The request's proof is invalid: it is not a JWT of three parts.", 0},
		{"in a URL, with-proof", func(s *site) { s.policy.QueryTokens = QueryTokensProof }, func(s *site, token string) ask {
			return ask{path: with(itemsPath, "access_token", token, "proof", is(s, token))}
		}, "", "", tokens.ToKey},
		{"in a URL, with-proof, and none", func(s *site) { s.policy.QueryTokens = QueryTokensProof }, func(s *site, token string) ask {
			return ask{path: with(itemsPath, "access_token", token)}
		}, codes.BadRequest, "access_token must not be in a URL without a proof: the tenant's setting query_tokens allows it in a form or a header", 0},
		{"in a URL, with-proof, and an invalid one", func(s *site) { s.policy.QueryTokens, s.policy.Token.Binding = QueryTokensProof, tokens.ByAddress }, func(s *site, token string) ask {
			return ask{path: with(itemsPath, "access_token", token, "proof", "x")}
		}, codes.ProofInvalid, "The request's proof is invalid: it is not a JWT of three parts.", 0},
		{"just started", func(s *site) { s.Proofs = proof.NewChecker(start) }, func(s *site, token string) ask {
			return ask{path: itemsPath, header: both("Bearer", token, is(s, token))}
		}, codes.Overloaded, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			if c.set != nil {
				c.set(s)
			}
			token := s.mint()
			a := c.ask(s, token)
			a.path = with(a.path, "client_id", "acme")
			rec := s.do(a)
			if c.code == "" && rec.Code != 200 || c.code != "" && (rec.Code != statusOf(c.code) || !strings.Contains(rec.Body.String(), `"code":"`+string(c.code)+`"`) || !strings.Contains(rec.Body.String(), c.detail)) {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
			if got := s.tokens.states[s.idOf(token)].Bound.Kind; got != c.binds {
				t.Errorf("bound to %v, want %v", got, c.binds)
			}
		})
	}
}

// both returns the headers of a token, with a scheme, and of a proof.
func both(scheme, token, text string) http.Header {
	h := http.Header{"Authorization": {scheme + " " + token}}
	if text != "" {
		h["Dpop"] = []string{text}
	}
	return h
}

// TestProofOfDeadToken checks that the proof of a token that is known to be dead is not checked.
func TestProofOfDeadToken(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	s.revokeToken(token)
	s.get(itemsPath, token)
	if rec := s.do(ask{path: itemsPath + "?client_id=acme", header: both("DPoP", token, "x")}); !strings.Contains(rec.Body.String(), `"code":"token_revoked"`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestSchemes checks that a response with 401 lists the schemes for tokens, and has the error at
// the scheme that was used.
func TestSchemes(t *testing.T) {
	const bearer, dpop = `Bearer realm="stile"`, `DPoP realm="stile", algs="ES256 EdDSA Ed25519"`
	s := newSite(t)
	for _, c := range []struct {
		name   string
		header http.Header
		want   [2]string
	}{
		{"no token", nil, [2]string{bearer, dpop}},
		{"a bad token", both("Bearer", "x", ""), [2]string{bearer + `, error="invalid_token", error_description="token_invalid"`, dpop}},
		{"a bad token, proven", both("DPoP", "x", "y"), [2]string{bearer, dpop + `, error="invalid_token", error_description="token_invalid"`}},
		{"no proof", both("DPoP", s.mint(), ""), [2]string{bearer, dpop + `, error="invalid_dpop_proof", error_description="proof_invalid"`}},
		{"an invalid proof", both("Bearer", s.mint(), "y"), [2]string{bearer, dpop + `, error="invalid_dpop_proof", error_description="proof_invalid"`}},
	} {
		rec := s.do(ask{path: itemsPath + "?client_id=acme", header: c.header})
		if got := rec.Header()["Www-Authenticate"]; rec.Code != 401 || fmt.Sprint(got) != fmt.Sprint(c.want[:]) {
			t.Errorf("%s: %d\n got %q\nwant %q", c.name, rec.Code, got, c.want)
		}
	}
}

// TestKeysAreRecorded checks that bindings to keys are counted and refusals explained. A hijack is
// stored; a missing proof is not.
func TestKeysAreRecorded(t *testing.T) {
	s := newSite(t)
	s.policy.Token.RoamAddresses = 1
	k, token := stiletest.SameKey(), s.mint()
	call := func(by stiletest.Key, from string) refusals.Refusal {
		s.carry(3, itemsPath, token, s.proofBy(by, 3, itemsPath, token), from)
		return s.notes.last()
	}
	call(k, "")
	if !strings.Contains(s.metrics(), `stile_bindings_total{mode="key"} 1`) {
		t.Error("the binding is not counted")
	}
	for _, c := range []struct {
		got    refusals.Refusal
		code   codes.Code
		rule   string
		limit  int64
		stored bool
	}{
		{call(stiletest.NewKey(), ""), codes.TokenHijacked, "binding", 0, true},
		{func() refusals.Refusal { s.carry(3, itemsPath, token, "", ""); return s.notes.last() }(), codes.ProofInvalid, "binding", 0, false},
		{func() refusals.Refusal { s.carry(3, itemsPath, token, "x", ""); return s.notes.last() }(), codes.ProofInvalid, "proof", 0, false},
		{call(k, "203.0.113.9"), codes.ChallengeRequired, "roaming.addresses", 1, true},
	} {
		if c.got.Code != string(c.code) || c.got.Rule != c.rule || c.got.Limit != c.limit || s.notes.kept[c.got.Ref] != c.stored || !strings.HasPrefix(c.got.Identity, "token ") {
			t.Errorf("%s: %+v, stored: %v", c.code, c.got, s.notes.kept[c.got.Ref])
		}
	}
}

// TestKeysObserved checks that observed hijacks and roaming are recorded and admitted.
func TestKeysObserved(t *testing.T) {
	s := newSite(t)
	s.policy.Token.RoamAddresses, s.policy.Token.Observe.Hijack = 1, true
	k, token := stiletest.SameKey(), s.mint()
	for _, c := range []struct {
		by         stiletest.Key
		from, rule string
	}{{k, "", ""}, {k, "203.0.113.9", "roaming.addresses"}, {stiletest.NewKey(), "203.0.113.9", "binding"}} {
		rec := s.carry(1, itemsPath, token, s.proofBy(c.by, 1, itemsPath, token), c.from)
		if f := s.notes.last(); rec.Code != 200 || f.Rule != c.rule || f.Observed != (c.rule != "") {
			t.Errorf("%q: %d, %+v", c.rule, rec.Code, f)
		}
	}
}

// TestKilledByForeignKey checks that a foreign key kills a token if the policy says so.
func TestKilledByForeignKey(t *testing.T) {
	s := newSite(t)
	s.policy.Token.KillOnForeignKey = true
	k, token := stiletest.NewKey(), s.mint()
	for n, by := range []stiletest.Key{k, stiletest.NewKey(), k} {
		rec := s.carry(1, itemsPath, token, s.proofBy(by, 1, itemsPath, token), "")
		if n == 0 && rec.Code != 200 || n > 0 && !strings.Contains(rec.Body.String(), `"code":"token_hijacked"`) {
			t.Errorf("call %d: %d %s", n, rec.Code, rec.Body)
		}
	}
}

// naming is a verifier of tokens that name their key, as those of external issuers may.
type naming struct {
	with interface {
		Verify(token string, now time.Time) (bearer.Claims, error)
	}
	key stiletest.Key
}

func (n naming) Verify(token string, now time.Time) (bearer.Claims, error) {
	c, err := n.with.Verify(token, now)
	p, _ := proof.NewChecker(time.Time{}).Check(n.key.Proof("GET", publicURL, "t", now), proof.Request{Method: "GET", URL: publicURL, Token: "t"}, now)
	c.Confirmation = p.Thumbprint
	return c, err
}

func (n naming) VerifyFrom(token string, _ bearer.Source, now time.Time) (bearer.Claims, error) {
	return n.Verify(token, now)
}

// TestNamedKey checks that a token that names its key is valid only with that key, from its first
// call, whatever the setting.
func TestNamedKey(t *testing.T) {
	for _, mode := range []tokens.Mode{tokens.Auto, tokens.ByAddress, tokens.ByKey} {
		s := newSite(t)
		s.policy.Token.Binding = mode
		k, token := stiletest.NewKey(), s.mint()
		s.Verifier = naming{s.Verifier, k}
		for n, c := range []struct {
			proof string
			code  codes.Code
		}{
			{"", codes.ProofInvalid}, {s.proofBy(stiletest.NewKey(), 1, itemsPath, token), codes.TokenHijacked}, {"x", codes.ProofInvalid},
			{s.proofBy(k, 1, itemsPath, token), ""}, {"", codes.ProofInvalid}, {s.proofBy(k, 1, itemsPath, token), ""},
		} {
			rec := s.carry(1, itemsPath, token, c.proof, "")
			if rec.Code != statusOf(c.code) || c.code != "" && !strings.Contains(rec.Body.String(), `"code":"`+string(c.code)+`"`) {
				t.Errorf("mode %d, call %d: %d %s", mode, n, rec.Code, rec.Body)
			}
		}
	}
}

// TestS34OnePerson checks that all tokens of a key are one binding of their address.
func TestS34OnePerson(t *testing.T) {
	s := newSite(t)
	s.addresses.SetPolicy(addresses.Policy{Bindings: 2, Per: time.Hour, SolveRatio: 0.2, Block: []time.Duration{time.Hour}})
	k := stiletest.NewKey()
	for n := range 12 {
		token := s.mint()
		if rec := s.carry(2, itemsPath, token, s.proofBy(k, 2, itemsPath, token), ""); rec.Code != 200 {
			t.Fatalf("token %d of one key: %d %s", n, rec.Code, rec.Body)
		}
	}
	for n := range 2 {
		if rec := s.get(itemsPath, s.mint()); rec.Code != map[int]int{0: 200, 1: 429}[n] {
			t.Errorf("token %d of nobody's: %d %s", n, rec.Code, rec.Body)
		}
	}
}

// TestProofsOfItems checks that a proof contains the URL of an item, however it is spelled, without
// the query.
func TestProofsOfItems(t *testing.T) {
	s := newSite(t)
	k, token := stiletest.NewKey(), s.mint()
	for path, want := range map[string]int{"/v1/items/one": 200, "/v1/items/%6Fne": 200, "/v1/items/one?q=a": 200, "/v1/items/none": 404} {
		u, _ := url.Parse(path)
		header := both("DPoP", token, k.Proof("GET", publicURL+strings.ReplaceAll(u.Path, "none", "non%65"), token, s.now))
		if rec := s.do(ask{path: with(path, "client_id", "acme"), header: header}); rec.Code != want {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}

// lenient accepts any answer. Finding the correct one would take the test too long.
type lenient struct{ Challenges }

func (lenient) IsCorrect(string, string) bool { return true }

// TestS34PeopleWithKeys checks that 2,000 people with keys who come from one address within an hour
// are all admitted. None is blocked or gets a picture.
func TestS34PeopleWithKeys(t *testing.T) {
	s := newSite(t)
	s.addresses.SetPolicy(addresses.Policy{Bindings: 25, Per: time.Hour, SolveRatio: 0.2, Block: []time.Duration{time.Hour}})
	s.Challenges = lenient{s.Challenges}
	const way = 3 // in headers
	works := 0
	for n := range 2000 {
		s.now = start.Add(time.Duration(n) * 1800 * time.Millisecond)
		k, token := stiletest.NewKey(), s.mint()
		rec := s.carry(way, itemsPath, token, s.proofBy(k, way, itemsPath, token), "")
		if rec.Code == 429 {
			task := s.taskOf(rec)
			if task.Kind != "work" {
				t.Fatalf("person %d is shown a %s", n, task.Kind)
			}
			works++
			path := "/v1/challenges/" + task.ID + "/answer"
			if rec := s.carry(way, path+"?answer=1", token, s.proofBy(k, way, path, token), ""); rec.Code != 200 {
				t.Fatalf("person %d answers: %d %s", n, rec.Code, rec.Body)
			}
			rec = s.carry(way, itemsPath, token, s.proofBy(k, way, itemsPath, token), "")
		}
		if rec.Code != 200 {
			t.Fatalf("person %d: %d %s", n, rec.Code, rec.Body)
		}
	}
	t.Logf("%d of 2,000 had to solve work", works)
}
