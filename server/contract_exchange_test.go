package server

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"stile.example/stile/stiletest"
)

// origin is who sends a request, and how.
type origin struct {
	sender
	spelling string // of the address
	mistake  mistake
	prove    func(method, query string) string // nil: no proof
}

func (o origin) String() string { return fmt.Sprint(o.spelling, " ", o.proof, " mistake ", o.mistake) }

// sender returns who sends a request for a path. Every second token is used with proofs, mostly
// valid ones by the same key. Once the server has offered a session, half of them are session
// proofs.
func (p *player) sender(v *visitorToken, path string) (o origin) {
	o.address, o.spelling = p.address(v)
	if n := mistake(p.draw(48)); n <= navigated {
		o.mistake = n
	}
	kind := p.draw(16)
	if !v.hasKey && kind > 0 || v.hasKey && kind == 15 {
		return o
	}
	at, target, key, token := p.now(), "https://api.example"+path, 0, v.token
	switch kind {
	case 11:
		o.proof, at = invalidProof, at.Add(-2*time.Minute)
	case 12:
		o.proof, target = invalidProof, "https://other.example"+path
	case 13:
		o.proof, key = "second key", 1
	case 14: // made for another token
		o.proof, token = invalidProof, "a"+token
	default:
		o.proof = "first key"
		if v.session != nil && kind%2 == 0 {
			o.proof = v.sessionOf
			o.prove = func(method, query string) string {
				text, err := v.session.Proof(method, path, query)
				p.must(err)
				return text
			}
			return o
		}
	}
	o.prove = func(method, _ string) string { return p.keys[key].ProofWithSession(p.join, method, target, token, at) }
	return o
}

// exchange is a request, as it is sent.
type exchange struct {
	path          string
	transport     int
	from, address string
	key           string // the name of the proof's key
	token         string // in the header Authorization; "": none
	proof         string
	query         url.Values // with the token, unless it is in the header
	isNavigation  bool
}

// The transports. Three of them read the token and the proof from the parameters.
const (
	byForm = iota
	byJSONP
	byJSON
	byHeaders
	transports
)

// prepare returns a request by one of the transports.
func (p *player) prepare(v *visitorToken, path string, params url.Values, o origin) exchange {
	x := exchange{path: path, transport: p.draw(transports), from: o.spelling, address: o.address, key: o.proof, query: url.Values{"client_id": {p.tenant}}}
	for name, values := range params {
		x.query[name] = values
	}
	token := v.token
	switch o.mistake {
	case changedToken:
		token = token[:len(token)-20] + strings.Map(func(r rune) rune {
			return map[bool]rune{true: 'B', false: 'A'}[r == 'A']
		}, token[len(token)-20:len(token)-10]) + token[len(token)-10:]
	case otherClient:
		x.query.Set("client_id", "other")
	case navigated:
		x.isNavigation = true
	}
	if x.transport == byHeaders || o.mistake == twoTokens {
		x.token = token
	}
	if x.transport != byHeaders || o.mistake == twoTokens {
		x.query.Set("access_token", token)
	}
	if o.mistake == noToken {
		x.token = ""
		x.query.Del("access_token")
	}
	if o.prove != nil {
		v.usedProof = true
		x.proof = o.prove(x.method(), x.query.Encode())
	}
	return x
}

func (x exchange) method() string {
	if x.transport == byForm {
		return "POST"
	}
	return "GET"
}

// request returns the request for a server.
func (x exchange) request(server string) (req *http.Request, err error) {
	q := url.Values{}
	for name, values := range x.query {
		q[name] = values
	}
	if x.proof != "" && x.transport != byHeaders {
		q.Set("proof", x.proof)
	}
	target := "http://" + server + x.path
	switch x.transport {
	case byForm:
		req, err = http.NewRequest("POST", target, strings.NewReader(q.Encode()))
	case byJSONP:
		q.Set("callback", "cb")
		fallthrough
	default:
		req, err = http.NewRequest("GET", target+"?"+q.Encode(), nil)
	}
	if err != nil {
		return nil, err
	}
	if x.transport == byForm {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if x.token != "" {
		req.Header.Set("Authorization", "Bearer "+x.token)
	}
	if x.proof != "" && x.transport == byHeaders {
		req.Header.Set("DPoP", x.proof)
	}
	if x.isNavigation {
		req.Header.Set("Sec-Fetch-Dest", "document")
	}
	req.Header.Set("X-Forwarded-For", x.from)
	return req, nil
}

// exchangeAll sends requests simultaneously.
func (p *player) exchangeAll(all []exchange) []contractResponse {
	got := make([]contractResponse, len(all))
	var wg sync.WaitGroup
	for i, x := range all {
		wg.Go(func() { got[i] = p.exchange(x) })
	}
	wg.Wait()
	return got
}

// exchange sends a request, and checks what each response must have.
func (p *player) exchange(x exchange) (got contractResponse) {
	req, err := x.request(p.srv.Addr("public"))
	if err != nil {
		p.t.Error(err)
		return got
	}
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Error(err)
		return got
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Error(err)
	}
	got.text = string(text)
	body := got.text
	if x.transport == byJSONP {
		after, isScript := strings.CutPrefix(body, "/**/ typeof cb === 'function' && cb(")
		if !isScript || res.StatusCode != 200 {
			p.t.Errorf("JSONP: %d %.200s", res.StatusCode, body)
		}
		body = strings.TrimSuffix(strings.TrimSpace(after), ");")
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		p.t.Errorf("%s: %v: %.300s", x.path, err, body)
	}
	if (got.Error == nil) == (got.Data == nil) {
		p.t.Errorf("%s: the response must have either data or error: %.300s", x.path, body)
	}
	p.checkForm(x, res, got)
	return got
}

