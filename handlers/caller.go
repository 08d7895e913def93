package handlers

import (
	"net/netip"
	"strconv"
	"time"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
)

// caller is who makes a call, as far as the request itself shows it: guard
// fills it in as it goes. What has become of the token is not known yet.
type caller struct {
	at     time.Time
	from   netip.Addr // the zero address until it was looked for
	claims bearer.Claims
	dpop   bool          // the token came by RFC 9449's scheme
	key    tokens.Key    // that a good proof was made with; zero: there was none
	faulty error         // what is wrong with the proof; nil: it is good, or there is none
	proof  proof.Checked // what key was read from
	binder bool          // this request bound the token

	needsProof bool            // the way that the token came by needs a valid proof, whatever the token is bound to
	blocked    bool            // a rule blocks the address for the tenant's new tokens
	tenant     *tenants.Tenant // nil until the token has named one that exists
	policy     Policy          // of the tenant
}

// event is what the call is to the token.
func (w *caller) event(route tokens.Route, records int) tokens.Call {
	return tokens.Call{
		At: w.at, Tenant: w.tenant.Number, IssuedAt: w.claims.IssuedAt, Expires: w.claims.Expires,
		From: w.from, Key: w.key, BadProof: w.faulty != nil, ConfirmedKey: tokens.KeyOf(w.claims.Confirmation),
		Route: route, Records: uint32(records), Blocked: w.blocked, Binder: w.binder,
	}
}

// proven is a call after its proof was spent: one that was used before is
// invalid.
func (w *caller) proven(c tokens.Call) tokens.Call {
	c.Key, c.BadProof = w.key, w.faulty != nil
	return c
}

// addState appends the members that tell how a token stands.
func (r *request) addState(s tokens.State) {
	r.add(`"calls":`)
	r.addNumber(int64(s.Used.Total().Calls))
	r.add(`,"calls_limit":`)
	r.addNumber(int64(r.policy.Token.Calls))
	r.add(`,"expires_in":`)
	r.addNumber(r.expiresIn())
}

func (w *caller) expiresIn() int64 { return max(int64(w.claims.Expires.Sub(w.at)/time.Second), 0) }

// limits sets the fields of draft-ietf-httpapi-ratelimit-headers: the calls
// that are left of a token, over its life. A script can't read headers.
func (r *request) limits(left uint32) {
	if r.way == jsonp {
		return
	}
	h, life := r.w.Header(), int64(r.claims.Expires.Sub(r.claims.IssuedAt)/time.Second)
	h["Ratelimit-Policy"] = []string{`"token";q=` + strconv.FormatUint(uint64(r.policy.Token.Calls), 10) + ";w=" + strconv.FormatInt(life, 10)}
	h["Ratelimit"] = []string{`"token";r=` + strconv.FormatUint(uint64(left), 10) + ";t=" + strconv.FormatInt(r.expiresIn(), 10)}
}
