package operations

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"stile.example/stile/addresses"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/lists"
	"stile.example/stile/tenants"
)

// This file says what the inputs of changes are about, and reads its state, for the audit log.

func (n TenantName) about() string     { return n.ClientID }
func (ch TenantChange) about() string  { return ch.ClientID }
func (r SecretRotation) about() string { return r.ClientID }
func (q TokenRequest) about() string   { return q.Tenant }
func (a RangeAllowance) about() string { return a.Range }
func (b RangeBlock) about() string     { return b.Range }
func (n RangeName) about() string      { return n.Range }
func (o ImportOptions) isDry() bool    { return o.DryRun }

func (o ImportOptions) about() string {
	if o.Tenant == "" {
		return "shared corpus"
	}
	return o.Tenant
}

// about names a collection or the items, up to ten.
func (q ItemNames) about() string {
	if q.Collection != "" {
		return "collection " + q.Collection
	}
	if more := len(q.IDs) - 10; more > 0 {
		return strings.Join(q.IDs[:10], " ") + " and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(q.IDs, " ")
}

// tenantState returns a tenant without its secrets, nil if it does not exist.
func tenantState[I interface{ about() string }](_ context.Context, d *datadir.Dir, in I) (any, error) {
	t, ok := d.Tenants.Find(in.about())
	if !ok {
		return nil, nil
	}
	return recordOf(d, t), nil
}

// tenantRecord is a tenant without its secrets.
type tenantRecord struct {
	TenantView
	Prices   []Price `json:"prices"`
	Currency string  `json:"currency"`
}

func recordOf(d *datadir.Dir, t *tenants.Tenant) tenantRecord {
	info := tenantInfo(d, t)
	return tenantRecord{info.TenantView, info.Prices, info.Currency}
}

// secretState says how many secrets a tenant has.
func secretState(_ context.Context, d *datadir.Dir, r SecretRotation) (any, error) {
	t, ok := d.Tenants.Find(r.ClientID)
	if !ok {
		return nil, nil
	}
	return secretsOf(d, t), nil
}

func secretsOf(d *datadir.Dir, t *tenants.Tenant) any {
	return struct {
		Secrets int            `json:"valid_secrets"`
		Status  tenants.Status `json:"status"`
	}{t.ValidSecrets(d.Now()), t.Status}
}

// rangeState returns the lines of the address list about a range, nil if there are none.
func rangeState[I interface{ about() string }](ctx context.Context, d *datadir.Dir, in I) (any, error) {
	return stateOfRange(ctx, d, in.about())
}

func keptState(ctx context.Context, d *datadir.Dir, k lists.RangeKeep) (any, error) {
	return stateOfRange(ctx, d, k.Range)
}

func stateOfRange(ctx context.Context, d *datadir.Dir, typed string) (any, error) {
	r, err := addresses.ParseRange(typed)
	if err != nil {
		return nil, nil // the operation says so
	}
	all, err := lists.AllAddresses(ctx, d)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(all, func(line AddressInfo) bool { return line.Range != r.String() })
	if len(found) == 0 {
		return nil, nil
	}
	return found, nil
}
