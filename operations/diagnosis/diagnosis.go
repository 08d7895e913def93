// Package diagnosis gathers what package doctor needs to know about a tenant from a data directory.
package diagnosis

import (
	"context"
	"errors"
	"slices"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/doctor"
	"stile.example/stile/evidence"
	"stile.example/stile/operations/ownview"
	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
)

// Of returns what is wrong with a tenant's integration. forTenant is true if the tenant reads it.
func Of(ctx context.Context, d *datadir.Dir, t *tenants.Tenant, forTenant bool) ([]doctor.Finding, error) {
	list, err := d.Evidence.Of(ctx, t.Number, d.Now())
	if err != nil {
		return nil, err
	}
	traffic, err := d.Evidence.Traffic(ctx, d.Now())
	if err != nil {
		return nil, err
	}
	f, err := factsOf(ctx, d, t, traffic)
	if err != nil {
		return nil, err
	}
	if f.ForTenant, f.Kept = forTenant, isKept(ctx, d); forTenant {
		list = slices.DeleteFunc(list, func(e evidence.Entry) bool { return !ownview.MaySee(d, t, e) })
	}
	return doctor.Examine(f, list), nil
}

// factsOf returns what is known about a tenant in addition to the evidence.
func factsOf(ctx context.Context, d *datadir.Dir, t *tenants.Tenant, traffic map[uint32]evidence.Traffic) (doctor.Facts, error) {
	f := doctor.Facts{
		ClientID: t.ClientID, API: d.Signer.Issuer, Sites: t.Sites, Callbacks: d.PolicyOf(t).Callbacks,
		Suspended: t.Status != tenants.Active, Secrets: t.ValidSecrets(d.Now()), HasKeys: t.Keys != "",
		Quota: t.CallsPerMonth, Used: d.Meter.Used(t.Number, d.Now()), Calls: traffic[t.Number].Calls,
	}
	for _, other := range d.Tenants.List() {
		if other.Number != t.Number {
			f.Others = append(f.Others, trafficOf(traffic[other.Number]))
		}
	}
	if f.Calls == 0 { // nodes that end at the same time may not have counted all as evidence
		from := d.Now().UTC().AddDate(0, 0, 1-evidence.Keep).Format(time.DateOnly)
		lines, err := d.Usage(ctx, t.ClientID, from, "")
		if err != nil {
			return f, err
		}
		for _, l := range lines {
			f.Calls += l.Calls
		}
	}
	if f.EverCalled = f.Calls > 0 || f.Used > 0; f.EverCalled {
		return f, nil
	}
	lines, err := d.Usage(ctx, t.ClientID, "", "")
	f.EverCalled = len(lines) > 0
	return f, err
}

// trafficOf adds up the refusals that say something about an integration.
func trafficOf(t evidence.Traffic) doctor.Traffic {
	sum := doctor.Traffic{Calls: t.Calls}
	for key, n := range t.Refused {
		if doctor.Counts(key) {
			sum.Refused += n
		}
	}
	return sum
}

// isKept returns a function that reports whether a refusal can still be explained.
func isKept(ctx context.Context, d *datadir.Dir) func(ref string) bool {
	return func(ref string) bool {
		_, err := d.Refusals.Find(ctx, ref)
		return !errors.Is(err, refusals.ErrNotFound)
	}
}
