package handlers

import (
	"log/slog"
	"strings"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/refusals"
	"stile.example/stile/tokens"
)

// storeRefusal keeps a refusal under its reference.
func (a *API) storeRefusal(r *request, ref string, code codes.Code, g codes.Explanation, observed bool) {
	a.Refusals.Note(refusals.Refusal{
		Ref: ref, At: a.Now().UTC(), Tenant: r.tenantName(), Code: string(code),
		Rule: g.Rule, Limit: g.Limit, Seen: g.Seen,
		Identity: a.identity(r, code, g), Address: a.loggedAddress(r), Observed: observed,
	}, code.Lasting())
}

// recordObserved tells of a rule that would have refused a request, and doesn't,
// because it is only observed.
func (a *API) recordObserved(r *request, code codes.Code, g codes.Explanation) {
	ref := codes.NewRef()
	a.Metrics.Observed(r.tenantName(), code)
	a.storeRefusal(r, ref, code, g, true)
	l := a.line(r, "observed", string(code))
	l.Attrs = append(l.Attrs, slog.String("ref", ref))
	a.log(l, nil)
}

// identity is whom it was counted against.
func (a *API) identity(r *request, code codes.Code, g codes.Explanation) string {
	switch {
	case strings.HasPrefix(g.Rule, "address.") && r.From.IsValid():
		return "address " + a.loggedAddress(r)
	case strings.HasPrefix(string(code), "tenant_"):
		return "tenant " + r.tenantName()
	case r.claims.ID != tokens.ID{}:
		return "token " + r.claims.ID.String()
	case r.From.IsValid():
		return "address " + a.loggedAddress(r)
	}
	return ""
}

// loggedAddress is the source address as it may be written down, "" where it was not
// looked for.
func (a *API) loggedAddress(r *request) string {
	if !r.From.IsValid() {
		return ""
	}
	return a.ShowAddress(r.From)
}
