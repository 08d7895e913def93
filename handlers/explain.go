package handlers

import (
	"log/slog"
	"strings"

	"stile.example/stile/refusals"
	"stile.example/stile/tokens"
)

// explanation are what a refusal was decided by, for whoever has to explain it:
// the setting, its limit, and what was counted against it. None of it goes to
// the visitor.
type explanation struct {
	rule        string
	limit, seen int64
}

// lasting says whether refusals of a code are stored: those that were decided
// from something that is stored itself, or are a fault of ours. What garbage
// is refused for stays in memory, or garbage would leave a trace.
func (c Code) lasting() bool {
	switch c {
	case TokenHijacked, TokenExhausted, TokenRevoked, TokenChallengeIgnored, TokenChallengedTooOften,
		ChallengeRequired, ChallengeFailed, AddressBlocked, TenantSuspended, TenantExhausted, ClientMismatch,
		Overloaded, Internal:
		return true
	}
	return false
}

// storeRefusal keeps a refusal under its reference.
func (a *API) storeRefusal(r *request, ref string, code Code, g explanation, observed bool) {
	a.Refusals.Note(refusals.Refusal{
		Ref: ref, At: a.Now().UTC(), Tenant: r.tenantName(), Code: string(code),
		Rule: g.rule, Limit: g.limit, Seen: g.seen,
		Identity: a.identity(r, code, g), Address: a.loggedAddress(r), Observed: observed,
	}, code.lasting())
}

// recordObserved tells of a rule that would have refused a request, and doesn't,
// because it is only observed.
func (a *API) recordObserved(r *request, code Code, g explanation) {
	ref := newRef()
	a.Metrics.observed(r.tenantName(), code)
	a.storeRefusal(r, ref, code, g, true)
	l := a.line(r, "observed", string(code))
	l.Attrs = append(l.Attrs, slog.String("ref", ref))
	a.log(l, nil)
}

// identity is whom it was counted against.
func (a *API) identity(r *request, code Code, g explanation) string {
	switch {
	case strings.HasPrefix(g.rule, "address.") && r.from.IsValid():
		return "address " + a.loggedAddress(r)
	case strings.HasPrefix(string(code), "tenant_"):
		return "tenant " + r.tenantName()
	case r.claims.ID != tokens.ID{}:
		return "token " + r.claims.ID.String()
	case r.from.IsValid():
		return "address " + a.loggedAddress(r)
	}
	return ""
}

// loggedAddress is the source address as it may be written down, "" where it was not
// looked for.
func (a *API) loggedAddress(r *request) string {
	if !r.from.IsValid() {
		return ""
	}
	return a.ShowAddress(r.from)
}
