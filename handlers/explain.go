package handlers

import (
	"log/slog"
	"strings"

	"stile.example/stile/handlers/accesslog"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/sites"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/refusals"
	"stile.example/stile/tokens"
)

// requestLog returns the log for lines about requests.
func (a *API) requestLog() accesslog.Log {
	return accesslog.Log{Answers: a.Log, Now: a.Now, Merged: a.Refusals, ShowAddress: a.ShowAddress}
}

// reportRefusal counts a refusal, stores it under its reference, and writes it to the log. err is
// what led to it.
func (a *API) reportRefusal(r *request, err error, why *codes.Refusal, p codes.Problem) {
	a.Metrics.Refused(r.TenantName(), p.Code)
	a.History.Refused(r.TenantName(), string(p.Code))
	a.attribute(r, p.Code)
	g := why.Explanation
	g.Why = why.Decided()
	example := a.collect(refusal{r, p.Code, why.Explanation, p.Ref, err})
	a.storeRefusal(r, p.Ref, p.Code, g, example, false)
	log := a.requestLog()
	l := log.Line(&r.Request, "refused", string(p.Code))
	l.Attrs = append(l.Attrs, slog.Int("status", p.Status), slog.String("ref", p.Ref))
	l.Attrs = append(l.Attrs, pageAttrs(p.Code, g)...)
	l.Attrs = append(l.Attrs, tokenAttrs(p.Code, g)...)
	if why.Slow {
		l.Level = slog.LevelWarn
	}
	log.Write(l, why.Cause)
}

// attribute fills in what a request that was refused early says about its caller: the source
// address, and the tenant that it names if no valid token names one. That name is not verified, so
// it is not counted in the metrics.
func (a *API) attribute(r *request, code codes.Code) {
	if !r.From.IsValid() {
		r.From, _ = transport.Source(r.HTTP, a.TrustedProxies) // an invalid one can't be shown
	}
	switch code {
	case codes.BadRequest, codes.BadCallback, codes.TokenMissing, codes.TokenInvalid, codes.TokenExpired:
		if r.Tenant == nil {
			r.Tenant = a.namedTenant(r)
		}
	}
}

// storeRefusal stores a refusal under its reference. An example for `stile doctor` is stored
// whatever its code is, and even if others of its minute are.
func (a *API) storeRefusal(r *request, ref string, code codes.Code, g codes.Explanation, example, observed bool) {
	f := refusals.Refusal{
		Ref: ref, At: a.Now().UTC(), Tenant: r.TenantName(), Code: string(code),
		Rule: g.Rule, Limit: g.Limit, Seen: g.Seen, Page: g.Page, Detail: g.Why,
		Identity: a.identity(r, code, g), Address: a.requestLog().Address(&r.Request), Observed: observed, Token: r.claims.ID,
	}
	a.Refusals.Note(f, code.Lasting() || example)
	if example {
		a.Refusals.Keep(f)
	}
}

// recordObserved counts, stores and logs that a rule applied to a request, but was only observed.
func (a *API) recordObserved(r *request, code codes.Code, g codes.Explanation) {
	ref := codes.NewRef()
	a.Metrics.Observed(r.TenantName(), code)
	a.History.Observed(r.TenantName(), string(code))
	example := a.collectObserved(refusal{r, code, g, ref, nil})
	a.storeRefusal(r, ref, code, g, example, true)
	log := a.requestLog()
	l := log.Line(&r.Request, "observed", string(code))
	l.Attrs = append(l.Attrs, slog.String("ref", ref))
	l.Attrs = append(l.Attrs, pageAttrs(code, g)...)
	log.Write(l, nil)
}

// pageAttrs returns the attributes of a refusal with client_mismatch: its rule and the page.
func pageAttrs(code codes.Code, g codes.Explanation) (attrs []slog.Attr) {
	if code != codes.ClientMismatch {
		return nil
	}
	attrs = append(attrs, slog.String("rule", g.Rule))
	if g.Page != "" {
		attrs = append(attrs, slog.String("page", g.Page))
	}
	return attrs
}

// tokenAttrs returns the attributes of a refusal of a token that can't be valid: why.
func tokenAttrs(code codes.Code, g codes.Explanation) (attrs []slog.Attr) {
	ofToken := code == codes.TokenInvalid || code == codes.TokenExpired || code == codes.TokenRevoked || g.Rule == sites.RuleNoMapping
	if ofToken && g.Why != "" {
		attrs = append(attrs, slog.String("reason", refusals.Clip(g.Why)))
	}
	return attrs
}

// identity returns the identity that a refusal was counted against.
func (a *API) identity(r *request, code codes.Code, g codes.Explanation) string {
	switch {
	case strings.HasPrefix(g.Rule, "address.") && r.From.IsValid():
		return "address " + a.requestLog().Address(&r.Request)
	case strings.HasPrefix(string(code), "tenant_"):
		return "tenant " + r.TenantName()
	case r.claims.ID != tokens.ID{}:
		return "token " + r.claims.Name()
	case r.From.IsValid():
		return "address " + a.requestLog().Address(&r.Request)
	}
	return ""
}
