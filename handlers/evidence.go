package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"stile.example/stile/evidence"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/sites"
	"stile.example/stile/tenants"
	"stile.example/stile/tenants/callback"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/proof"
	"stile.example/stile/tokens/readable"
)

// refusal is a refusal as evidence sees it. Its tenant is the token's, or the one that the request
// names, which is not verified.
type refusal struct {
	*request
	code  codes.Code
	g     codes.Explanation
	ref   string
	cause error
}

// collect counts a refusal for `stile doctor`, and reports whether it becomes an example of what is
// wrong. A request without a tenant counts for nobody.
func (a *API) collect(f refusal) (example bool) {
	if a.Evidence == nil || f.Tenant == nil {
		return false
	}
	a.observe(f, evidence.Refused, strings.TrimSpace(string(f.code)+" "+f.g.Rule), "")
	switch f.code {
	case codes.ClientMismatch:
		return a.collectMismatch(f)
	case codes.TokenInvalid:
		return a.collectClaim(f)
	case codes.BadCallback:
		name, _ := f.Lookup("callback")
		return a.observe(f, evidence.Callback, patternOf(name), "")
	}
	return a.collectToken(f)
}

// collectObserved is collect for a refusal by a rule that is only observed: the request was
// admitted, so it does not count as refused.
func (a *API) collectObserved(f refusal) (example bool) {
	switch {
	case a.Evidence == nil || f.Tenant == nil:
		return false
	case f.code == codes.ClientMismatch:
		return a.collectMismatch(f)
	}
	return a.collectToken(f)
}

// observe adds an observation about a refusal to the tenant's evidence, and reports whether it is
// the first of its key for a while. caller may be "".
func (a *API) observe(f refusal, k evidence.Kind, key, caller string) (first bool) {
	return a.Evidence.Note(f.Tenant.Number, evidence.Observation{At: a.Now(), Kind: k, Key: key, Ref: f.ref, Caller: caller, Note: f.g.Why})
}

// namedTenant returns the tenant that a request names, nil if there is none.
func (a *API) namedTenant(r *request) *tenants.Tenant {
	if client, n := r.Lookup("client_id"); n == 1 {
		if t, ok := a.Tenants.Find(client); ok {
			return t
		}
	}
	return nil
}

// callerOf names the browser that sent a request: by its key if it proved one, else by its address.
func callerOf(r *request) string {
	switch {
	case r.key != tokens.Key{}:
		return "key " + string(r.key[:])
	case r.From.IsValid():
		return "address " + r.From.String()
	}
	return ""
}

// collectToken collects what a refusal shows about how the tenant's tokens are used.
func (a *API) collectToken(f refusal) (example bool) {
	switch {
	case f.code == codes.TokenExpired && f.claims.ID == tokens.ID{}:
		text, _, err := findToken(f.request)
		sum := sha256.Sum256([]byte(text))
		return err == nil && a.observe(f, evidence.Expired, "hash "+hex.EncodeToString(sum[:8]), callerOf(f.request))
	case f.code == codes.TokenExpired:
		return a.observe(f, evidence.Late, f.claims.Name(), callerOf(f.request))
	case f.code == codes.TokenExhausted || f.code == codes.TokenRevoked:
		return a.observe(f, evidence.Expired, f.claims.Name(), callerOf(f.request))
	case f.code == codes.TokenHijacked:
		return a.collectForeign(f)
	case f.code == codes.ProofInvalid:
		if ahead, untimed := proof.Ahead(f.proofErr); untimed {
			return a.observe(f, evidence.Clock, "browser "+evidence.Offset(ahead), callerOf(f.request))
		}
		return f.proofErr == nil && a.collectForeign(f)
	}
	return false
}

// collectForeign collects that a token was used by a caller other than the one that it is bound to.
// Calls of that one, which are refused once the token is dead, don't count.
func (a *API) collectForeign(f refusal) (example bool) {
	s, known := a.Gate.Store.Peek(f.claims.ID)
	if known && (s.Bound == tokens.BindTo(f.From) || s.Bound == tokens.BindToKey(f.key)) {
		return false
	}
	return a.observe(f, evidence.Foreign, f.claims.Name(), callerOf(f.request))
}

// collectMismatch collects which page or client_id was not the tenant's.
func (a *API) collectMismatch(f refusal) (example bool) {
	switch f.g.Rule {
	case sites.RuleSites:
		return a.observe(f, evidence.Page, f.g.Page, callerOf(f.request))
	case sites.RuleMetadata, sites.RuleHidden, sites.RuleRequired:
		return a.observe(f, evidence.Unmarked, f.g.Rule, callerOf(f.request))
	case sites.RuleClient, sites.RuleUnknown:
		if t := a.namedTenant(f.request); t != nil { // its own pages may use another tenant's tokens
			a.Evidence.Note(t.Number, evidence.Observation{At: a.Now(), Kind: evidence.OtherToken, Caller: callerOf(f.request)})
		}
		name, _ := f.Lookup("client_id")
		return a.observe(f, evidence.Client, readable.Text(name), callerOf(f.request))
	}
	return false
}

// collectClaim collects which claim made a token invalid.
func (a *API) collectClaim(f refusal) (example bool) {
	d, ok := bearer.DifferenceOf(f.cause)
	switch {
	case !ok:
		return false
	case d.Claim == "":
		return a.observe(f, evidence.Clock, "issuer "+evidence.Offset(d.Ahead), "")
	}
	f.g.Why = d.Want
	return a.observe(f, evidence.Claim, d.Claim+" "+d.Got, "")
}

// collectBinding collects which browser a token was bound to.
func (a *API) collectBinding(r *request, v *tokens.Verdict) {
	if a.Evidence == nil || !v.NewlyBound || r.Tenant == nil {
		return
	}
	a.Evidence.Note(r.Tenant.Number, evidence.Observation{At: r.At, Kind: evidence.Bound, Caller: callerOf(r)})
}

// patternOf returns a pattern for the setting callbacks that would allow a callback's name, or says
// what kind of name it is. It contains only names that a script can have.
func patternOf(name string) string {
	switch {
	case name == "":
		return "no name"
	case !callback.IsDotted(name) && strings.ContainsAny(name, "[]"):
		return "a name with brackets"
	case !callback.IsDotted(name):
		return "not a name"
	}
	parts := strings.Split(name, ".")
	for i := len(parts) - 2; i > 0; i-- { // __gwt_jsonp__.P0.onSuccess: the middle part changes
		if strings.ContainsAny(parts[i], "0123456789") {
			parts[i] = "*"
			return strings.Join(parts, ".")
		}
	}
	return strings.Join(parts[:len(parts)-1], ".")
}
