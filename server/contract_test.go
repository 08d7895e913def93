package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/settings"
	"stile.example/stile/stiletest"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/signing"
	"stile.example/stile/usage"
)

// FuzzContract plays random requests of several clients against the complete server, with SQLite
// and a clock that it sets, and compares every response with a model of the contract. The bytes of
// an input choose the requests. After the clock was set back, which the contract leaves open, only
// the promises are compared.
func FuzzContract(f *testing.F) {
	s := startContract(f)
	f.Add([]byte("a few calls of one token \x00\x00\x00\x00\x00\x00\x00\x00"))
	for n := range 40 { // such inputs reach every operation
		var seed []byte
		x := uint32(n + 1)
		for range 600 {
			x = x*1664525 + 1013904223
			seed = append(seed, byte(x>>24))
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		p := s.play(t, input)
		for len(p.input) > 0 && !t.Failed() && p.steps < 400 {
			p.step()
		}
		p.compareTotals()
		if t.Failed() {
			t.Logf("the requests:\n%s", strings.Join(p.log, "\n"))
		}
	})
}

// contract is a running server, shared by the inputs of one process. Each has a tenant and
// addresses of its own.
type contract struct {
	dir    string
	clock  atomic.Int64 // Unix nanoseconds
	latest int64        // the latest time so far
	inputs int
	keys   [2]stiletest.Key
	join   stiletest.SessionKey // of the first key
	srv    *Server
	stop   func() error
	client *http.Client
	other  string // secret of the tenant other
}

func startContract(f *testing.F) *contract {
	f.Helper()
	s := &contract{dir: f.TempDir(), join: stiletest.NewSessionKey(), keys: [2]stiletest.Key{stiletest.NewKey(), stiletest.NewKey()}, client: &http.Client{Timeout: 20 * time.Second}}
	s.clock.Store(time.Date(2026, 2, 10, 12, 0, 0, 0, time.UTC).UnixNano())
	if err := s.start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.stop(); err != nil {
			f.Error(err)
		}
	})
	_, err := s.srv.dir.Tenants.Add(f.Context(), tenants.Tenant{ClientID: "other", Name: "other", Status: tenants.Active, CreatedAt: s.now()})
	if err == nil {
		s.other, err = s.srv.dir.Tenants.RotateSecret(f.Context(), "other", s.now(), 0)
	}
	if err != nil {
		f.Fatal(err)
	}
	var corpus strings.Builder
	for n := range modelCorpus {
		fmt.Fprintf(&corpus, `{"id":"i%d","title":"Item %d"}`+"\n", n, n)
	}
	src := content.Source{Path: "corpus.jsonl", Reader: strings.NewReader(corpus.String()), Format: content.JSONL}
	if _, err := s.srv.dir.Store.Import(f.Context(), imports.Options{}, content.Read(f.Context(), src)); err != nil {
		f.Fatal(err)
	}
	return s
}

func (s *contract) now() time.Time { return time.Unix(0, s.clock.Load()).UTC() }

// start opens the data directory and serves it, as after a restart.
func (s *contract) start() error {
	env := []string{"STILE_DATA=" + s.dir, "STILE_LISTEN=127.0.0.1:0", "STILE_ADMIN_LISTEN=127.0.0.1:0", "STILE_PUBLIC_URL=https://api.example", "STILE_TRUSTED_PROXIES=127.0.0.1/32"}
	for name, value := range map[string]any{
		"TOKEN_CALLS": modelCalls, "TOKEN_RECORDS": modelRecords, "TOKEN_LIFETIME": modelLifetime, "TOKEN_BIND_WITHIN": modelBind,
		"SPIKE_CALLS": modelSpike, "SPIKE_SUGGESTIONS": modelSuggest, "SPIKE_PER": modelPer,
		"CHALLENGE_LADDER": "work", "CHALLENGE_IGNORED": modelIgnored, "CHALLENGE_PER_TOKEN": modelPerToken, "CHALLENGE_EXPIRES": modelExpires,
		"ADDRESS_BINDINGS": 30000, "ADDRESS_RECORDS": 0,
	} {
		env = append(env, fmt.Sprintf("STILE_POLICY_%s=%v", name, value))
	}
	set, err := settings.Load(settings.Source{Env: env})
	if err != nil {
		return err
	}
	if s.srv, err = New(context.Background(), set, s.now, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- s.srv.Run(ctx, func(*Server) { close(ready) }) }()
	<-ready
	s.stop = func() error {
		s.client.CloseIdleConnections()
		cancel()
		return errors.Join(<-done, s.srv.Close())
	}
	return nil
}

