package operations

import (
	"context"
	"maps"
	"slices"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/content"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/items"
	"stile.example/stile/operations/lists"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/operations/ownview"
	"stile.example/stile/operations/similar"
	"stile.example/stile/operations/tokenstate"
	"stile.example/stile/operations/webhooks"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// This file says what changes would do, for [Call.DryRun].

// wouldChange returns a tenant after a change that is not made.
func wouldChange(d *datadir.Dir, clientID string, change func(*tenants.Tenant) error) (any, error) {
	t, err := lookup.Tenant(d, clientID)
	if err != nil {
		return nil, err
	}
	after := *t
	after.Sites, after.Prices, after.Secrets, after.Policy = slices.Clone(t.Sites), slices.Clone(t.Prices), slices.Clone(t.Secrets), maps.Clone(t.Policy)
	if err := change(&after); err != nil {
		return nil, err
	}
	return recordOf(d, &after), nil
}

func wouldAddTenant(_ context.Context, d *datadir.Dir, ch TenantChange) (any, error) {
	if _, exists := d.Tenants.Find(ch.ClientID); exists {
		return nil, tenantExists(ch.ClientID)
	}
	t := tenants.Tenant{ClientID: ch.ClientID, CreatedAt: d.Now().UTC()}
	if err := ch.apply(&t, d.Settings()); err != nil {
		return nil, err
	}
	return recordOf(d, &t), nil
}

func wouldSetTenant(_ context.Context, d *datadir.Dir, ch TenantChange) (any, error) {
	return wouldChange(d, ch.ClientID, func(t *tenants.Tenant) error { return ch.apply(t, d.Settings()) })
}

// wouldSet returns the preview of a change of a tenant's status.
func wouldSet(status tenants.Status) func(context.Context, *datadir.Dir, TenantName) (any, error) {
	return func(_ context.Context, d *datadir.Dir, n TenantName) (any, error) {
		return wouldChange(d, n.ClientID, func(t *tenants.Tenant) error { t.Status = status; return nil })
	}
}

func wouldRotateSecret(_ context.Context, d *datadir.Dir, r SecretRotation) (any, error) {
	t, err := lookup.Tenant(d, r.ClientID)
	if err != nil {
		return nil, err
	}
	after := *t
	after.Secrets = slices.Clone(t.Secrets)
	after.Rotate(tenants.Secret{}, d.Now(), time.Duration(r.Overlap))
	return secretsOf(d, &after), r.check()
}

func wouldRemoveTenant(_ context.Context, d *datadir.Dir, n TenantName) (any, error) {
	_, err := lookup.Tenant(d, n.ClientID)
	return nil, err
}

func wouldImport(ctx context.Context, d *datadir.Dir, c Call) (any, error) {
	o, err := decode[ImportOptions](c.Input)
	if err != nil {
		return nil, err
	}
	o.DryRun = true
	return importItems(ctx, d, o, c.Items)
}

func wouldRemoveItems(ctx context.Context, d *datadir.Dir, q ItemNames) (any, error) {
	tenant, err := q.check(d)
	if err != nil {
		return nil, err
	}
	if q.Collection != "" {
		f := content.Filter{Tenant: tenant, Collection: q.Collection}
		n, err := d.Store.Count(ctx, f, "")
		if err == nil && n == 0 {
			err = similar.CheckCollection(ctx, d.Store, f)
		}
		return RemovedItems{Removed: n}, err
	}
	for _, id := range q.IDs {
		if err := checkOwn(ctx, d, tenant, id); err != nil {
			return nil, explainMissing(id, err)
		}
	}
	return RemovedItems{Removed: len(q.IDs)}, nil
}

// checkOwn returns an error unless an item is a tenant's own, or a shared one for 0.
func checkOwn(ctx context.Context, d *datadir.Dir, tenant uint32, id string) error {
	_, err := d.Store.Item(ctx, tenant, id)
	if err == nil && tenant != 0 { // the item may be a shared one, which a tenant sees too
		if _, notShared := d.Store.Item(ctx, 0, id); notShared == nil {
			err = content.ErrNotFound
		}
	}
	return err
}

func wouldRevoke(ctx context.Context, d *datadir.Dir, name TokenName) (any, error) {
	n, err := tokenstate.Find(ctx, d, name.Token)
	if err != nil {
		return nil, err
	}
	s, err := d.Gate.Stored(ctx, n.ID)
	s.Dead = tokens.Revoked
	return tokenstate.View(d, n, s), err
}

func wouldAllow(_ context.Context, d *datadir.Dir, a RangeAllowance) (any, error) {
	e, err := a.entry(d)
	return []AddressInfo{viewAddress(e)}, err
}

func wouldBlock(_ context.Context, d *datadir.Dir, b RangeBlock) (any, error) {
	e, err := b.entry(d)
	return []AddressInfo{viewAddress(e)}, err
}

func wouldRemoveRange(ctx context.Context, d *datadir.Dir, n RangeName) (any, error) {
	r, err := parseRange(n.Range)
	if err != nil {
		return nil, err
	}
	lines, err := d.Addresses.Lines(ctx, d.Now())
	within := func(l addresses.Line) bool {
		return r == l.Range || l.Origin == "rule" && r.Overlaps(l.Range) && r.Bits() <= l.Range.Bits()
	}
	if err == nil && !slices.ContainsFunc(lines, within) {
		err = notListed(r)
	}
	return nil, err
}

func wouldKeep(ctx context.Context, d *datadir.Dir, k lists.RangeKeep) (any, error) {
	e, err := lists.Kept(ctx, d, k)
	return []AddressInfo{viewAddress(e)}, err
}

// wouldIssue returns what a token would say that is not issued.
func wouldIssue(_ context.Context, d *datadir.Dir, q TokenRequest) (any, error) {
	c, err := q.claims(d, d.Now())
	return map[string]any{"tenant": c.Client, "subject": c.Subject, "scope": c.Scope, "max_calls": c.MaxCalls, "expires_at": c.Expires.UTC().Truncate(time.Second)}, err
}

// The states that versions are computed from.
var (
	tenantVersion = seen(func(_ context.Context, d *datadir.Dir, n TenantName) (any, error) {
		if t, ok := d.Tenants.Find(n.ClientID); ok {
			return t, nil
		}
		return nil, nil
	})
	rangeVersion = seen(func(ctx context.Context, d *datadir.Dir, n RangeName) (any, error) {
		if _, err := parseRange(n.Range); err != nil {
			return nil, err
		}
		return stateOfRange(ctx, d, n.Range)
	})
	addressVersion = seen(func(ctx context.Context, d *datadir.Dir, n AddressName) (any, error) {
		return stateOfRange(ctx, d, n.Address)
	})
	tokenVersion = seen(func(ctx context.Context, d *datadir.Dir, n TokenName) (any, error) {
		return tokenstate.Version(ctx, d, n.Token)
	})
	corpusVersion  = seen(items.Version)
	webhookVersion = seen(webhooks.Version)
	linkVersion    = seen(ownview.LinksVersion)
)
