package handlers

import (
	"strconv"
	"time"

	"stile.example/stile/handlers/proofs"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
)

// caller is what a request itself shows about its caller. The functions of guard.go fill it in. It
// does not contain the token's state.
type caller struct {
	claims   bearer.Claims
	dpop     bool          // the token came by RFC 9449's scheme
	key      tokens.Key    // with which a valid proof was made; zero: there is none
	proofErr error         // why the proof is invalid; nil: it is valid, or there is none
	proof    proof.Checked // the DPoP proof from which key was read; zero: there is none
	once     tokens.Once   // the proof, as long as it must be spent with the next write; zero: none
	counter  uint32        // the same for a session proof; 0: none
	use      proofs.Use    // of the session proof, until the request is answered
	binder   bool          // this request bound the token
	settled  bool          // this request has seen that the token's address was consulted
	call     tokens.Call   // memory for the event of a counted call

	agreement  proofs.Agreement // that a valid proof offers
	needsProof bool             // the token was sent such that it needs a valid proof
	blocked    bool             // a rule blocks the address for the tenant's new tokens
	policy     Policy           // of the tenant
}

// event returns the call as an event for the token.
func (r *request) event(route tokens.Route, records int) tokens.Call {
	return tokens.Call{
		At: r.At, Tenant: r.Tenant.Number, IssuedAt: r.claims.IssuedAt, Expires: r.claims.Expires,
		From: r.From, Key: r.key, InvalidProof: r.proofErr != nil, ConfirmedKey: tokens.KeyOf(r.claims.Confirmation),
		Person: r.claims.Person, Route: route, Records: uint32(records), Blocked: r.blocked, Binder: r.binder, Settled: r.settled,
		Proof: r.once, Counter: r.counter,
	}
}

// proven returns a call as it is after its proof was spent: a proof that was used before is
// invalid.
func (r *request) proven(c tokens.Call) tokens.Call {
	c.Key, c.InvalidProof, c.Proof = r.key, r.proofErr != nil, r.once
	return c
}

// spent notes that the proof was spent with what an event wrote.
func (r *request) spent(v tokens.Verdict) {
	if v.Spent {
		r.once, r.counter = tokens.Once{}, 0
	}
}

// appendState appends the members with a token's state.
func (r *request) appendState(s tokens.State) {
	r.AppendString(`"calls":`)
	r.AppendNumber(int64(s.Used.Total().Calls))
	r.AppendString(`,"calls_limit":`)
	r.AppendNumber(int64(r.policy.Token.Calls))
	r.AppendString(`,"expires_in":`)
	r.AppendNumber(r.expiresIn())
}

func (r *request) expiresIn() int64 { return max(int64(r.claims.Expires.Sub(r.At)/time.Second), 0) }

// limits sets the headers of draft-ietf-httpapi-ratelimit-headers: the calls that are left of a
// token, over its lifetime. A script can't read headers.
func (r *request) limits(left uint32) {
	if r.Transport == transport.JSONP {
		return
	}
	h, life := r.W.Header(), int64(r.claims.Expires.Sub(r.claims.IssuedAt)/time.Second)
	h["Ratelimit-Policy"] = []string{`"token";q=` + strconv.FormatUint(uint64(r.policy.Token.Calls), 10) + ";w=" + strconv.FormatInt(life, 10)}
	h["Ratelimit"] = []string{`"token";r=` + strconv.FormatUint(uint64(left), 10) + ";t=" + strconv.FormatInt(r.expiresIn(), 10)}
}
