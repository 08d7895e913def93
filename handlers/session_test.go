package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/stiletest"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/proof/session"
)

// visitor is a browser with a key, a token and a session.
type visitor struct {
	*site
	key     stiletest.Key
	token   string
	session *stiletest.Session
}

// agree makes a first call, and joins the session that the response offers.
func (s *site) agree(way int) *visitor {
	s.Helper()
	v := &visitor{site: s, key: stiletest.NewKey(), token: s.mint()}
	v.rejoin(way)
	return v
}

// rejoin agrees on another session.
func (v *visitor) rejoin(way int) {
	v.Helper()
	k := stiletest.NewSessionKey()
	rec := v.carry(way, itemsPath, v.token, v.key.ProofWithSession(k, carriers[way].method, publicURL+itemsPath, v.token, v.now), "")
	var err error
	if v.session, err = k.Join(rec.Body.String(), v.token); err != nil {
		v.Fatalf("%v: %s", err, rec.Body)
	}
}

// proof returns a session proof for a request that is sent in a way with carry.
func (v *visitor) proof(way int, path string, more ...string) string {
	v.Helper()
	pairs := append([]string{"client_id", "acme"}, more...)
	if !carriers[way].header {
		pairs = append(pairs, "access_token", v.token)
	}
	path, own, _ := strings.Cut(path, "?")
	text, err := v.session.Proof(carriers[way].method, path, strings.TrimPrefix(own+"&"+query(pairs...), "&"))
	if err != nil {
		v.Fatal(err)
	}
	return text
}

// call makes a call with a new session proof.
func (v *visitor) call(way int, path, from string) *httptest.ResponseRecorder {
	v.Helper()
	return v.carry(way, path, v.token, v.proof(way, path), from)
}

// refusalIn returns the code in a response, "" if there is none.
func refusalIn(rec *httptest.ResponseRecorder) codes.Code {
	_, code, _ := strings.Cut(rec.Body.String(), `"code":"`)
	code, _, _ = strings.Cut(code, `"`)
	return codes.Code(code)
}

// TestSessionProofs checks, for each way to send a proof, that a session proof is valid once on
// each route, from any address, and that a copy of the request is refused, whatever is changed.
func TestSessionProofs(t *testing.T) {
	for way, c := range carriers {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			v := s.agree(way)
			for n, path := range []string{itemsPath, itemsPath + "/one", itemsPath + "/one/related", "/v1/suggest?q=ab", "/v1/collections", "/v1/token"} {
				if c.method == "POST" && strings.Contains(path, "?") {
					continue
				}
				text := v.proof(way, path)
				if rec := v.carry(way, path, v.token, text, "203.0.113.9"); refusalIn(rec) != "" {
					t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
				} else if strings.Contains(rec.Body.String(), `"session"`) {
					t.Errorf("%s: a session is offered to one that has a session: %s", path, rec.Body)
				}
				before := s.tokens.states[s.idOf(v.token)]
				if before.Proofs.Highest != uint32(n+1) && c.method == "GET" {
					t.Errorf("%s: %+v", path, before.Proofs)
				}
				for _, from := range []string{"", "203.0.113.9"} {
					if rec := v.carry(way, path, v.token, text, from); refusalIn(rec) != codes.ProofInvalid {
						t.Errorf("%s again: %d %s", path, rec.Code, rec.Body)
					}
					if rec := v.carry(way, path, v.token, "", from); refusalIn(rec) != codes.ProofInvalid {
						t.Errorf("%s without a proof: %d %s", path, rec.Code, rec.Body)
					}
				}
				if after := s.tokens.states[s.idOf(v.token)]; after != before {
					t.Errorf("%s: a copy changed %+v to %+v", path, before, after)
				}
			}
			text := v.proof(way, itemsPath)
			if rec := v.carry(way, itemsPath+"/one", v.token, text, ""); refusalIn(rec) != codes.ProofInvalid {
				t.Errorf("for another path: %s", rec.Body)
			}
			other := (way + 2) % 3
			if !c.header && carriers[other].method != c.method {
				if rec := v.carry(other, itemsPath, v.token, text, ""); refusalIn(rec) != codes.ProofInvalid {
					t.Errorf("by another method: %s", rec.Body)
				}
			}
			if rec := v.carry(way, itemsPath, v.token, text, ""); refusalIn(rec) != "" {
				t.Errorf("the request itself: %s", rec.Body)
			}
		})
	}
}

