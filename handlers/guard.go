package handlers

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"stile.example/stile/handlers/accesslog"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/oauth"
	"stile.example/stile/handlers/sites"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/readable"
)

// authorize identifies the caller: address, token, client, page, key, in the contract's order. It
// changes only the request: the proof is checked here, and spent once the token's state is known.
func (a *API) authorize(r *request) (err error) {
	if err = a.checkAddress(r); err != nil {
		return err
	}
	token, inURL, err := findToken(r)
	if err != nil {
		return err
	}
	if r.claims, err = a.verify(token, r.From, r.At); err != nil {
		return err
	}
	if err = a.findTenant(r); err != nil {
		return err
	}
	if inURL && r.policy.QueryTokens != QueryTokensYes && r.policy.QueryTokens != QueryTokensProof {
		return codes.Malformed("access_token must not be in a URL: the tenant's setting query_tokens allows it in a form or a header only")
	}
	if err = a.enforce(r, sites.Refusal(r.HTTP.Header, r.Tenant, r.policy.Site != SiteIfSent)); err != nil {
		return err
	}
	if r.Tenant.Status != tenants.Active {
		return codes.Refuse(codes.TenantSuspended)
	}
	_, r.blocked = a.Addresses.BlockedByRule(r.From, r.Tenant.Number, r.At)
	return a.checkProof(r, token, inURL)
}

// checkAddress finds the source address, and refuses one that an operator has blocked, before the
// token is read. For a block by a rule, the token's state decides: see tokens.Call.Blocked. Blocks
// do not apply to /oauth, whose callers are tenants' servers that authenticate.
func (a *API) checkAddress(r *request) (err error) {
	r.At = a.Now()
	if r.From, err = transport.Source(r.HTTP, a.TrustedProxies); err != nil {
		return err
	}
	if until, blocked := a.Addresses.BlockedByOperator(r.From, r.At); blocked {
		return blockedUntil(until, r.At, codes.Explanation{Rule: ruleList, Why: "blocked by an operator " + endOfBlock(until)})
	}
	return nil
}

// enforce refuses a caller that is not the tenant's, unless why is nil or the rule is only
// observed.
func (a *API) enforce(r *request, why *codes.Refusal) error {
	switch {
	case why == nil:
		return nil
	case r.policy.ObserveClient:
		g := why.Explanation
		g.Why = why.Decided()
		a.recordObserved(r, why.Code, g)
		return nil
	}
	return why
}

// clientRefusal refuses a request that names another tenant than the token's. The caller does not
// learn whether a client_id exists, nor which one the token has; an explanation says both.
func (a *API) clientRefusal(r *request, name string) *codes.Refusal {
	if r.claims.Client == "" {
		return sites.Mismatch(sites.RuleNoMapping, r.claims.WhyUnmapped(), codes.UnknownClient,
			"The token's issuer named a client that has no tenant on this server. Ask the publisher to add it to the issuer's clients.")
	}
	rule, which := sites.RuleClient, "another tenant"
	if _, ok := a.Tenants.Find(name); !ok {
		rule, which = sites.RuleUnknown, "unknown"
	}
	return sites.Mismatch(rule, "the request's client_id "+readable.Text(name)+" is "+which+"; the token is for "+r.claims.Client, codes.OtherClient,
		"The client_id is not the one that the token was issued to. Use the client_id with which your server gets its tokens.")
}

// verify verifies a token. The client is informed only of errors of the token itself. Any other
// error is a fault, or widgets would renew their tokens in a loop.
func (a *API) verify(token string, from netip.Addr, now time.Time) (bearer.Claims, error) {
	claims, err := a.Verifier.VerifyFrom(token, bearer.Source{Address: from}, now)
	if err != nil && !errors.Is(err, bearer.ErrInvalid) && !errors.Is(err, bearer.ErrExpired) {
		return claims, unverified(err)
	}
	return claims, err
}

// unverified refuses a request whose token could not be verified. If an external issuer is the
// cause, the operator learns which one and why.
func unverified(err error) error {
	why := codes.RefusalOf(codes.Unavailable(err))
	if issuer, _ := bearer.Reason(err); issuer != "" {
		why.Rule, why.Why = ruleIssuers, accesslog.DetailOf(err)
		if !strings.HasPrefix(why.Why, "issuer ") {
			why.Why = "issuer " + issuer + ": " + why.Why
		}
	}
	return why
}

// findTenant finds the token's tenant, and checks that it is the one that the request names.
func (a *API) findTenant(r *request) error {
	name, err := r.Single("client_id")
	if err != nil {
		return err
	}
	if name == "" {
		return codes.Malformed("client_id is missing: it must name the tenant that the token was issued to")
	}
	t, ok := a.Tenants.Find(r.claims.Client)
	if ok = ok && !oauth.OlderThan(r.claims, t); ok {
		r.Tenant, r.policy = t, a.PolicyOf(t)
		r.policy.Token.Calls = r.claims.Limit(r.policy.Token.Calls)
	}
	if name != r.claims.Client {
		if err := a.enforce(r, a.clientRefusal(r, name)); err != nil {
			return err
		}
	}
	if !ok {
		return noTenant(r.claims)
	}
	return nil
}

// noTenant refuses a valid token whose tenant does not exist, or not any more.
func noTenant(c bearer.Claims) error {
	why := &codes.Refusal{Code: codes.TokenRevoked}
	why.Why = "the tenant " + c.Client + " was removed after the token was issued"
	if c.Tenant == 0 { // of an external issuer, whose clients are in the settings
		why.Why = "the tenant " + c.Client + " does not exist, or was added after the token was issued"
	}
	return why
}

// findToken returns the token from the header or from the parameters. A request may contain only
// one.
func findToken(r *request) (token string, inURL bool, err error) {
	param, n := r.Lookup("access_token")
	header, sent, err := r.tokenHeader(r.HTTP.Header["Authorization"])
	switch {
	case err != nil:
		return "", false, err
	case n > 1 || n == 1 && sent:
		return "", false, codes.Malformed("the access token is given more than once")
	case sent:
		return header, false, nil
	case param == "":
		return "", false, codes.Refuse(codes.TokenMissing)
	}
	return param, r.Transport != transport.Form, nil
}

// tokenHeader reads the Authorization header of RFC 6750 or RFC 9449. It ignores other schemes.
func (r *request) tokenHeader(lines []string) (token string, sent bool, err error) {
	if len(lines) > 1 {
		return "", false, codes.Malformed("the header Authorization is given more than once")
	}
	if len(lines) == 0 {
		return "", false, nil
	}
	scheme, rest, _ := strings.Cut(lines[0], " ")
	token = strings.Trim(rest, " ")
	r.dpop = strings.EqualFold(scheme, "DPoP")
	if !r.dpop && !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", false, nil
	}
	return token, true, nil
}
