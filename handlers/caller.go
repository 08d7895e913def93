package handlers

import (
	"net/netip"
	"strconv"
	"time"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// caller is who makes a call, as far as the request itself shows it. What has
// become of the token is not known yet.
type caller struct {
	at     time.Time
	claims bearer.Claims
	tenant *tenants.Tenant
	policy Policy
	from   netip.Addr
}

// event is what the call is to the token.
func (w *caller) event(route tokens.Route, records int) tokens.Call {
	return tokens.Call{
		At: w.at, Tenant: w.tenant.Number, IssuedAt: w.claims.IssuedAt, Expires: w.claims.Expires,
		From: w.from, Route: route, Records: uint32(records),
	}
}

// appendState appends the members that tell how a token stands.
func (w *caller) appendState(b []byte, calls uint32) []byte {
	b = append(b, `"calls":`...)
	b = strconv.AppendUint(b, uint64(calls), 10)
	b = append(b, `,"calls_limit":`...)
	b = strconv.AppendUint(b, uint64(w.policy.Token.Calls), 10)
	b = append(b, `,"expires_in":`...)
	return strconv.AppendInt(b, w.expiresIn(), 10)
}

func (w *caller) expiresIn() int64 { return max(int64(w.claims.Expires.Sub(w.at)/time.Second), 0) }

// limits sets the fields of draft-ietf-httpapi-ratelimit-headers: the calls
// that are left of a token, over its life. A script can't read headers.
func (w *caller) limits(r *request, left uint32) {
	if r.way == jsonp {
		return
	}
	h, life := r.w.Header(), int64(w.claims.Expires.Sub(w.claims.IssuedAt)/time.Second)
	h["Ratelimit-Policy"] = []string{`"token";q=` + strconv.FormatUint(uint64(w.policy.Token.Calls), 10) + ";w=" + strconv.FormatInt(life, 10)}
	h["Ratelimit"] = []string{`"token";r=` + strconv.FormatUint(uint64(left), 10) + ";t=" + strconv.FormatInt(w.expiresIn(), 10)}
}
