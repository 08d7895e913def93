package handlers

import (
	"strconv"
	"time"

	"stile.example/stile/handlers/transport"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
)

// caller is who makes a call, as far as the request itself shows it: guard
// fills it in as it goes. What has become of the token is not known yet.
type caller struct {
	claims   bearer.Claims
	dpop     bool          // the token came by RFC 9449's scheme
	key      tokens.Key    // that a good proof was made with; zero: there was none
	proofErr error         // what is wrong with the proof; nil: it is good, or there is none
	proof    proof.Checked // what key was read from
	binder   bool          // this request bound the token

	needsProof bool   // the way that the token came by needs a valid proof, whatever the token is bound to
	blocked    bool   // a rule blocks the address for the tenant's new tokens
	policy     Policy // of the tenant
}

// event is what the call is to the token.
func (r *request) event(route tokens.Route, records int) tokens.Call {
	return tokens.Call{
		At: r.At, Tenant: r.Tenant.Number, IssuedAt: r.claims.IssuedAt, Expires: r.claims.Expires,
		From: r.From, Key: r.key, BadProof: r.proofErr != nil, ConfirmedKey: tokens.KeyOf(r.claims.Confirmation),
		Route: route, Records: uint32(records), Blocked: r.blocked, Binder: r.binder,
	}
}

// proven is a call after its proof was spent: one that was used before is
// invalid.
func (r *request) proven(c tokens.Call) tokens.Call {
	c.Key, c.BadProof = r.key, r.proofErr != nil
	return c
}

// appendState appends the members that tell how a token stands.
func (r *request) appendState(s tokens.State) {
	r.AppendString(`"calls":`)
	r.AppendNumber(int64(s.Used.Total().Calls))
	r.AppendString(`,"calls_limit":`)
	r.AppendNumber(int64(r.policy.Token.Calls))
	r.AppendString(`,"expires_in":`)
	r.AppendNumber(r.expiresIn())
}

func (r *request) expiresIn() int64 { return max(int64(r.claims.Expires.Sub(r.At)/time.Second), 0) }

// limits sets the fields of draft-ietf-httpapi-ratelimit-headers: the calls
// that are left of a token, over its life. A script can't read headers.
func (r *request) limits(left uint32) {
	if r.Transport == transport.JSONP {
		return
	}
	h, life := r.W.Header(), int64(r.claims.Expires.Sub(r.claims.IssuedAt)/time.Second)
	h["Ratelimit-Policy"] = []string{`"token";q=` + strconv.FormatUint(uint64(r.policy.Token.Calls), 10) + ";w=" + strconv.FormatInt(life, 10)}
	h["Ratelimit"] = []string{`"token";r=` + strconv.FormatUint(uint64(left), 10) + ";t=" + strconv.FormatInt(r.expiresIn(), 10)}
}
