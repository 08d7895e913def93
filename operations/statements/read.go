package statements

import (
	"context"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/usage"
)

// UsageQuery selects usage. An empty field does not limit it.
type UsageQuery struct {
	Tenant string `json:"tenant,omitempty"` // client_id
	From   string `json:"from,omitempty"`   // first day, YYYY-MM-DD, UTC
	To     string `json:"to,omitempty"`     // last day, included
}

// UsageRow is what a tenant used on one day by one route.
type UsageRow struct {
	Tenant  string `json:"tenant"` // client_id
	Day     string `json:"day"`    // YYYY-MM-DD, UTC
	Route   string `json:"route"`
	Calls   int64  `json:"calls"`
	Records int64  `json:"records"`
	// Amount is what the calls and records cost.
	Amount usage.Amount `json:"amount"`
	// Currency is that of the tenant's prices, by ISO 4217; "": the publisher's own unit.
	Currency string `json:"currency"`
}

// ReadUsage implements `usage`.
func ReadUsage(ctx context.Context, d *datadir.Dir, q UsageQuery) ([]UsageRow, error) {
	if q.From != "" && q.To != "" && q.From > q.To {
		return nil, failure.New(failure.Invalid, "from %s: must not be after to %s", q.From, q.To)
	}
	for _, p := range [][2]string{{"from", q.From}, {"to", q.To}} {
		if _, err := time.Parse(time.DateOnly, p[1]); err != nil && p[1] != "" {
			return nil, failure.New(failure.Invalid, "%s %.40q: must be a day, as YYYY-MM-DD", p[0], p[1])
		}
	}
	rows, currencies, err := Usage(ctx, d, q.Tenant, q.From, q.To)
	if err != nil {
		return nil, err
	}
	// a removed tenant still has its usage
	if _, known := d.Tenants.Find(q.Tenant); q.Tenant != "" && len(rows) == 0 && !known {
		return nil, lookup.Unknown(q.Tenant)
	}
	sent := make([]UsageRow, len(rows))
	for i, r := range rows {
		sent[i] = UsageRow{r.Tenant, r.Day, r.Route, r.Calls, r.Records, r.Amount, currencies[r.Tenant]}
	}
	return sent, nil
}
