package server

import (
	"slices"
	"time"

	"stile.example/stile/stiletest"
)

// The limits of the model, which startContract gives to the server.
const (
	modelCalls     = 12
	modelRecords   = 60
	modelLifetime  = time.Hour
	modelBind      = 10 * time.Minute
	modelSpike     = 3
	modelSuggest   = 5
	modelPer       = time.Minute
	modelIgnored   = 2
	modelPerToken  = 3
	modelExpires   = 5 * time.Minute
	modelReloads   = 3
	modelCorpus    = 30
	modelItemsMost = 50 // of one list
)

// visitorToken is a token as the contract describes it. It is written from contract.md and
// policy.md, and shares no code with package tokens.
type visitorToken struct {
	token  string
	issued time.Time
	rules  *tenantRules

	bound   sender // the zero value: unbound. Either the address or the proof is set
	dead    string // code of the refusal
	calls   int
	records int

	spike, suggestions window
	open               *openChallenge
	challenges         int // including open ones, solved ones and those that replaced another
	reloads            int // of the challenge that is open
	past               []string

	hasKey, usedProof bool               // how the player uses it
	session           *stiletest.Session // nil: none was offered
	sessionOf         string             // its key, as in sender
	answered          *exchange          // the last one with a proof that got data
}

// tenantRules are the tenant's own settings.
type tenantRules struct {
	calls   int
	binding string // auto, address or key
	kills   bool   // hijack: kill
}

// contractCode is what the contract's table says about a code.
type contractCode struct {
	status    int
	renewable bool
}

var contractCodes = map[string]contractCode{
	"token_missing": {401, true}, "token_invalid": {401, true}, "token_expired": {401, true}, "token_revoked": {401, true},
	"token_hijacked": {401, true}, "token_exhausted": {401, true}, "token_challenge_ignored": {401, true},
	"token_challenged_too_often": {401, true}, "proof_invalid": {401, false}, "client_mismatch": {403, false},
	"tenant_suspended": {403, false}, "tenant_exhausted": {403, false}, "address_blocked": {403, false},
	"challenge_required": {429, false}, "challenge_failed": {422, false}, "bad_request": {400, false}, "not_found": {404, false},
	"overloaded": {503, false},
}

// window counts from its first event for modelPer.
type window struct {
	start time.Time
	n     int
}

func (w *window) full(now time.Time, limit int) bool {
	if now.Sub(w.start) >= modelPer {
		w.n = 0
	}
	return w.n >= limit
}

func (w *window) add(now time.Time) {
	if w.n == 0 {
		w.start = now
	}
	w.n++
}

type openChallenge struct {
	id     string   // "": not yet seen in a response
	older  []string // its ids from before the server's restarts: they stay valid
	opened time.Time
	left   int // calls_left in the last response
}

// restart notes that the server will show the open challenge again under another id.
func (v *visitorToken) restart() {
	if v.open != nil {
		v.open.older = append(v.open.older, v.open.id)
	}
}

// has reports whether an id is of the challenge that is open.
func (c *openChallenge) has(id string) bool {
	return c != nil && (c.id == id || slices.Contains(c.older, id))
}

// wanted is what the contract says about a response.
type wanted struct {
	code string // "": data
	left int    // calls_left, if code is challenge_required or challenge_failed
}

// kind is what a request is to the contract.
type kind int

const (
	aCall    kind = iota
	aFailing      // a call whose content can't be read: it binds and counts as a call, uncharged
	aSuggestion
	aStatus // /v1/token
)

// sender is who sends a request: a source address, and the name of the key that made its proof.
type sender struct{ address, proof string }

// mistake is what is wrong with a request, whatever the token's state is.
type mistake int

const (
	noMistake    mistake = iota
	noToken              // none at all
	twoTokens            // in the header and in the parameters
	changedToken         // a signature of another text
	otherClient          // the client_id of another tenant
	navigated            // Sec-Fetch-Dest: document
)

// before returns what is decided before the token's state is looked at.
func (v *visitorToken) before(m mistake, now time.Time, t tenantState) (code string) {
	switch {
	case m == twoTokens:
		return "bad_request"
	case m == noToken:
		return "token_missing"
	case !now.Before(v.issued.Add(modelLifetime)): // no matter who signed it
		return "token_expired"
	case m == changedToken:
		return "token_invalid"
	case m == otherClient || m == navigated:
		return "client_mismatch"
	case t.suspended:
		return "tenant_suspended"
	case t.exhausted:
		return "tenant_exhausted"
	}
	return ""
}

// tenantState is what is decided about a tenant's calls.
type tenantState struct{ suspended, exhausted bool }

// invalidProof is the proof of a sender whose proof is stale, used, or made for another request.
const invalidProof = "invalid"