// TestSessionProofsCoverParameters checks that a copied URL with another parameter is worthless,
// even if the request never arrived. A cache buster is a parameter too.
func TestSessionProofsCoverParameters(t *testing.T) {
	s := newSite(t)
	v := s.agree(1)
	own := itemsPath + "?q=ab&tag[]=x&tag[]=y&_=1"
	text := v.proof(1, itemsPath+"?q=ab&tag=x&tag=y&_=1")
	for _, path := range []string{"?q=abc&tag=x&tag=y&_=1", "?q=ab&tag=y&tag=x&_=1", "?q=ab&tag=x&tag=y", "?q=ab&tag=x&tag=y&_=2", "?q=ab&tag=x&tag=y&_=1&limit=50"} {
		rec := s.carry(1, itemsPath+path, v.token, text, "")
		if refusalIn(rec) != codes.ProofInvalid || !strings.Contains(rec.Body.String(), "invalid: its MAC is not that of the request.") {
			t.Errorf("%s: %s", path, rec.Body)
		}
	}
	if rec := s.carry(1, own, v.token, text, ""); refusalIn(rec) != "" {
		t.Errorf("the request itself: %s", rec.Body)
	}
}

// TestSessionProofsCoverThePathAsSent checks paths in each spelling, also those that URLs must not
// have but that browsers send, and that another spelling of the same path is another one.
func TestSessionProofsCoverThePathAsSent(t *testing.T) {
	s := newSite(t)
	for way := range carriers {
		v := s.agree(way)
		for _, id := range []string{"a|b", "a^b", `a"b`, "a{b}", "a`b", "é", "%C3%A9", "%c3%a9", "%7C", "%7c", "a%41", "a%2Fb", "~!$&'()*+,;=:@[]"} {
			path := itemsPath + "/" + id
			if rec := v.call(way, path, ""); refusalIn(rec) != codes.NotFound {
				t.Errorf("%s: %s", path, rec.Body)
			}
		}
		text := v.proof(way, itemsPath+"/a|b")
		if rec := v.carry(way, itemsPath+"/a%7Cb", v.token, text, ""); refusalIn(rec) != codes.ProofInvalid {
			t.Errorf("another spelling: %s", rec.Body)
		}
	}
}

// TestSessionOffers checks to which calls a session is offered: those that are admitted, with the
// claim in a DPoP proof by the key that the token is bound to.
func TestSessionOffers(t *testing.T) {
	s := newSite(t)
	k, key, token := stiletest.NewSessionKey(), stiletest.NewKey(), s.mint()
	offered := func(rec *httptest.ResponseRecorder) bool {
		return strings.Contains(rec.Body.String(), `"session":{"ticket":"`)
	}
	with := func(key stiletest.Key, claim any, token string) *httptest.ResponseRecorder {
		claims := stiletest.Claims("GET", publicURL+itemsPath, token, s.now)
		if claim != nil {
			claims["session_key"] = claim
		}
		return s.carry(1, itemsPath, token, key.Sign(key.Header(), claims), "")
	}
	if rec := with(key, k.Claim(), token); !offered(rec) || rec.Code != 200 {
		t.Errorf("the call that binds: %s", rec.Body)
	}
	if rec := with(key, k.Claim(), token); !offered(rec) || rec.Code != 200 {
		t.Errorf("a later call: %s", rec.Body)
	}
	for _, claim := range []any{nil, "", "AA", 7, k.Claim() + "AA", strings.Repeat("A", 87), map[string]any{"kty": "EC"}} {
		if rec := with(key, claim, token); offered(rec) || rec.Code != 200 {
			t.Errorf("with the claim %v: %d %s", claim, rec.Code, rec.Body)
		}
	}
	if rec := with(stiletest.NewKey(), k.Claim(), token); offered(rec) || rec.Code != 401 {
		t.Errorf("by another key: %s", rec.Body)
	}
	s.policy.Token.Observe.Hijack = true
	if rec := with(stiletest.NewKey(), k.Claim(), token); offered(rec) || rec.Code != 200 {
		t.Errorf("by another key, observed: %s", rec.Body)
	}
	s.policy.Token.Observe.Hijack = false
	bound := s.mint()
	s.get(itemsPath, bound)
	if rec := with(key, k.Claim(), bound); offered(rec) || rec.Code != 200 {
		t.Errorf("of an address-bound token: %s", rec.Body)
	}
	s.policy.Token.Binding = tokens.ByAddress
	if rec := with(key, k.Claim(), s.mint()); offered(rec) || rec.Code != 200 {
		t.Errorf("with binding: address: %s", rec.Body)
	}
	s.policy.Token.Binding = tokens.ByKey
	v := s.agree(2)
	if rec := v.call(2, itemsPath, ""); rec.Code != 200 {
		t.Errorf("with binding: key: %s", rec.Body)
	}
	v.session.Counter = session.MaxCounter
	if rec := v.call(2, itemsPath, ""); rec.Code != 200 {
		t.Errorf("the last counter: %s", rec.Body)
	}
	if rec := with(v.key, k.Claim(), v.token); offered(rec) || rec.Code != 200 {
		t.Errorf("after the last counter: %s", rec.Body)
	}
}

