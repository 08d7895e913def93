package handlers

import (
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
)

// refusal is why a request is not answered, on its way to [API.fail]. Nothing
// in it comes from the request, but for names that were checked.
type refusal struct {
	code   Code
	status int           // of HTTP, where it is not the code's
	detail string        // for the client; the code's own where empty
	retry  time.Duration // when to try again; 0: not said
	cause  error         // for the log; never for the client

	explanation                // for who has to explain it; never for the client
	challenge   *challengeJSON // what to solve, where that is the reason
}

func (r *refusal) Error() string { return string(r.code) }

func (r *refusal) Unwrap() error { return r.cause }

func refuse(code Code) error { return &refusal{code: code} }

// badRequest refuses with a sentence that says what is wrong and where.
func badRequest(detail string) error { return &refusal{code: BadRequest, detail: detail} }

// unavailable marks an error of a part of ours, such as the store: the client did
// nothing wrong and is to try again, so it is never a word about its token.
func unavailable(err error) error { return &refusal{code: Overloaded, cause: err, retry: retryDelay()} }

// retryDelay is between 1 and 5 seconds, so that refused clients don't all come
// back at once.
func retryDelay() time.Duration {
	return time.Duration(1+mathrand.IntN(5)) * time.Second
}

// refusalOf finds the code for an error. What nobody planned is internal, and
// its text stays in the log.
func refusalOf(err error) *refusal {
	var r *refusal
	var q content.ErrQuery
	switch {
	case errors.As(err, &r):
		return r
	case errors.As(err, &q):
		return &refusal{code: BadRequest, detail: q.Error()}
	case errors.Is(err, content.ErrNotFound):
		return &refusal{code: NotFound}
	case errors.Is(err, bearer.ErrExpired):
		return &refusal{code: TokenExpired, explanation: explanation{rule: "token.lifetime"}}
	case errors.Is(err, bearer.ErrInvalid):
		return &refusal{code: TokenInvalid}
	}
	return &refusal{code: Internal, cause: err}
}

// problem is the member error of a body: RFC 9457's members, and ours.
type problem struct {
	Type       string         `json:"type"`
	Code       Code           `json:"code"`
	Status     int            `json:"status"`
	Title      string         `json:"title"`
	Detail     string         `json:"detail"`
	Ref        string         `json:"ref"`
	Renewable  bool           `json:"renewable"`
	RetryAfter *int           `json:"retry_after"`
	Challenge  *challengeJSON `json:"challenge"`
	Now        *int64         `json:"now,omitempty"` // Unix seconds, where the client's clock may be to blame
}

// fail answers a request with why it is not answered. Every refusal and every
// error comes here, and nowhere else does one become bytes.
func (a *API) fail(r *request, err error) {
	why := refusalOf(err)
	p := problemOf(why)
	if p.Code == ProofInvalid {
		now := a.Now().Unix()
		p.Now = &now
	}
	a.reportRefusal(r, why, p)
	h := r.w.Header()
	if p.Code == AddressBlocked && a.direct(r.http) {
		h["Connection"] = closing
	}
	if p.RetryAfter != nil && r.transport != jsonpTransport {
		h.Set("Retry-After", strconv.Itoa(*p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized && r.transport != jsonpTransport {
		h["Www-Authenticate"] = authenticateHeaders(p, r.dpop)
	}
	r.startBody()
	r.appendString(`{"error":`)
	r.appendValue(p)
	r.appendString("}")
	r.finish(p.Status)
}

func problemOf(why *refusal) problem {
	m, ok := table[why.code]
	if !ok {
		m = table[Internal]
	}
	p := problem{
		Type: "/problems/" + string(m.Code), Code: m.Code, Status: m.Status, Title: m.Title,
		Detail: m.Detail, Ref: newRef(), Renewable: m.Renewable, Challenge: why.challenge,
	}
	if why.status != 0 {
		p.Status = why.status
	}
	if why.detail != "" {
		p.Detail = why.detail
	}
	if why.retry > 0 {
		s := int((why.retry + time.Second - 1) / time.Second)
		p.RetryAfter = &s
	}
	return p
}

// authenticateHeaders says by which schemes a token can be sent, in a line each (RFC 9449
// §7.2). What was wrong stands at the scheme that was used (RFC 6750 §3, RFC
// 9449 §7.1); where no token was sent, nothing was.
func authenticateHeaders(p problem, dpop bool) []string {
	bearer, proven := `Bearer realm="stile"`, `DPoP realm="stile", algs="`+proof.Algorithms+`"`
	switch {
	case p.Code == TokenMissing:
	case p.Code == ProofInvalid:
		proven += `, error="invalid_dpop_proof", error_description="` + string(p.Code) + `"`
	case dpop:
		proven += `, error="invalid_token", error_description="` + string(p.Code) + `"`
	default:
		bearer += `, error="invalid_token", error_description="` + string(p.Code) + `"`
	}
	return []string{bearer, proven}
}

// crockford is the alphabet of references: no letter in it looks like a digit.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newRef names one refusal, as 7QK2-M4TD: 40 random bits.
func newRef() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	ref := make([]byte, 0, 9)
	for i, c := range b {
		if i == 4 {
			ref = append(ref, '-')
		}
		ref = append(ref, crockford[c%32])
	}
	return string(ref)
}