// bind checks the life and the binding of a token, and binds it unless the request is only about
// its state.
func (v *visitorToken) bind(now time.Time, from sender, binds bool) (code string) {
	switch isBound := v.bound != (sender{}); {
	case v.dead != "":
		return v.dead
	case !isBound && now.Sub(v.issued) > modelBind:
		return "token_expired"
	case !isBound && v.rules.binding == "address" && binds:
		v.bound.address = from.address
	case !isBound && v.rules.binding == "address":
	case !isBound && (from.proof == invalidProof || v.rules.binding == "key" && from.proof == ""):
		return "proof_invalid"
	case !isBound && binds && from.proof != "":
		v.bound.proof = from.proof
	case !isBound && binds:
		v.bound.address = from.address
	case v.bound.address != "" && v.bound.address != from.address:
		v.dead = "token_hijacked"
		return v.dead
	case v.bound.proof != "" && (from.proof == "" || from.proof == invalidProof):
		return "proof_invalid"
	case v.bound.proof != "" && v.bound.proof != from.proof && v.rules.kills:
		v.dead = "token_hijacked"
		return v.dead
	case v.bound.proof != "" && v.bound.proof != from.proof:
		return "token_hijacked" // the owner continues
	}
	return ""
}

// issue opens another challenge, or kills the token that had too many.
func (v *visitorToken) issue(now time.Time, code string) wanted {
	v.challenges++
	if v.challenges > modelPerToken {
		v.dead, v.open = "token_challenged_too_often", nil
		return wanted{code: v.dead}
	}
	v.open, v.reloads = &openChallenge{opened: now, left: modelIgnored}, 0
	return wanted{code, modelIgnored}
}

// request returns what a request gets after all checks that don't depend on the token's state.
func (v *visitorToken) request(k kind, now time.Time, from sender, delivers int) wanted {
	if code := v.bind(now, from, k != aStatus); code != "" {
		return wanted{code: code}
	}
	if k == aStatus && v.bound == (sender{}) {
		return wanted{}
	}
	if k == aStatus {
		return v.status(now)
	}
	if v.open != nil {
		return v.whileOpen(k, now)
	}
	isCall := k != aSuggestion
	if isCall && (v.calls >= v.rules.calls || v.records >= modelRecords) {
		v.dead = "token_exhausted"
		return wanted{code: v.dead}
	}
	w, limit := &v.spike, modelSpike
	if !isCall {
		w, limit = &v.suggestions, modelSuggest
	}
	if w.full(now, limit) {
		return v.issue(now, "challenge_required")
	}
	w.add(now)
	if isCall && v.records+delivers > modelRecords { // known once the content was read
		v.dead = "token_exhausted"
		return wanted{code: v.dead}
	}
	if k == aCall {
		v.calls++
		v.records += delivers
	}
	return wanted{}
}

func (v *visitorToken) whileOpen(k kind, now time.Time) wanted {
	if !now.Before(v.open.opened.Add(modelExpires)) {
		return v.issue(now, "challenge_required")
	}
	if k != aSuggestion {
		if v.open.left == 0 {
			v.dead = "token_challenge_ignored"
			return wanted{code: v.dead}
		}
		v.open.left--
	}
	return wanted{"challenge_required", v.open.left}
}

// binding is the word for what the token is bound to.
func (v *visitorToken) binding() string {
	switch {
	case v.bound.proof != "":
		return "key"
	case v.bound.address != "":
		return "address"
	}
	return "none"
}

// expiresIn is in seconds.
func (v *visitorToken) expiresIn(now time.Time) int {
	return int(v.issued.Add(modelLifetime).Sub(now) / time.Second)
}

// status is a request for the state of a bound token.
func (v *visitorToken) status(now time.Time) wanted {
	if !v.suggestions.full(now, modelSuggest) {
		v.suggestions.add(now)
		return wanted{}
	}
	if v.open != nil && now.Before(v.open.opened.Add(modelExpires)) {
		return wanted{"challenge_required", v.open.left}
	}
	return v.issue(now, "challenge_required")
}

// answer is an answer to a challenge of this token.
func (v *visitorToken) answer(now time.Time, from sender, id string, correct bool) wanted {
	if code := v.bind(now, from, false); code != "" {
		return wanted{code: code}
	}
	if !v.open.has(id) {
		return wanted{code: "not_found"}
	}
	late := !now.Before(v.open.opened.Add(modelExpires))
	v.open = nil
	if late || !correct {
		return v.issue(now, "challenge_failed")
	}
	v.spike, v.suggestions = window{}, window{}
	return wanted{}
}

// reload exchanges a challenge of this token for another of its kind.
func (v *visitorToken) reload(now time.Time, from sender, id string) wanted {
	if code := v.bind(now, from, false); code != "" {
		return wanted{code: code}
	}
	if !v.open.has(id) {
		return wanted{code: "not_found"}
	}
	if v.reloads++; v.reloads > modelReloads {
		if v.challenges++; v.challenges > modelPerToken {
			v.dead, v.open = "token_challenged_too_often", nil
			return wanted{code: v.dead}
		}
	}
	v.open = &openChallenge{opened: now, left: v.open.left}
	return wanted{left: v.open.left}
}