// player plays one input.
type player struct {
	*contract
	t     *testing.T
	input []byte
	steps int
	log   []string

	number    int // of the input: it chooses the addresses
	tenant    string
	id        uint32
	secret    string
	tokens    []*visitorToken
	admitted  map[*visitorToken]int
	charged   map[string]int64 // by month
	quota     int64
	rules     tenantRules
	suspended bool
	blocked   string    // the canonical address that an operator has blocked, or ""
	until     time.Time // of the block
	isLoose   bool      // the clock was set back
	isRotated bool      // a key that signed is known only until its last token has expired

	used map[string]usage.Line // by route
}

// play adds a tenant for an input, later than everything before it.
func (s *contract) play(t *testing.T, input []byte) *player {
	s.inputs++
	s.clock.Store(max(s.latest, s.clock.Load()) + int64(time.Second))
	p := &player{contract: s, t: t, input: input, number: s.inputs, tenant: fmt.Sprint("t", s.inputs),
		admitted: map[*visitorToken]int{}, charged: map[string]int64{}, rules: tenantRules{calls: modelCalls, binding: "auto"}, used: map[string]usage.Line{}}
	added, err := s.srv.dir.Tenants.Add(t.Context(), tenants.Tenant{ClientID: p.tenant, Name: p.tenant, Status: tenants.Active, CreatedAt: s.now()})
	p.must(err)
	p.id = added.Number
	p.secret, err = s.srv.dir.Tenants.RotateSecret(t.Context(), p.tenant, s.now(), 0)
	p.must(err)
	if p.draw(2) == 0 {
		p.change()
	}
	return p
}

func (p *player) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// draw returns a number below n that the input chooses.
func (p *player) draw(n int) int {
	if len(p.input) == 0 {
		return 0
	}
	b := p.input[0]
	p.input = p.input[1:]
	return int(b) % n
}

