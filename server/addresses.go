package server

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

// countAddresses counts the lines of the address list by kind and tenant, for the metrics. Lines
// about all tenants are counted for the tenant "".
func (srv *Server) countAddresses() map[metrics.Listed]int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // a scrape must not hang
	defer cancel()
	lines, err := srv.dir.Addresses.Lines(ctx, srv.dir.Now())
	if err != nil {
		srv.dir.Log.Warn("can't count the address list", "err", err)
	}
	n := map[metrics.Listed]int{}
	for _, l := range lines {
		n[metrics.Listed{Kind: l.Kind, Tenant: srv.dir.TenantName(l.Tenant)}]++
	}
	return n
}

// observedAddress records that a rule about addresses, which is only observed, would have
// challenged or refused a call.
func (srv *Server) observedAddress(at tokens.AddressUse, v addresses.Verdict) {
	shown := srv.dir.ShowAddress(at.From)
	tenant := srv.dir.TenantName(at.Tenant)
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
	srv.dir.History.Observed(tenant, f.Code)
	srv.dir.Refusals.Note(f, true)
	srv.dir.Refusals.Log(at.At, refusals.Line{
		Key:   refusals.Key{Message: "observed", Code: f.Code, Tenant: tenant, Address: shown},
		Attrs: []slog.Attr{slog.String("ref", f.Ref)},
	})
}