// TestSessionsEnd checks that a session ends with its ticket, that a browser can agree on another
// one, that both share the counters, and what a refusal and its explanation say.
func TestSessionsEnd(t *testing.T) {
	s := newSite(t)
	v := s.agree(2)
	refused := func(what, why string, rec *httptest.ResponseRecorder) {
		t.Helper()
		if rec.Code != 401 || refusalIn(rec) != codes.ProofInvalid || !strings.Contains(rec.Body.String(), why) || !strings.Contains(rec.Body.String(), `"now":`) {
			t.Errorf("%s: %d %s", what, rec.Code, rec.Body)
		}
		if last := s.notes.notes[len(s.notes.notes)-1]; last.Rule != "proof" || !strings.Contains(last.Detail, why) {
			t.Errorf("%s: the explanation is %+v", what, last)
		}
	}
	if rec := v.call(2, itemsPath, ""); rec.Code != 200 {
		t.Fatal(rec.Body)
	}
	v.session.Counter--
	refused("a used counter", "its counter was used before, or is 64 or more below the highest one", v.call(2, itemsPath, ""))
	old := *v.session
	v.rejoin(2)
	const nonce = 16 // characters, with which a ticket begins
	if v.session.Counter != 2 || v.session.Ticket[:nonce] == old.Ticket[:nonce] {
		t.Errorf("the second session: %+v", v.session)
	}
	if rec := v.call(2, itemsPath, ""); rec.Code != 200 {
		t.Error(rec.Body)
	}
	v.session, old.Counter = &old, 3
	if rec := v.call(2, itemsPath, ""); rec.Code != 200 {
		t.Errorf("the first session: %s", rec.Body)
	}
	v.session.Counter = 2
	refused("the counter of the second session", "its counter was used before", v.call(2, itemsPath, ""))
	other := s.agree(2)
	text := other.session.Ticket
	v.session.Ticket, v.session.Counter = text, 9
	refused("another token's ticket", "its ticket is for another token", v.call(2, itemsPath, ""))
	refused("a malformed one", "it is not s1.TICKET.COUNTER.MAC", s.carry(2, itemsPath, v.token, "s1.", ""))
	s.now = s.now.Add(time.Hour - time.Second)
	if rec := other.call(2, itemsPath, ""); rec.Code != 200 {
		t.Errorf("just before the end of the ticket: %s", rec.Body)
	}
	s.now = s.now.Add(time.Second)
	refused("an expired ticket", "its ticket has expired", other.call(2, itemsPath, ""))
	other.rejoin(2)
	if rec := other.call(2, itemsPath, ""); rec.Code != 200 {
		t.Errorf("after it: %s", rec.Body)
	}
}

