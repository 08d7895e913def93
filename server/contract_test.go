package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/settings"
	"stile.example/stile/stiletest"
	"stile.example/stile/tenants"
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
		for range 300 {
			x = x*1664525 + 1013904223
			seed = append(seed, byte(x>>24))
		}
		f.Add(seed)
	}
	f.Add(allCalls(1, 1, 1)) // bound to its address
	f.Add(allCalls(0, 0, 8)) // bound to a key, with session proofs
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

// allCalls returns the input that makes all calls of one token, as fast as spikes permit, and one
// more. key is 0 if it has a key, and first and later are the proofs of its calls.
func allCalls(key, first, later byte) []byte {
	input := []byte{0, key}
	proof := first
	for n := range modelCalls + 1 {
		if n > 0 && n%modelSpike == 0 {
			input = append(input, 28, 0, 6) // the clock moves on by modelPer
		}
		input = append(input, 1, 0, 4, 0, 1, 0, proof, 0) // one item, by a form
		proof = later
	}
	return input
}

// contract is a running server, shared by the inputs of one process. Each has a tenant and
// addresses of its own.
type contract struct {
	dir    string
	clock  atomic.Int64 // Unix nanoseconds
	latest int64        // the latest time so far
	inputs int
	keys   [2]stiletest.Key
	srv    *Server
	stop   func() error
	client *http.Client
}

func startContract(f *testing.F) *contract {
	f.Helper()
	s := &contract{dir: f.TempDir(), keys: [2]stiletest.Key{stiletest.NewKey(), stiletest.NewKey()}, client: &http.Client{Timeout: 20 * time.Second}}
	s.clock.Store(time.Date(2026, 2, 10, 12, 0, 0, 0, time.UTC).UnixNano())
	if err := s.start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.stop(); err != nil {
			f.Error(err)
		}
	})
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
	suspended bool
	blocked   string
	isLoose   bool // the clock was set back
}

// play adds a tenant for an input, later than everything before it.
func (s *contract) play(t *testing.T, input []byte) *player {
	s.inputs++
	s.clock.Store(max(s.latest, s.clock.Load()) + int64(time.Second))
	p := &player{contract: s, t: t, input: input, number: s.inputs, tenant: fmt.Sprint("t", s.inputs),
		admitted: map[*visitorToken]int{}, charged: map[string]int64{}}
	added, err := s.srv.dir.Tenants.Add(t.Context(), tenants.Tenant{ClientID: p.tenant, Name: p.tenant, Status: tenants.Active, CreatedAt: s.now()})
	p.must(err)
	p.id = added.Number
	p.secret, err = s.srv.dir.Tenants.RotateSecret(t.Context(), p.tenant, s.now(), 0)
	p.must(err)
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
	if len(p.tokens) == 0 || op == 0 && len(p.tokens) < 4 {
		p.obtain()
		return
	}
	v := p.tokens[p.draw(len(p.tokens))]
	switch {
	case op < 16:
		p.call(v)
	case op < 19:
		p.request(v, aStatus, "/v1/token", nil, 0)
	case op < 21:
		p.request(v, aSuggestion, "/v1/suggest", url.Values{"q": {"item"}}, 0)
	case op < 25:
		p.answer(v)
	case op == 25:
		p.reload(v)
	case op == 26:
		p.introspect(v)
	case op == 27:
		p.operate(v)
	default:
		p.move()
	}
}

func (p *player) obtain() {
	body := p.oauth("token", url.Values{"grant_type": {"client_credentials"}})
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
	p.note("token %d", len(p.tokens))
	p.tokens = append(p.tokens, &visitorToken{token: token, issued: p.now().Truncate(time.Second), hasKey: p.draw(2) == 0})
}

// oauth sends a request of the tenant's server, and returns the response.
func (p *player) oauth(route string, form url.Values) (body map[string]any) {
	p.t.Helper()
	req, err := http.NewRequest("POST", "http://"+p.srv.Addr("public")+"/oauth/"+route, strings.NewReader(form.Encode()))
	p.must(err)
	req.SetBasicAuth(p.tenant, url.QueryEscape(p.secret))
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
	switch p.draw(8) {
	case 0:
		p.request(v, aCall, "/v1/collections", nil, 0)
	case 1:
		p.request(v, aFailing, "/v1/items", url.Values{"limit": {"51"}}, 0)
	case 2, 3:
		n := 1 + p.draw(modelItemsMost)
		p.request(v, aCall, "/v1/items", url.Values{"limit": {fmt.Sprint(n)}}, min(n, modelCorpus))
	default:
		p.request(v, aCall, fmt.Sprint("/v1/items/i", p.draw(modelCorpus)), nil, 1)
	}
}

