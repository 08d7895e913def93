package handlers

import (
	"errors"
	"net/http"
	"strconv"

	"stile.example/stile/content"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
)

// refusalOf returns the refusal for an error. An unexpected error is internal, and only the log
// contains its text.
func refusalOf(err error) *codes.Refusal {
	var why *codes.Refusal
	var q content.ErrQuery
	switch {
	case errors.As(err, &why):
		return why
	case errors.As(err, &q):
		return &codes.Refusal{Code: codes.BadRequest, Detail: q.Error()}
	case errors.Is(err, content.ErrNotFound):
		return &codes.Refusal{Code: codes.NotFound, Title: codes.NoItem, Detail: noItem}
	case errors.Is(err, bearer.ErrExpired):
		return invalidToken(codes.TokenExpired, "token.lifetime", err)
	case errors.Is(err, bearer.ErrInvalid):
		return invalidToken(codes.TokenInvalid, "", err)
	}
	return codes.RefusalOf(err)
}

// The rules by which a token is invalid or has expired, as explanations name them.
const (
	ruleIssuers       = "issuers"        // what the settings require of an external issuer's token
	ruleUnknownIssuer = "unknown issuer" // its issuer is not in the settings
)

// invalidToken refuses a token that is invalid or has expired. Only the operator learns why.
func invalidToken(code codes.Code, rule string, err error) *codes.Refusal {
	issuer, _ := bearer.Reason(err)
	switch {
	case errors.Is(err, bearer.ErrUnknownIssuer):
		rule = ruleUnknownIssuer
	case issuer != "":
		rule = ruleIssuers
	}
	return &codes.Refusal{Code: code, Explanation: codes.Explanation{Rule: rule, Why: bearer.Explain(err)}}
}

// noItem is the detail about an item that does not exist, or that is another tenant's: a caller
// can't tell which.
const noItem = "This item is no longer available, or this site may not show it."

// fail responds with an error. Every refusal and every fault passes through here, and nowhere else
// is one written.
func (a *API) fail(r *request, err error) {
	why := refusalOf(err)
	p := why.Problem()
	if p.Code == codes.ProofInvalid {
		now := a.Now().Unix()
		p.Now = &now
	}
	r.refusedWith = p.Code
	a.reportRefusal(r, err, why, p)
	h := r.W.Header()
	if p.Code == codes.AddressBlocked && transport.Direct(r.HTTP, a.TrustedProxies) {
		h["Connection"] = closing
	}
	if p.RetryAfter != nil && r.Transport != transport.JSONP {
		h.Set("Retry-After", strconv.Itoa(*p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized && r.Transport != transport.JSONP {
		h["Www-Authenticate"] = authenticateHeaders(p, r.dpop)
	}
	r.StartBody()
	r.AppendString(`{"error":`)
	r.AppendValue(p)
	r.AppendString("}")
	r.Finish(p.Status)
}

// authenticateHeaders returns one header for each scheme by which a token can be sent (RFC 9449
// §7.2). The header of the scheme that the request used contains the error (RFC 6750 §3, RFC 9449
// §7.1), if it contained a token.
func authenticateHeaders(p codes.Problem, dpop bool) []string {
	bearer, dpopHeader := `Bearer realm="stile"`, `DPoP realm="stile", algs="`+proof.Algorithms+`"`
	switch {
	case p.Code == codes.TokenMissing:
	case p.Code == codes.ProofInvalid:
		dpopHeader += `, error="invalid_dpop_proof", error_description="` + string(p.Code) + `"`
	case dpop:
		dpopHeader += `, error="invalid_token", error_description="` + string(p.Code) + `"`
	default:
		bearer += `, error="invalid_token", error_description="` + string(p.Code) + `"`
	}
	return []string{bearer, dpopHeader}
}
