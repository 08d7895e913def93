package commands

import (
	"context"
	"net/netip"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/handlers"
	"stile.example/stile/refusals"
)

// countAddresses is the lines of the address list by kind, for the metrics.
func (a *app) countAddresses() map[string]int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // a scrape must not hang
	defer cancel()
	lines, err := a.book.Lines(ctx, a.now())
	if err != nil {
		a.log.Warn("the address list could not be counted", "err", err)
	}
	n := map[string]int{}
	for _, l := range lines {
		n[l.Kind]++
	}
	return n
}

// observedAddress tells of a binding at an address that a rule would have
// challenged or refused, and which is only observed.
func (srv *server) observedAddress(from netip.Addr, at time.Time, v addresses.Verdict) {
	a, shown := srv.app, srv.app.shown.show(from)
	p := a.settings().Addresses()
	f := refusals.Refusal{Ref: handlers.NewRef(), At: at.UTC(), Code: string(handlers.ChallengeRequired),
		Identity: "address " + shown, Address: shown, Observed: true}
	switch {
	case v.Observed == addresses.Blocked:
		f.Code, f.Rule = string(handlers.AddressBlocked), "address.block"
	case v.Bound > uint32(p.Bindings):
		f.Rule, f.Limit, f.Seen = "address.bindings", int64(p.Bindings), int64(v.Bound)
	default:
		f.Rule, f.Limit, f.Seen = "address.records", int64(p.Records), int64(v.Records)
	}
	srv.metrics.ObservedAddress(handlers.Code(f.Code))
	a.refusals.Note(f, true)
	a.log.Info("observed", "address", shown, "code", f.Code, "ref", f.Ref)
}
