package handlers

import (
	"log/slog"
	"strings"

	"stile.example/stile/refusals"
	"stile.example/stile/tokens"
)

// grounds are what a refusal was decided by, for whoever has to explain it:
// the setting, its limit, and what was counted against it. None of it goes to
// the visitor.
type grounds struct {
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

// remember keeps a refusal under its reference.
func (a *API) remember(r *request, ref string, code Code, g grounds, observed bool) {
	a.Refusals.Note(refusals.Refusal{
		Ref: ref, At: a.Now().UTC(), Tenant: r.tenantName(), Code: string(code),
		Rule: g.rule, Limit: g.limit, Seen: g.seen,
		Identity: a.identity(r, code, g), Address: a.shown(r), Observed: observed,
	}, code.lasting())
}

// observe tells of a rule that would have refused a request, and doesn't,
// because it is only observed.
func (a *API) observe(r *request, code Code, g grounds) {
	ref := newRef()
	a.Metrics.observed(r.tenantName(), code)
	a.remember(r, ref, code, g, true)
	l := a.line(r, "observed", string(code))
	l.Attrs = append(l.Attrs, slog.String("ref", ref))
	a.log(l, nil)
}

// identity is whom it was counted against.
func (a *API) identity(r *request, code Code, g grounds) string {
	switch {
	case strings.HasPrefix(g.rule, "address.") && r.from.IsValid():
		return "address " + a.shown(r)
	case strings.HasPrefix(string(code), "tenant_"):
		return "tenant " + r.tenantName()
	case r.claims.ID != tokens.ID{}:
		return "token " + r.claims.ID.String()
	case r.from.IsValid():
		return "address " + a.shown(r)
	}
	return ""
}

// shown is the source address as it may be written down, "" where it was not
// looked for.
func (a *API) shown(r *request) string {
	if !r.from.IsValid() {
		return ""
	}
	return a.ShowAddress(r.from)
}