// TestSessionOfAnOldToken checks that a session ends with its token.
func TestSessionOfAnOldToken(t *testing.T) {
	s := newSite(t)
	v := s.agree(2)
	s.now = time.Unix(s.tokens.states[s.idOf(v.token)].Expires, 0).Add(-time.Minute)
	text := v.key.ProofWithSession(stiletest.NewSessionKey(), "POST", publicURL+itemsPath, v.token, s.now)
	if rec := s.carry(2, itemsPath, v.token, text, ""); !strings.Contains(rec.Body.String(), `"expires_in":60,"origin":`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestSessionOfAForgottenToken checks that a session proof does not bind a token: where the state
// was lost, it is refused, and so it is where the token was bound to something else since.
func TestSessionOfAForgottenToken(t *testing.T) {
	s := newSite(t)
	for _, mode := range []tokens.Mode{tokens.Auto, tokens.ByKey, tokens.ByAddress} {
		s.policy.Token.Binding = tokens.Auto
		v := s.agree(2)
		s.policy.Token.Binding = mode
		delete(s.tokens.states, s.idOf(v.token))
		if rec := v.call(2, itemsPath, ""); refusalIn(rec) != codes.ProofInvalid || !strings.Contains(rec.Body.String(), "not bound to the key of its ticket") {
			t.Errorf("mode %v, unbound: %s", mode, rec.Body)
		}
		if got, known := s.tokens.states[s.idOf(v.token)]; known && got != (tokens.State{}) {
			t.Errorf("mode %v: bound to %v", mode, got.Bound)
		}
		s.policy.Token.Binding = tokens.ByAddress
		s.get(itemsPath, v.token)
		if rec := v.call(2, itemsPath, ""); refusalIn(rec) != codes.ProofInvalid {
			t.Errorf("mode %v, bound to the address: %s", mode, rec.Body)
		}
	}
}

// TestSessionProofInURL checks that a session proof is one where the tenant's setting query_tokens
// demands one, and that an invalid one is not.
func TestSessionProofInURL(t *testing.T) {
	s := newSite(t)
	s.policy.QueryTokens = QueryTokensProof
	v := s.agree(0)
	if rec := v.call(0, itemsPath, ""); refusalIn(rec) != "" {
		t.Errorf("with a session proof: %s", rec.Body)
	}
	bound := s.mint()
	if rec := s.carry(2, itemsPath, bound, "", ""); rec.Code != 200 { // to the address
		t.Fatal(rec.Body)
	}
	for _, text := range []string{v.proof(1, itemsPath), "s1.", "s1." + v.session.Ticket + ".1." + strings.Repeat("A", 43)} {
		if rec := s.carry(1, itemsPath, bound, text, ""); refusalIn(rec) != codes.ProofInvalid {
			t.Errorf("%q with another token: %s", text, rec.Body)
		}
	}
}

// TestSessionProofOfAChallenge checks that the routes about challenges accept session proofs, and
// that a copy of a refused request counts against the challenge once.
func TestSessionProofOfAChallenge(t *testing.T) {
	s := newSite(t)
	s.policy.Token.SpikeCalls = 2
	v := s.agree(2)
	if rec := v.call(2, itemsPath, ""); rec.Code != 200 {
		t.Fatal(rec.Body)
	}
	text := v.proof(2, itemsPath)
	rec := s.carry(2, itemsPath, v.token, text, "")
	task := s.taskOf(rec)
	if refusalIn(rec) != codes.ChallengeRequired || task == nil {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for range 20 {
		if rec := s.carry(2, itemsPath, v.token, text, "203.0.113.9"); refusalIn(rec) != codes.ProofInvalid {
			t.Fatalf("a copy: %s", rec.Body)
		}
	}
	path := "/v1/challenges/" + task.ID
	if rec := v.call(2, path+"/reload", ""); rec.Code != 200 {
		t.Fatalf("reload: %s", rec.Body)
	} else {
		task = s.taskOf(rec)
	}
	path = "/v1/challenges/" + task.ID
	answer := s.solve(task.ID)
	text = v.proofOf(path+"/answer", "answer", answer)
	for n, want := range []codes.Code{"", codes.ProofInvalid} {
		if rec := s.do(ask{method: "POST", path: path + "/answer", body: query("answer", answer, "client_id", "acme", "access_token", v.token, "proof", text)}); refusalIn(rec) != want {
			t.Errorf("answer %d: %s", n, rec.Body)
		}
	}
	if rec := v.call(2, itemsPath, ""); rec.Code != 200 {
		t.Errorf("after it: %s", rec.Body)
	}
}

// proofOf returns the session proof of a form with a parameter before the others.
func (v *visitor) proofOf(path, name, value string) string {
	v.Helper()
	text, err := v.session.Proof("POST", path, query(name, value, "client_id", "acme", "access_token", v.token))
	if err != nil {
		v.Fatal(err)
	}
	return text
}

// TestSimultaneousSessionProofs sends a request with a session proof 64 times at once: one is
// admitted, and one counted. It does the same for a call that is refused with a challenge.
func TestSimultaneousSessionProofs(t *testing.T) {
	s := newSite(t)
	v := s.agree(2)
	all := func(text string) (n map[codes.Code]int) {
		n = map[codes.Code]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				code := refusalIn(s.carry(2, itemsPath, v.token, text, ""))
				mu.Lock()
				defer mu.Unlock()
				n[code]++
			})
		}
		wg.Wait()
		return n
	}
	for range 10 {
		if n := all(v.proof(2, itemsPath)); n[""] != 1 || n[codes.ProofInvalid] != 63 {
			t.Fatalf("%v", n)
		}
	}
	if got := s.tokens.states[s.idOf(v.token)]; got.Used.Total().Calls != 11 {
		t.Errorf("%d calls counted", got.Used.Total().Calls)
	}
	s.policy.Token.SpikeCalls = 11
	if n := all(v.proof(2, itemsPath)); n[codes.ChallengeRequired] != 1 || n[codes.ProofInvalid] != 63 {
		t.Errorf("with a challenge: %v", n)
	}
	if got := s.tokens.states[s.idOf(v.token)]; got.OpenChallenge.Left != 5 || got.ChallengesIssued != 1 {
		t.Errorf("the challenge: %+v", got.OpenChallenge)
	}
}

