package operations

import (
	"context"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/doctor"
	"stile.example/stile/operations/diagnosis"
	"stile.example/stile/operations/ownview"
)

// doctorOps are the operations about a tenant's integration, and about what its developers see.
var doctorOps = []Operation{
	define("doctor", Viewer, "find what is wrong with a tenant's integration", `{"client_id":"acme"}`, NoStream, diagnose),
	plain("tenant refusals", Viewer, "show refusals as the tenant's developers see them", `{"client_id":"acme","ref":"7QK2-M4TD"}`, tenantRefusals),
	changes(define("tenant link add", Operator, "give a tenant's developers a link to their own view", `{"client_id":"acme","name":"agency","for":"168h"}`, NoStream, addLink),
		"made a link to a tenant's own view", LinkRequest.about, linkState[LinkRequest]),
	plain("tenant link list", Viewer, "list the links to a tenant's own view", `{"client_id":"acme"}`, listLinks),
	changes(plain("tenant link remove", Operator, "remove a link to a tenant's own view", `{"client_id":"acme","id":"mfrggzdf"}`, removeLink),
		"removed a link to a tenant's own view", LinkName.about, linkState[LinkName]),
}

// RefusalsOf names a tenant, and one of its refusals. Without a Ref, it means the latest ones.
type RefusalsOf struct {
	ClientID string `json:"client_id"`
	Ref      string `json:"ref,omitempty"` // as the visitor was shown it; case and hyphen don't matter
}

// TenantRefusal is what a tenant's developers see of a refusal.
type TenantRefusal = ownview.Refusal

func tenantRefusals(ctx context.Context, d *datadir.Dir, q RefusalsOf) ([]TenantRefusal, error) {
	t, err := findTenant(d, q.ClientID)
	if err != nil {
		return nil, err
	}
	return ownview.Refusals(ctx, d, t, q.Ref)
}

// LinkRequest describes a new link to a tenant's own view.
type LinkRequest struct {
	ClientID string   `json:"client_id"`
	Name     string   `json:"name"`          // whom it is for
	For      Duration `json:"for,omitempty"` // at most 30 days; 0: 7 days
}

// LinkName names a link.
type LinkName struct {
	ClientID string `json:"client_id"`
	ID       string `json:"id"`
}

// Link and NewLink are links to a tenant's own view.
type (
	Link    = ownview.Link
	NewLink = ownview.NewLink
)

func (r LinkRequest) about() string { return r.ClientID }
func (n LinkName) about() string    { return n.ClientID }

func addLink(ctx context.Context, d *datadir.Dir, r LinkRequest, c Call) (NewLink, error) {
	t, err := findTenant(d, r.ClientID)
	if err != nil {
		return NewLink{}, err
	}
	return ownview.AddLink(ctx, d, t, r.Name, c.Actor.Name, time.Duration(r.For))
}

func listLinks(ctx context.Context, d *datadir.Dir, n TenantName) ([]Link, error) {
	t, err := findTenant(d, n.ClientID)
	if err != nil {
		return nil, err
	}
	return ownview.Links(ctx, d, t)
}

func removeLink(ctx context.Context, d *datadir.Dir, n LinkName) (Removed, error) {
	t, err := findTenant(d, n.ClientID)
	if err != nil {
		return Removed{}, err
	}
	return Removed{n.ID}, ownview.RemoveLink(ctx, d, t, n.ID)
}

// linkState returns the links of a tenant, which are without what opens them.
func linkState[I interface{ about() string }](ctx context.Context, d *datadir.Dir, in I) (any, error) {
	t, ok := d.Tenants.Find(in.about())
	if !ok {
		return nil, nil
	}
	return ownview.Links(ctx, d, t)
}

// diagnose returns what is wrong with a tenant's integration, for the operator or for the tenant.
func diagnose(ctx context.Context, d *datadir.Dir, n TenantName, c Call) ([]doctor.Finding, error) {
	t, err := findTenant(d, n.ClientID)
	if err != nil {
		return nil, err
	}
	return diagnosis.Of(ctx, d, t, c.Actor.Role == Developer)
}