// request sends a request with a token, from the address of the token or another, and compares.
func (p *player) request(v *visitorToken, k kind, path string, params url.Values, delivers int) {
	from, spelling, proof := p.sender(v, path)
	want, decided := p.before(v, from)
	if !decided {
		want = v.request(k, p.now(), from, delivers)
		if want.code == "" && k == aFailing {
			want.code = "bad_request"
		}
	}
	got := p.send(v, path, params, spelling, proof)
	p.note("%s %s from %s %s: want %+v, got %s %d", path, params.Encode(), spelling, from.proof, want, got.code(), got.left())
	if k == aCall && got.code() == "" {
		p.admitted[v]++
		p.charged[p.month()]++
	}
	p.compare(v, want, got)
}

func (p *player) month() string { return p.now().Format("2006-01") }

// before returns what is decided before the token's state is looked at.
func (p *player) before(v *visitorToken, from sender) (wanted, bool) {
	switch {
	case from.address == p.blocked:
		return wanted{code: "address_blocked"}, true
	case !p.now().Before(v.issued.Add(modelLifetime)):
		return wanted{code: "token_expired"}, true
	case p.suspended:
		return wanted{code: "tenant_suspended"}, true
	case p.quota > 0 && p.charged[p.month()] >= p.quota:
		return wanted{code: "tenant_exhausted"}, true
	}
	return wanted{}, false
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

// response is a body of the content API.
type contractResponse struct {
	Data  json.RawMessage
	Error *struct {
		Code      string
		Challenge *contractChallenge
	}
}

type contractChallenge struct {
	ID   string
	Left int `json:"calls_left"`
}

func (r contractResponse) code() string {
	if r.Error == nil {
		return ""
	}
	return r.Error.Code
}

func (r contractResponse) left() int {
	if r.Error == nil || r.Error.Challenge == nil {
		return 0
	}
	return r.Error.Challenge.Left
}

// sender returns who sends a request for a path, how its address is spelled, and a function that
// makes its proof for a method and parameters. Every second token is used with proofs, mostly valid
// ones by the same key: DPoP proofs, and session proofs once a session was agreed on.
func (p *player) sender(v *visitorToken, path string) (from sender, spelling string, proof makeProof) {
	from.address, spelling = p.address(v)
	kind := p.draw(16)
	if !v.hasKey && kind > 0 || v.hasKey && kind == 15 {
		return from, spelling, nil
	}
	at, target, key := p.now(), "https://api.example"+path, 0
	switch {
	case kind == 11:
		from.proof, at = invalidProof, at.Add(-2*time.Minute)
	case kind == 12:
		from.proof, target = invalidProof, "https://other.example"+path
	case kind == 13:
		from.proof, key = "second key", 1
	case kind == 14: // made for another token
		from.proof = invalidProof
		return from, spelling, func(method string, _ url.Values) string { return p.keys[0].Proof(method, target, "a"+v.token, at) }
	case kind == 10 && v.session.used > 0:
		from.proof = invalidProof
		return from, spelling, func(method string, q url.Values) string {
			again := *v.session.Session
			again.Counter = v.session.used
			return p.sessionProof(&again, method, path, q)
		}
	case kind > 6 && v.session.Session != nil:
		from.proof = "first key"
		return from, spelling, func(method string, q url.Values) string {
			v.session.counter = v.session.Counter
			return p.sessionProof(v.session.Session, method, path, q)
		}
	default:
		from.proof = "first key"
		return from, spelling, func(method string, _ url.Values) string {
			offered := stiletest.NewSessionKey()
			v.session.offered = &offered
			return p.keys[0].ProofWithSession(offered, method, target, v.token, at)
		}
	}
	return from, spelling, func(method string, _ url.Values) string { return p.keys[key].Proof(method, target, v.token, at) }
}

// makeProof makes the proof of a request with parameters.
type makeProof func(method string, q url.Values) string

func (p *player) sessionProof(s *stiletest.Session, method, path string, q url.Values) string {
	text, err := s.Proof(method, path, q.Encode())
	p.must(err)
	return text
}

// learn notes the session that a response offers, and the counter that a request has used.
func (s *sessionOfToken) learn(token, body string, isAdmitted bool) {
	if s.offered != nil {
		if joined, err := s.offered.Join(body, token); err == nil {
			s.Session = joined
		}
	}
	if isAdmitted && s.counter > 0 {
		s.used = s.counter
	}
	s.offered, s.counter = nil, 0
}

// send sends a request by one of the three transports.
func (p *player) send(v *visitorToken, path string, params url.Values, from string, proof makeProof) (got contractResponse) {
	p.t.Helper()
	q := url.Values{"client_id": {p.tenant}, "access_token": {v.token}}
	for name, values := range params {
		q[name] = values
	}
	target := "http://" + p.srv.Addr("public") + path
	var req *http.Request
	var err error
	transport := p.draw(3)
	if proof != nil {
		v.usedProof = true
		q.Set("proof", proof([]string{"POST", "GET", "GET"}[transport], q))
	}
	switch transport {
	case 0:
		req, err = http.NewRequest("POST", target, strings.NewReader(q.Encode()))
		p.must(err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case 1:
		q.Set("callback", "cb")
		fallthrough
	default:
		req, err = http.NewRequest("GET", target+"?"+q.Encode(), nil)
		p.must(err)
	}
	req.Header.Set("X-Forwarded-For", from)
	res, err := p.client.Do(req)
	p.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	p.must(err)
	body := string(text)
	if transport == 1 {
		after, isScript := strings.CutPrefix(body, "/**/ typeof cb === 'function' && cb(")
		if !isScript || res.StatusCode != 200 {
			p.t.Errorf("JSONP: %d %.200s", res.StatusCode, body)
		}
		body = strings.TrimSuffix(strings.TrimSpace(after), ");")
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		p.t.Fatalf("%s: %v: %.300s", path, err, body)
	}
	v.session.learn(v.token, body, got.Error == nil)
	if (got.Error == nil) == (got.Data == nil) {
		p.t.Errorf("%s: the response must have either data or error: %.300s", path, body)
	}
	return got
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
	if got.code() != want.code || got.left() != want.left && want.code != "" {
		p.t.Errorf("want %+v, got %q, calls_left %d", want, got.code(), got.left())
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
	if p.admitted[v] > modelCalls {
		p.t.Errorf("%d calls of a token were admitted", p.admitted[v])
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
	if p.draw(6) == 0 {
		id = ids[p.draw(len(ids))]
	}
	correct := p.draw(5) > 0
	text := "999999999"
	if correct {
		text = p.solve(id)
	}
	path := "/v1/challenges/" + id + "/answer"
	from, spelling, proof := p.sender(v, path)
	want, decided := p.before(v, from)
	if !decided {
		want = v.answer(p.now(), from, id, correct)
	}
	got := p.send(v, path, url.Values{"answer": {text}}, spelling, proof)
	p.note("answer %.8s correct %t from %s %s: want %+v, got %q %d", id, correct, spelling, from.proof, want, got.code(), got.left())
	p.compare(v, want, got)
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

func (p *player) reload(v *visitorToken) {
	ids := v.challengeIDs()
	if len(ids) == 0 {
		return
	}
	id := ids[len(ids)-1]
	path := "/v1/challenges/" + id + "/reload"
	from, spelling, proof := p.sender(v, path)
	want, decided := p.before(v, from)
	if !decided {
		want = v.reload(p.now(), from, id)
	}
	got := p.send(v, path, nil, spelling, proof)
	p.note("reload %.8s from %s %s: want %+v, got %q %s", id, spelling, from.proof, want, got.code(), got.Data)
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
		p.oauth("revoke", url.Values{"token": {v.token}})
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
	body := p.oauth("introspect", url.Values{"token": {v.token}})
	p.note("introspected: %v", body)
	expired := !p.now().Before(v.issued.Add(modelLifetime)) || v.bound == (sender{}) && p.now().Sub(v.issued) > modelBind
	active := v.dead == "" && !expired
	if !p.isLoose && body["active"] != active {
		p.t.Errorf("introspection: active %v, want %v (%s): %v", body["active"], active, v.dead, body)
	}
	if calls, known := body["calls"].(float64); known && int(calls) != p.admitted[v] {
		p.t.Errorf("introspection: %v calls, %d were answered", calls, p.admitted[v])
	}
}

// operate does what an operator does, or restarts the server.
func (p *player) operate(v *visitorToken) {
	switch p.draw(5) {
	case 0:
		p.note("restart")
		p.must(p.stop())
		p.must(p.start())
		p.clock.Add(int64(5 * time.Second)) // proofs from before the start are refused
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
	}
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
	if p.suspended {
		p.resume()
	}
	for month, want := range p.charged {
		at, err := time.Parse("2006-01", month)
		p.must(err)
		if got := p.srv.dir.Meter.Used(p.id, at.Add(24*time.Hour)); got != want {
			p.t.Errorf("%s: %d calls are charged, %d were answered", month, got, want)
		}
	}
}
