package operations

import (
	"context"

	"stile.example/stile/datadir"
	"stile.example/stile/doctor"
	"stile.example/stile/operations/diagnosis"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/operations/ownview"
)

// doctorOps are the operations about a tenant's integration, and about what its developers see.
var doctorOps = []Operation{
	define("doctor", Viewer, "find what is wrong with a tenant's integration", `{"client_id":"acme"}`, NoStream, diagnose).
		at("GET /tenants/{client_id}/doctor").keyed("finding"),
	plain("tenant refusals", Viewer, "show refusals as the tenant's developers see them", `{"client_id":"acme","ref":"7QK2-M4TD"}`, ownview.List).
		at("GET /tenants/{client_id}/refusals").keyed("-at", "ref", "code", "detail"),
	changes(define("tenant link add", Operator, "give a tenant's developers a link to their own view", `{"client_id":"acme","name":"agency","for":"7d"}`, NoStream, addLink),
		"made a link to a tenant's own view", LinkRequest.About, ownview.LinksBefore[LinkRequest]).
		at("POST /tenants/{client_id}/links").creates().previewed(of(ownview.WouldAddLink)).versioned(linkVersion),
	plain("tenant link list", Viewer, "list the links to a tenant's own view", `{"client_id":"acme"}`, ownview.Links).
		at("GET /tenants/{client_id}/links").keyed("id").versioned(linkVersion),
	changes(plain("tenant link remove", Operator, "remove a link to a tenant's own view", `{"client_id":"acme","id":"mfrggzdf"}`, ownview.RemoveLink),
		"removed a link to a tenant's own view", LinkName.About, ownview.LinksBefore[LinkName]).
		at("DELETE /tenants/{client_id}/links/{id}").previewed(of(ownview.WouldRemoveLink)).versioned(linkVersion),
}

// What the operations about a tenant's own view take and return.
type (
	RefusalsOf    = ownview.Query
	TenantRefusal = ownview.Refusal
	LinkRequest   = ownview.LinkRequest
	LinkName      = ownview.LinkName
	Link          = ownview.Link
	NewLink       = ownview.NewLink
)

// diagnose returns what is wrong with a tenant's integration, for the operator or for the tenant.
func diagnose(ctx context.Context, d *datadir.Dir, n TenantName, c Call) ([]doctor.Finding, error) {
	t, err := lookup.Tenant(d, n.ClientID)
	if err != nil {
		return nil, err
	}
	return diagnosis.Of(ctx, d, t, c.Actor.Role == Developer)
}

func addLink(ctx context.Context, d *datadir.Dir, r LinkRequest, c Call) (NewLink, error) {
	return ownview.AddLink(ctx, d, r, c.Actor.Name)
}