// TestSimultaneousSessionProofsReadOnce checks that requests with the counter of a request that is
// running are refused before they read anything, so that it can't be used up under that request.
func TestSimultaneousSessionProofsReadOnce(t *testing.T) {
	s := newSite(t)
	v := s.agree(2)
	before := s.corpus.reads.Load()
	s.corpus.during = func() {
		s.corpus.during = nil
		for _, path := range []string{itemsPath, itemsPath + "/one", "/v1/suggest", "/v1/collections", "/v1/token"} {
			v.session.Counter = 1
			if rec := v.call(2, path, "203.0.113.9"); refusalIn(rec) != codes.ProofInvalid || !strings.Contains(rec.Body.String(), "its counter was used before") {
				t.Errorf("%s: %s", path, rec.Body)
			}
		}
	}
	if rec := v.call(2, itemsPath, ""); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if n := s.corpus.reads.Load() - before; n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	if rec := v.call(2, itemsPath, ""); rec.Code != 200 || v.session.Counter != 3 {
		t.Errorf("the next counter: %d %s", rec.Code, rec.Body)
	}
	s.corpus.bomb = "while it reads"
	text := v.proof(2, itemsPath)
	if rec := s.carry(2, itemsPath, v.token, text, ""); rec.Code != 500 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	s.corpus.bomb = nil
	if rec := s.carry(2, itemsPath, v.token, text, ""); rec.Code != 200 {
		t.Errorf("the counter of a request that failed: %d %s", rec.Code, rec.Body)
	}
}

// TestSessionProofsAreSecrets checks that neither a ticket nor a proof is logged.
func TestSessionProofsAreSecrets(t *testing.T) {
	s := newSite(t)
	v := s.agree(0)
	text := v.proof(0, itemsPath)
	for range 2 {
		s.carry(0, itemsPath, v.token, text, "")
	}
	s.do(ask{method: http.MethodGet, path: with("/v1/nothing", "proof", text)})
	if log := s.lines.String(); strings.Contains(log, v.session.Ticket) || strings.Contains(log, text) {
		t.Errorf("in the log: %s", log)
	}
}

// TestSessionProofBeyondAllowance checks that a call is admitted whose check has already spent the
// proof, because it consulted the address.
func TestSessionProofBeyondAllowance(t *testing.T) {
	s := newSite(t)
	v := s.agree(2)
	id := s.idOf(v.token)
	state := s.tokens.states[id]
	state.Allowance = 1
	s.tokens.states[id] = state
	text := v.proof(2, itemsPath)
	if rec := s.carry(2, itemsPath, v.token, text, ""); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if after := s.tokens.states[id]; after.Allowance == 1 || after.Proofs.Highest != 1 {
		t.Errorf("the address was not consulted: %+v", after)
	}
	if rec := s.carry(2, itemsPath, v.token, text, ""); refusalIn(rec) != codes.ProofInvalid {
		t.Errorf("again: %s", rec.Body)
	}
}