func (p *player) note(format string, args ...any) {
	p.log = append(p.log, p.now().Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

// step plays one operation. Calls are the most frequent.
func (p *player) step() {
	p.steps++
	op := p.draw(32)
	if len(p.tokens) == 0 || op < 2 && len(p.tokens) < 3 || op == 0 && len(p.tokens) < 4 {
		p.obtain(len(p.tokens))
		return
	}
	at := p.draw(len(p.tokens))
	v := p.tokens[at]
	isOver := v.dead != "" || !p.now().Before(v.issued.Add(modelLifetime))
	if isOver && !p.isLoose && p.draw(2) == 0 { // the page gets another one
		p.obtain(at)
		return
	}
	if v.open != nil && p.draw(2) == 0 {
		p.atChallenge(v)
		return
	}
	switch {
	case op < 16:
		p.call(v)
	case op < 19:
		p.request(v, operation{kind: aStatus, path: "/v1/token"})
	case op < 21:
		p.request(v, operation{kind: aSuggestion, path: "/v1/suggest", params: url.Values{"q": {"item"}}, searches: true})
	case op < 26:
		p.atChallenge(v)
	case op == 26:
		p.introspect(v)
	case op == 27:
		p.operate(v)
	default:
		p.move()
	}
}

// obtain obtains a token, as the one with that number.
func (p *player) obtain(at int) {
	body := p.oauth(p.tenant, p.secret, "token", url.Values{"grant_type": {"client_credentials"}})
	token, _ := body["access_token"].(string)
	if p.suspended {
		if token != "" {
			p.t.Error("a suspended tenant got a token")
		}
		p.resume()
		return
	}
	if token == "" {
		p.t.Fatalf("no token: %v", body)
	}
	p.note("token %d", at)
	v := &visitorToken{token: token, rules: &p.rules, issued: p.now().Truncate(time.Second), hasKey: p.draw(2) == 0}
	if at == len(p.tokens) {
		p.tokens = append(p.tokens, v)
	}
	p.tokens[at] = v
}

// oauth sends a request of a tenant's server, and returns the response.
func (p *player) oauth(client, secret, route string, form url.Values) (body map[string]any) {
	p.t.Helper()
	req, err := http.NewRequest("POST", "http://"+p.srv.Addr("public")+"/oauth/"+route, strings.NewReader(form.Encode()))
	p.must(err)
	req.SetBasicAuth(client, url.QueryEscape(secret))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(req)
	p.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	p.must(err)
	if len(text) > 0 {
		p.must(json.Unmarshal(text, &body))
	}
	return body
}

// call makes a counted call, or one whose content can't be read.
func (p *player) call(v *visitorToken) {
	switch p.draw(10) {
	case 0:
		p.request(v, operation{kind: aCall, route: "collections", path: "/v1/collections", searches: true})
	case 1:
		p.request(v, operation{kind: aFailing, path: "/v1/items", params: url.Values{"limit": {"51"}}, code: "bad_request"})
	case 2:
		n := 1 + p.draw(modelItemsMost)
		p.request(v, operation{kind: aCall, route: "items", path: "/v1/items", params: url.Values{"limit": {fmt.Sprint(n)}}, delivers: min(n, modelCorpus), searches: true})
	case 4:
		n := 1 + p.draw(6)
		p.request(v, operation{kind: aCall, route: "items", path: "/v1/items", params: url.Values{"q": {"item"}, "limit": {fmt.Sprint(n)}}, delivers: min(n, modelCorpus), searches: true})
	case 5: // a response that an item does not exist is one too
		p.request(v, operation{kind: aCall, route: "item", path: "/v1/items/none", code: "not_found"})
	case 6:
		p.request(v, operation{kind: aCall, route: "related", path: "/v1/items/none/related", code: "not_found", searches: true})
	default:
		p.request(v, operation{kind: aCall, route: "item", path: fmt.Sprint("/v1/items/i", p.draw(modelCorpus)), delivers: 1})
	}
}

// operation is a request for content.
type operation struct {
	kind     kind
	route    string // in the tenant's usage
	path     string
	params   url.Values
	delivers int    // records
	code     string // of the response to an admitted request; "": data
	searches bool   // its time limit is short: on a busy machine it may be overloaded
}

// answeredBy returns what the request was to the contract: a search that has waited too long for a
// processor could not be read.
func (op operation) answeredBy(got contractResponse) operation {
	if !op.searches || got.code() != "overloaded" {
		return op
	}
	if op.code = "overloaded"; op.kind == aCall {
		op.kind = aFailing
	}
	return op
}

// request sends a request with a token, from the address of the token or another, and compares.
// Some requests are sent several times simultaneously: then the responses are those to the same
// requests one after the other, in any order.
func (p *player) request(v *visitorToken, op operation) {
	from := p.sender(v, op.path)
	n := 1
	if p.draw(12) == 0 && p.quota == 0 && !p.isLoose {
		n = 2 + p.draw(3)
	}
	var all []exchange
	for range n {
		all = append(all, p.prepare(v, op.path, op.params, from))
	}
	got := p.exchangeAll(all)
	slices.SortFunc(got, func(a, b contractResponse) int { // what could not be read comes first
		return cmp.Compare(readRank(a), readRank(b))
	})
	var want []wanted
	for i := range n {
		as := op.answeredBy(got[i])
		w := p.want(v, from, func() wanted { return v.request(as.kind, p.now(), from.sender, as.delivers) })
		if w.code == "" {
			w.code = as.code
		}
		want = append(want, w)
	}
	slices.SortFunc(want, compareWanted)
	slices.SortFunc(got, func(a, b contractResponse) int { return compareWanted(a.wanted(), b.wanted()) })
	for i := range n {
		p.note("%s %s from %s: want %+v, got %+v", op.path, op.params.Encode(), from, want[i], got[i].wanted())
		p.compare(v, want[i], got[i])
		p.count(v, op, got[i])
	}
	if n > 1 {
		return
	}
	p.compareState(v, got[0])
	if p.keepProof(v, all[0], got[0]); p.draw(8) == 0 {
		p.replay(v)
	}
}

func readRank(r contractResponse) int {
	if r.code() == "overloaded" {
		return 0
	}
	return 1
}

// count counts a call that was answered.
func (p *player) count(v *visitorToken, op operation, got contractResponse) {
	if op.kind != aCall || got.code() != op.code {
		return
	}
	p.admitted[v]++
	p.charged[p.month()]++
	line := p.used[op.route]
	line.Calls, line.Records = line.Calls+1, line.Records+int64(op.delivers)
	p.used[op.route] = line
}

func (p *player) month() string { return p.now().Format("2006-01") }

// want returns what a request gets. decide is asked if the token's state decides.
func (p *player) want(v *visitorToken, from origin, decide func() wanted) wanted {
	if from.address == p.blocked && (p.until.IsZero() || p.now().Before(p.until)) {
		return wanted{code: "address_blocked"}
	}
	t := tenantState{p.suspended, p.quota > 0 && p.charged[p.month()] >= p.quota}
	if code := v.before(from.mistake, p.now(), t); code != "" {
		return wanted{code: code}
	}
	return decide()
}

// replay sends the last request with a valid proof again, which has used the proof.
func (p *player) replay(v *visitorToken) {
	if v.answered == nil {
		return
	}
	x := *v.answered
	from := origin{sender: sender{x.address, invalidProof}, spelling: x.from}
	op := operation{kind: aCall, route: "item", path: x.path, delivers: 1}
	want := p.want(v, from, func() wanted { return v.request(op.kind, p.now(), from.sender, op.delivers) })
	got := p.exchange(x)
	p.note("again %s: want %+v, got %+v", x.path, want, got.wanted())
	p.compare(v, want, got)
	p.count(v, op, got)
}

// address returns a source address in its canonical form, and one of its spellings. Mostly it is
// the one that the token is bound to.
func (p *player) address(v *visitorToken) (canonical, spelling string) {
	n := len(v.token) % 2 // an address of IPv4 or of IPv6
	for i := range p.tokens {
		if p.tokens[i] == v {
			n = i
		}
	}
	if p.draw(24) == 0 {
		n++
	}
	if n%2 == 0 {
		canonical = fmt.Sprintf("10.%d.%d.%d", p.number>>6&255, p.number<<2&255, n)
		return canonical, []string{canonical, canonical + ":4000", "::ffff:" + canonical, "[::ffff:" + canonical + "]:9"}[p.draw(4)]
	}
	canonical = fmt.Sprintf("2a00:%x:%x:%x::/64", p.number>>16, p.number&0xffff, n)
	return canonical, fmt.Sprintf("%s%x", strings.TrimSuffix(canonical, "/64"), 1+p.draw(250))
}

// compare compares a response with what the model wants. After the clock was set back it only
// checks what must hold at any time.
func (p *player) compare(v *visitorToken, want wanted, got contractResponse) {
	p.t.Helper()
	if got.Error != nil && got.Error.Challenge != nil {
		c := got.Error.Challenge
		if v.open != nil {
			v.open.id = c.ID
		}
		if len(v.past) == 0 || v.past[len(v.past)-1] != c.ID {
			v.past = append(v.past, c.ID)
		}
	}
	if p.isLoose {
		p.compareLoosely(v, got)
		return
	}
	if want.code == "token_expired" && p.isRotated && got.code() == "token_invalid" {
		return
	}
	if got.code() != want.code || got.left() != want.left && want.code != "" {
		p.t.Errorf("want %+v, got %.600s", want, got.text)
	}
}

// dying are the codes of refusals that are permanent.
var dying = map[string]bool{"token_hijacked": true, "token_exhausted": true, "token_challenge_ignored": true, "token_challenged_too_often": true, "token_revoked": true}

func (p *player) compareLoosely(v *visitorToken, got contractResponse) {
	p.t.Helper()
	died, _ := v.lastDeath()
	switch code := got.code(); {
	case died != "" && code == "":
		p.t.Errorf("a token that died with %s was admitted", died)
	case dying[code] && (code != "token_hijacked" || !v.usedProof):
		v.past = append(v.past, "dead:"+code)
	}
	if got.code() == "" && got.Meta.Token != nil && got.Meta.Token.Calls > modelCalls {
		p.t.Errorf("%d calls of a token were admitted", got.Meta.Token.Calls)
	}
}

// lastDeath returns the code with which a token died, if a response has said so.
func (v *visitorToken) lastDeath() (code string, ok bool) {
	for _, text := range v.past {
		if code, ok = strings.CutPrefix(text, "dead:"); ok {
			return code, true
		}
	}
	return "", false
}

// answer answers a challenge of the token: the latest one, or one from before.
func (p *player) answer(v *visitorToken) {
	ids := v.challengeIDs()
	if len(ids) == 0 {
		return
	}
	id := ids[len(ids)-1]
	switch p.draw(12) {
	case 0, 1:
		id = ids[p.draw(len(ids))]
	case 2, 3: // a challenge works only for its token
		id = p.anotherID(v, id)
	}
	correct := p.draw(5) > 0
	text := "999999999"
	if correct {
		text = p.solve(id)
	}
	if p.draw(8) == 0 {
		p.advance(modelExpires)
	}
	path := "/v1/challenges/" + id + "/answer"
	from := p.sender(v, path)
	got := p.exchange(p.prepare(v, path, url.Values{"answer": {text}}, from))
	want := p.want(v, from, func() wanted {
		if slices.Contains(ids, id) {
			return v.answer(p.now(), from.sender, id, correct)
		}
		if v.dead != "" && got.code() == v.dead {
			return wanted{code: v.dead}
		}
		return wanted{code: "not_found"} // the binding is not looked at
	})
	p.note("answer %.8s correct %t from %s: want %+v, got %+v", id, correct, from, want, got.wanted())
	p.compare(v, want, got)
}

// anotherID returns the id of another token's latest challenge, or else id.
func (p *player) anotherID(v *visitorToken, id string) string {
	for _, other := range p.tokens {
		if ids := other.challengeIDs(); other != v && len(ids) > 0 {
			return ids[len(ids)-1]
		}
	}
	return id
}

func (v *visitorToken) challengeIDs() (ids []string) {
	for _, id := range v.past {
		if !strings.HasPrefix(id, "dead:") {
			ids = append(ids, id)
		}
	}
	return ids
}

// solve returns the correct answer of a challenge, which only this server knows.
func (p *player) solve(id string) string {
	for n := range 10_000 {
		if text := fmt.Sprint(n); p.srv.handlers.Challenges.IsCorrect(id, text) {
			return text
		}
	}
	p.t.Fatalf("no answer to %s", id)
	return ""
}

// atChallenge answers a challenge of the token, or exchanges it.
func (p *player) atChallenge(v *visitorToken) {
	switch p.draw(6) {
	case 0:
		p.reload(v)
	case 1:
		for range 7 { // three are free, three more kill the token
			p.reload(v)
		}
	default:
		p.answer(v)
	}
}

func (p *player) reload(v *visitorToken) {
	ids := v.challengeIDs()
	if len(ids) == 0 {
		return
	}
	id := ids[len(ids)-1]
	path := "/v1/challenges/" + id + "/reload"
	from := p.sender(v, path)
	want := p.want(v, from, func() wanted { return v.reload(p.now(), from.sender, id) })
	got := p.exchange(p.prepare(v, path, nil, from))
	p.note("reload %.8s from %s: want %+v, got %+v %s", id, from, want, got.wanted(), got.Data)
	var next contractChallenge
	if got.Data != nil {
		p.must(json.Unmarshal(got.Data, &next))
		v.past = append(v.past, next.ID)
		if v.open != nil {
			v.open.id = next.ID
		}
		if next.Left != want.left && !p.isLoose {
			p.t.Errorf("calls_left after a reload: %d, want %d", next.Left, want.left)
		}
	}
	p.compare(v, want, got)
}

// introspect compares what the tenant's server can see, or revokes the token.
func (p *player) introspect(v *visitorToken) {
	if p.suspended {
		return
	}
	if p.draw(4) == 0 {
		p.oauth(p.tenant, p.secret, "revoke", url.Values{"token": {v.token}})
		p.note("revoked")
		if p.now().Before(v.issued.Add(modelLifetime)) { // an expired token needs no revocation
			if v.dead == "" {
				v.dead, v.open = "token_revoked", nil
			}
			if p.isLoose {
				v.past = append(v.past, "dead:token_revoked")
			}
		}
		return
	}
	p.compareIntrospection(v, p.oauth(p.tenant, p.secret, "introspect", url.Values{"token": {v.token}}))
	if body := p.oauth("other", p.other, "introspect", url.Values{"token": {v.token}}); len(body) != 1 || body["active"] != false {
		p.t.Errorf("introspection by another tenant: %v", body)
	}
}

func (p *player) compareIntrospection(v *visitorToken, body map[string]any) {
	p.note("introspected: %v", body)
	if calls, known := body["calls"].(float64); known && int(calls) != p.admitted[v] {
		p.t.Errorf("introspection: %v calls, %d were answered", calls, p.admitted[v])
	}
	if p.isLoose || p.isRotated && len(body) == 1 {
		return
	}
	expired := !p.now().Before(v.issued.Add(modelLifetime)) || v.bound == (sender{}) && p.now().Sub(v.issued) > modelBind
	reason := v.dead
	if reason == "" && expired {
		reason = "token_expired"
	}
	seen := fmt.Sprint(body["active"], body["reason"], body["binding"], body["calls"], body["calls_limit"])
	want := fmt.Sprint(true, nil, v.binding(), p.admitted[v], p.rules.calls)
	if reason != "" {
		want = fmt.Sprint(false, reason, v.binding(), p.admitted[v], p.rules.calls)
	}
	if seen != want {
		p.t.Errorf("introspection: %s, want %s", seen, want)
	}
}

// operate does what an operator does, or restarts the server.
func (p *player) operate(v *visitorToken) {
	switch p.draw(8) {
	case 0:
		p.note("restart")
		p.must(p.stop())
		p.must(p.start())
		p.clock.Add(int64(5 * time.Second)) // proofs from before the start are refused
		for _, other := range p.tokens {
			other.restart()
		}
	case 1:
		if p.suspended {
			p.resume()
			return
		}
		p.suspended = true
		p.note("suspended")
		p.update(func(t *tenants.Tenant) { t.Status = tenants.Suspended })
	case 2, 3:
		p.quota = p.charged[p.month()] + int64(p.draw(6))
		if p.draw(2) == 0 {
			p.quota = 0
		}
		p.note("quota %d", p.quota)
		p.update(func(t *tenants.Tenant) { t.CallsPerMonth = p.quota })
	case 4:
		p.resume()
	case 5:
		p.block(v)
	case 6:
		p.change()
	case 7:
		_, err := p.srv.dir.Keys.Rotate(p.now(), "EdDSA", modelLifetime)
		p.isRotated = true
		if p.note("rotated the signing key: %v", err); !errors.Is(err, signing.ErrTooMany) {
			p.must(err)
		}
	}
}

// change changes the tenant's own settings.
func (p *player) change() {
	p.rules = tenantRules{calls: 4 + p.draw(modelCalls-3), binding: []string{"auto", "auto", "address", "key"}[p.draw(4)], kills: p.draw(2) == 0}
	p.note("settings %+v", p.rules)
	hijack := map[bool]string{false: "stranger", true: "kill"}[p.rules.kills]
	p.update(func(t *tenants.Tenant) {
		t.Policy = map[string]string{"policy.token.calls": fmt.Sprint(p.rules.calls), "binding": p.rules.binding, "hijack": hijack}
	})
}

// block blocks the address of a token, permanently or for a time. If one is blocked already, that
// block is lifted.
func (p *player) block(v *visitorToken) {
	if p.blocked != "" {
		p.unblock()
		return
	}
	canonical, _ := p.address(v)
	r, err := addresses.ParseRange(canonical)
	p.must(err)
	p.blocked, p.until = canonical, time.Time{}
	if p.draw(2) == 0 {
		p.until = p.now().Add(modelExpires)
	}
	p.note("blocked %s until %v", canonical, p.until)
	p.must(p.srv.dir.Addresses.Put(p.t.Context(), addresses.Entry{Range: r, Kind: addresses.Block, Until: p.until}))
}

func (p *player) unblock() {
	r, err := addresses.ParseRange(p.blocked)
	p.must(err)
	p.note("lifted the block of %s", p.blocked)
	err = p.srv.dir.Addresses.Remove(p.t.Context(), r, p.now())
	if !errors.Is(err, addresses.ErrNotListed) { // the block may have ended
		p.must(err)
	}
	p.blocked = ""
}

func (p *player) resume() {
	p.suspended = false
	p.note("resumed")
	p.update(func(t *tenants.Tenant) { t.Status = tenants.Active })
}

func (p *player) update(fn func(*tenants.Tenant)) {
	_, err := p.srv.dir.Tenants.Update(p.t.Context(), p.tenant, func(t *tenants.Tenant) error { fn(t); return nil })
	p.must(err)
}

// move sets the clock.
func (p *player) move() {
	by := []time.Duration{time.Second, time.Second, 7 * time.Second, 7 * time.Second, 20 * time.Second, 59 * time.Second, modelPer, modelPer, modelExpires,
		modelExpires - time.Second, modelBind + time.Second, modelLifetime - time.Minute, modelLifetime, -30 * time.Second, -time.Hour}[p.draw(15)]
	if by < 0 && !p.isLoose {
		p.isLoose = true
		p.rememberDeaths()
	}
	p.advance(by)
}

func (p *player) advance(by time.Duration) {
	p.latest = max(p.latest, p.clock.Load())
	p.clock.Add(int64(by))
	p.note("clock %v", by)
}

// rememberDeaths makes the deaths that the model knows those that responses have shown.
func (p *player) rememberDeaths() {
	for _, v := range p.tokens {
		if v.dead != "" {
			v.past = append(v.past, "dead:"+v.dead)
		}
	}
}

// compareTotals compares each token's count, and what the tenant is charged.
func (p *player) compareTotals() {
	if p.blocked != "" {
		p.unblock()
	}
	for month, want := range p.charged {
		at, err := time.Parse("2006-01", month)
		p.must(err)
		if got := p.srv.dir.Meter.Used(p.id, at.Add(24*time.Hour)); got != want {
			p.t.Errorf("%s: %d calls are charged, %d were answered", month, got, want)
		}
	}
	lines, err := p.srv.dir.Usage(p.t.Context(), p.tenant, "", "")
	p.must(err)
	got := map[string]usage.Line{}
	for _, l := range lines {
		sum := got[l.Route]
		got[l.Route] = usage.Line{Calls: sum.Calls + l.Calls, Records: sum.Records + l.Records}
	}
	if !maps.Equal(got, p.used) {
		p.t.Errorf("usage: %v, want %v", got, p.used)
	}
}