// contractHeaders are in every response.
var contractHeaders = map[string]string{
	"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer",
	"Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*", "Set-Cookie": "",
}

var refPattern = regexp.MustCompile(`^[0-9A-Z]{4}-[0-9A-Z]{4}$`)

// checkForm checks a response's headers, its status, and the members of its error.
func (p *player) checkForm(x exchange, res *http.Response, got contractResponse) {
	for name, want := range contractHeaders {
		if v := res.Header.Get(name); v != want {
			p.t.Errorf("%s: %s: %q, want %q", x.path, name, v, want)
		}
	}
	contentType, status := "application/json", 200
	if x.transport == byJSONP {
		contentType = "text/javascript; charset=utf-8"
	}
	e := got.Error
	if e != nil && x.transport != byJSONP {
		status = contractCodes[e.Code].status
	}
	if is := res.Header.Get("Content-Type"); res.StatusCode != status || is != contentType {
		p.t.Errorf("%s: %d %s, want %d %s", x.path, res.StatusCode, is, status, contentType)
	}
	if e == nil {
		return
	}
	code, known := contractCodes[e.Code]
	asks := e.Code == "challenge_required" || e.Code == "challenge_failed"
	if !known || e.Status != code.status || e.Renewable != code.renewable || e.Type != "/problems/"+e.Code || !refPattern.MatchString(e.Ref) || (e.Challenge != nil) != asks {
		p.t.Errorf("%s: the error is not as the contract says: %s", x.path, got.text)
	}
	if c := e.Challenge; c != nil && (c.Kind != "work" || c.ExpiresIn <= 0 || c.ExpiresIn > int(modelExpires/time.Second) && !p.isLoose) {
		p.t.Errorf("%s: the challenge is not as the contract says: %s", x.path, got.text)
	}
}

// contractResponse is a body of the content API.
type contractResponse struct {
	text  string
	Data  json.RawMessage
	Error *struct {
		Type, Code, Ref string
		Status          int
		Renewable       bool
		Challenge       *contractChallenge
	}
	Meta struct {
		Token   *contractState
		Session *stiletest.Offer
	}
}

type contractChallenge struct {
	ID        string
	Kind      string
	ExpiresIn int `json:"expires_in"`
	Left      int `json:"calls_left"`
}

// contractState is the state of a token in a response.
type contractState struct {
	Calls     int
	Limit     int `json:"calls_limit"`
	ExpiresIn int `json:"expires_in"`
}

func (r contractResponse) code() string {
	if r.Error == nil {
		return ""
	}
	return r.Error.Code
}

// wanted returns what the response says, in the model's words.
func (r contractResponse) wanted() (w wanted) {
	w.code = r.code()
	if r.Error != nil && r.Error.Challenge != nil {
		w.left = r.Error.Challenge.Left
	}
	return w
}

func (r contractResponse) left() int { return r.wanted().left }

func compareWanted(a, b wanted) int {
	return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.left, b.left))
}

// compareState compares the token's state in a response with the model.
func (p *player) compareState(v *visitorToken, got contractResponse) {
	if got.Error != nil || p.isLoose {
		return
	}
	want := contractState{v.calls, p.rules.calls, v.expiresIn(p.now())}
	if got.Meta.Token == nil || *got.Meta.Token != want {
		p.t.Errorf("meta.token: %+v, want %+v", got.Meta.Token, want)
	}
	var own struct { // of /v1/token
		contractState
		Binding   string
		Challenge *contractChallenge
	}
	if json.Unmarshal(got.Data, &own) != nil || own.Binding == "" {
		return // a list, or other content
	}
	isOpen := v.open != nil && p.now().Before(v.open.opened.Add(modelExpires))
	if own.contractState != want || own.Binding != v.binding() || (own.Challenge != nil) != isOpen {
		p.t.Errorf("/v1/token: %s, want %+v, %s, a challenge: %t", got.Data, want, v.binding(), isOpen)
	}
}

// keepProof keeps a call with a proof that was answered, and the session that its response offers.
func (p *player) keepProof(v *visitorToken, x exchange, got contractResponse) {
	if got.Error != nil || x.proof == "" {
		return
	}
	if strings.HasPrefix(x.path, "/v1/items/") {
		v.answered = &x
	}
	if got.Meta.Session == nil {
		return
	}
	session, err := p.join.Accept(*got.Meta.Session, v.token)
	p.must(err)
	v.session, v.sessionOf = session, x.key
}
