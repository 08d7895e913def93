package statements

import (
	"context"
	"errors"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/statements"
	"stile.example/stile/tenants"
	"stile.example/stile/usage"
)

// View is a statement. That of an open month is preliminary: it has no number, root, hash or
// signature, and its numbers may still grow.
type View struct {
	statements.Statement
	Preliminary bool `json:"preliminary"`
	// State is open until ClosesAt, then due until the server has closed the month, and closed from
	// then on. It is unused if the month is over and is never closed: nobody used anything by then.
	State    string    `json:"state"`
	ClosesAt time.Time `json:"closes_at"`      // when the month closes, or has closed
	Hash     string    `json:"hash,omitempty"` // of the signed text
	Note     string    `json:"note,omitempty"` // the signed text
	Key      string    `json:"key,omitempty"`  // the public key that verifies it
	// Former is the present name of the tenant, if another tenant has the client_id of the signed
	// text now.
	Former string `json:"former,omitempty"`
	// Projection estimates the whole month. Only for the month of today.
	Projection *Projection `json:"projection,omitempty"`
}

// Projection is an estimate of a month's totals.
type Projection struct {
	Days    int          `json:"days"` // that it is based on
	Calls   int64        `json:"calls"`
	Records int64        `json:"records"`
	Amount  usage.Amount `json:"amount"`
}

// Show returns a closed statement, or a preliminary one of an open month.
func Show(ctx context.Context, d *datadir.Dir, n Name) (View, error) {
	now := d.Now().UTC()
	if n.Month == "" {
		n.Month = statements.MonthOf(now)
	}
	c, err := find(ctx, d, n)
	month, _ := statements.ParseMonth(n.Month) // find has checked it
	if err == nil {
		v := View{Statement: c.Statement, State: Closed, ClosesAt: statements.ClosesAt(month), Hash: c.Hash, Note: c.Note, Key: c.Key}
		if c.Tenant != n.Tenant {
			v.Former = n.Tenant
		}
		return v, nil
	}
	state, stateErr := stateOf(ctx, d, month)
	switch {
	case stateErr != nil:
		return View{}, stateErr
	case state == Closed || failure.KindOf(err) != failure.Conflict && failure.KindOf(err) != failure.NotFound:
		return View{}, err
	}
	v, err := preliminary(ctx, d, n.Tenant, month, now)
	v.State = state
	return v, err
}

// The states of a month: see [View].
const (
	Open   = "open"
	Due    = "due"
	Closed = "closed"
	Unused = "unused"
)

// stateOf returns the state of a month.
func stateOf(ctx context.Context, d *datadir.Dir, month time.Time) (string, error) {
	if d.Now().Before(statements.ClosesAt(month)) {
		return Open, nil
	}
	last, err := d.Statements.Store.LastClosed(ctx)
	if err != nil || last >= statements.MonthOf(month) {
		return Closed, err
	}
	next, found, err := d.Statements.Next(ctx)
	if !found || month.Before(next) {
		return Unused, err
	}
	return Due, err
}

func preliminary(ctx context.Context, d *datadir.Dir, tenant string, month, now time.Time) (View, error) {
	a, err := account(ctx, d, tenant)
	if err != nil {
		return View{}, err
	}
	last := month.AddDate(0, 1, -1)
	lines, err := d.Usage(ctx, tenant, usage.Day(month), usage.Day(last))
	if err != nil {
		return View{}, err
	}
	s, err := statements.Preliminary(a, month, lines)
	if err != nil {
		return View{}, err
	}
	v := View{Statement: s, Preliminary: true, ClosesAt: statements.ClosesAt(month)}
	if statements.MonthOf(now) == s.Month {
		v.Projection, err = project(a, s, now)
	}
	return v, err
}

func account(ctx context.Context, d *datadir.Dir, tenant string) (statements.Account, error) {
	a, err := d.Statements.Account(ctx, tenant)
	if errors.Is(err, tenants.ErrNotFound) {
		return a, lookup.Unknown(tenant)
	}
	return a, err
}

// project estimates the month's totals: each day from now on is used as a day was on average that
// is over. It returns nil on the first day.
func project(a statements.Account, s statements.Statement, now time.Time) (*Projection, error) {
	over, today := now.Day()-1, usage.Day(now)
	if over == 0 {
		return nil, nil
	}
	var calls, records, usedToday, recordsToday int64
	lines := make([]usage.Line, 0, len(s.Rows)+31)
	for _, r := range s.Rows {
		lines = append(lines, usage.Line{Tenant: s.Tenant, Day: r.Day, Route: r.Route, Calls: r.Calls, Records: r.Records})
		if r.Day < today {
			calls, records = calls+r.Calls, records+r.Records
		} else {
			usedToday, recordsToday = usedToday+r.Calls, recordsToday+r.Records
		}
	}
	month, err := statements.ParseMonth(s.Month)
	if err != nil {
		return nil, err
	}
	// adds up to whole days
	share := func(sum, n int64) int64 { return sum*(n+1)/int64(over) - sum*n/int64(over) }
	for n := int64(0); ; n++ {
		day := month.AddDate(0, 0, over+int(n))
		if statements.MonthOf(day) != s.Month {
			break
		}
		line := usage.Line{Tenant: s.Tenant, Day: usage.Day(day), Route: "items", Calls: share(calls, n), Records: share(records, n)}
		if line.Day == today {
			line.Calls, line.Records = max(0, line.Calls-usedToday), max(0, line.Records-recordsToday)
		}
		lines = append(lines, line)
	}
	whole, err := statements.Preliminary(a, month, lines)
	return &Projection{over, whole.Calls, whole.Records, whole.Amount}, err
}
