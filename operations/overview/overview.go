// Package overview has the operation that shows what the server did in a period, next to the period
// before.
package overview

import (
	"context"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/history"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
)

// Query selects a period and a tenant.
type Query struct {
	Period history.Period `json:"period,omitempty"` // hour (the default), day or month
	Tenant string         `json:"tenant,omitempty"` // client_id; empty: all
}

// Overview is what the server did in a period that ends now.
type Overview struct {
	Period history.Period  `json:"period"`
	Tenant string          `json:"tenant,omitempty"`
	From   time.Time       `json:"from"`
	To     time.Time       `json:"to"`     // end of the bucket that is under way
	Bucket int64           `json:"bucket"` // length of a bucket, in seconds
	Now    Now             `json:"now"`
	Total  history.Figures `json:"total"`
	Before history.Figures `json:"before"` // of the period before, which has the same length
	Series []Bucket        `json:"series"`
	// What the figures are: counted every 5 s, and what is exact instead.
	Note string `json:"note"`
}

// Now is what there is at the moment, and what the tenants have used, exactly as usage has it.
type Now struct {
	LiveTokens int `json:"live_tokens"`
	Allowed    int `json:"addresses_allowed"`
	Blocked    int `json:"addresses_blocked"`
	Crowded    int `json:"addresses_crowded"`
	Proposals  int `json:"proposals"` // of permanent blocks
	// Calls that were charged in this calendar month (UTC). Exact.
	MonthCalls int64 `json:"calls_this_month"`
}

// Bucket is a part of the period.
type Bucket struct {
	At time.Time `json:"at"` // its start
	history.Figures
}

const note = "Figures of periods are counted in memory and stored every 5 s: a server that is killed loses the last seconds. " +
	"calls_this_month, and everything that `stile usage` prints, is exact."

// Show implements `overview show`.
func Show(ctx context.Context, d *datadir.Dir, q Query) (o Overview, err error) {
	if q.Period == "" {
		q.Period = history.LastHour
	}
	now := d.Now()
	w, err := history.WindowOf(q.Period, now)
	if err != nil {
		return o, failure.Of(failure.Invalid, err)
	}
	o = Overview{Period: q.Period, Tenant: q.Tenant, From: w.From, To: w.To, Bucket: int64(w.Bucket / time.Second), Note: note}
	if o.Now, err = showNow(ctx, d, q.Tenant); err != nil {
		return o, err
	}
	points, err := d.History.Points(ctx, w.Query(q.Tenant), now)
	if err != nil {
		return o, err
	}
	before, current, buckets := w.Split(points)
	o.Total, o.Before = history.FiguresOf(current), history.FiguresOf(before)
	o.Series = make([]Bucket, len(buckets))
	for i, c := range buckets {
		o.Series[i] = Bucket{w.From.Add(time.Duration(i) * w.Bucket), history.FiguresOf(c)}
	}
	return o, nil
}

// showNow returns what there is at the moment, of a tenant or of all.
func showNow(ctx context.Context, d *datadir.Dir, clientID string) (n Now, err error) {
	only, err := lookup.Number(d, clientID)
	if err != nil {
		return n, err
	}
	if err := d.RefreshMeter(ctx); err != nil {
		return n, err
	}
	now := d.Now()
	for _, t := range d.Tenants.List() {
		if only == 0 || t.Number == only {
			n.MonthCalls += d.Meter.Used(t.Number, now)
		}
	}
	live, err := d.LiveTokens(ctx)
	if err != nil {
		return n, err
	}
	for tenant, count := range live {
		if only == 0 || tenant == only {
			n.LiveTokens += count
		}
	}
	lines, err := d.Addresses.Lines(ctx, now)
	if err != nil {
		return n, err
	}
	for _, l := range lines {
		if only != 0 && l.Tenant != only {
			continue
		}
		switch l.Kind {
		case "allow":
			n.Allowed++
		case "block":
			n.Blocked++
		case "crowded":
			n.Crowded++
		}
		if l.Propose {
			n.Proposals++
		}
	}
	return n, nil
}
