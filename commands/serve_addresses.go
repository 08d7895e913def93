package commands

import (
	"context"
	"log/slog"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/refusals"
	"stile.example/stile/tokens"
)

// tenantName is the client_id of the tenant of a number, "" if there is none.
func (a *app) tenantName(number uint32) string {
	if number == 0 {
		return ""
	}
	if t, ok := a.tenants.ByNumber(number); ok {
		return t.ClientID
	}
	return ""
}

// countAddresses is the lines of the address list by kind and by tenant, for
// the metrics. Lines that are about all tenants have the name "".
func (a *app) countAddresses() map[metrics.Listed]int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // a scrape must not hang
	defer cancel()
	lines, err := a.book.Lines(ctx, a.now())
	if err != nil {
		a.log.Warn("the address list could not be counted", "err", err)
	}
	n := map[metrics.Listed]int{}
	for _, l := range lines {
		n[metrics.Listed{Kind: l.Kind, Tenant: a.tenantName(l.Tenant)}]++
	}
	return n
}

// observedAddress tells of a binding at an address that a rule would have
// challenged or refused, and which is only observed.
func (srv *server) observedAddress(at tokens.AddressUse, v addresses.Verdict) {
	a, shown := srv.app, srv.app.shown.show(at.From)
	tenant := a.tenantName(at.Tenant)
	f := refusals.Refusal{Ref: codes.NewRef(), At: at.At.UTC(), Tenant: tenant, Code: string(codes.ChallengeRequired),
		Rule: "address.bindings", Limit: int64(v.Limit), Seen: int64(v.Seen),
		Identity: "address " + shown, Address: shown, Observed: true}
	if v.OverRecords {
		f.Rule = "address.records"
	}
	if v.Observed == addresses.Blocked {
		f.Code, f.Rule = string(codes.AddressBlocked), "address.block"
	}
	srv.metrics.Observed(tenant, codes.Code(f.Code))
	a.refusals.Note(f, true)
	a.refusals.Log(at.At, refusals.Line{
		Key:   refusals.Key{Message: "observed", Code: f.Code, Tenant: tenant, Address: shown},
		Attrs: []slog.Attr{slog.String("ref", f.Ref)},
	})
}
