package commands

import (
	"context"
	"log/slog"
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
	f := refusals.Refusal{Ref: handlers.NewRef(), At: at.UTC(), Code: string(handlers.ChallengeRequired),
		Rule: "address.bindings", Limit: int64(v.Limit), Seen: int64(v.Seen),
		Identity: "address " + shown, Address: shown, Observed: true}
	if v.Drained {
		f.Rule = "address.records"
	}
	if v.Observed == addresses.Blocked {
		f.Code, f.Rule = string(handlers.AddressBlocked), "address.block"
	}
	srv.metrics.ObservedAddress(handlers.Code(f.Code))
	a.refusals.Note(f, true)
	a.refusals.Log(at, refusals.Line{
		Key:   refusals.Key{Message: "observed", Code: f.Code, Address: shown},
		Attrs: []slog.Attr{slog.String("ref", f.Ref)},
	})
}
