package operations

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/statements"
)

// scope says how an operation is confined to one tenant, for a [Developer].
type scope struct {
	// input returns the input about the tenant. It must not depend on what the caller says about a
	// tenant.
	input func(tenant string, in json.RawMessage) (json.RawMessage, error)
	// result returns what the tenant may see of a result, or an error if it is about another one.
	// Nil: a result for such an input is about the tenant only.
	result func(tenant string, result any) (any, error)
}

// scopes has all operations that a tenant's developers may call. Every other one is forbidden to
// them, so a new operation is too. This is the only place that confines them: see [Operation.Run].
var scopes = map[string]scope{
	"tenant show":     {input: set("client_id"), result: shownTenant},
	"doctor":          {input: set("client_id")},
	"usage":           {input: set("tenant")},
	"tenant refusals": {input: set("client_id")},
	"token issue":     {input: testToken},

	"statement list":   {input: set("tenant"), result: listedStatements},
	"statement show":   {input: set("tenant"), result: shownStatement},
	"statement export": {input: set("tenant")},
}

// isTenants reports whether the actor may know about one tenant only. An actor that names a tenant
// is, whatever its role says.
func (a Actor) isTenants() bool { return (a.Role == Developer || a.Tenant != "") && !a.confined }

// runForTenant runs an operation as far as it is about the actor's tenant.
func (o Operation) runForTenant(ctx context.Context, d *datadir.Dir, c Call) (any, error) {
	s, listed := scopes[o.Name]
	if !listed || c.Actor.Role != Developer || c.Actor.Tenant == "" {
		return nil, failure.New(failure.Forbidden, "%s: not part of a tenant's own view; ask the publisher", o.Name)
	}
	in, err := s.input(c.Actor.Tenant, c.Input)
	if err != nil {
		return nil, err
	}
	c.Actor.confined, c.Input = true, in
	result, err := o.Run(ctx, d, c)
	if err != nil || s.result == nil {
		return result, err
	}
	return s.result(c.Actor.Tenant, result)
}

// set returns a function that makes the tenant the value of a member, whatever it was.
func set(member string) func(tenant string, in json.RawMessage) (json.RawMessage, error) {
	return func(tenant string, in json.RawMessage) (json.RawMessage, error) {
		members := map[string]json.RawMessage{}
		if len(bytes.TrimSpace(in)) > 0 {
			if err := json.Unmarshal(in, &members); err != nil {
				return nil, failure.New(failure.Invalid, "read the input: %w", err)
			}
		}
		for name := range members {
			if bytes.EqualFold([]byte(name), []byte(member)) { // encoding/json would read any case
				delete(members, name)
			}
		}
		text, err := json.Marshal(tenant)
		if err != nil {
			return nil, err
		}
		members[member] = text
		return json.Marshal(members)
	}
}

// testToken returns the input for a token of the tenant to try out.
func testToken(tenant string, _ json.RawMessage) (json.RawMessage, error) {
	return json.Marshal(TokenRequest{Tenant: tenant, Subject: "developer", Scope: Scope, Test: true})
}

// shownTenant checks that the result is about the tenant.
func shownTenant(tenant string, result any) (any, error) {
	t, ok := result.(TenantInfo)
	if !ok || t.ClientID != tenant {
		return nil, notTheTenants(result)
	}
	return t, nil
}

// listedStatements checks that all statements of a page are the tenant's.
func listedStatements(tenant string, result any) (any, error) {
	page, ok := result.(statements.Page)
	if !ok {
		return nil, notTheTenants(result)
	}
	for _, s := range page.Statements {
		if s.Tenant != tenant {
			return nil, notTheTenants(result)
		}
	}
	return page, nil
}

// shownStatement checks that a statement is the tenant's.
func shownStatement(tenant string, result any) (any, error) {
	v, ok := result.(statements.View)
	if !ok || v.Tenant != tenant {
		return nil, notTheTenants(result)
	}
	return v, nil
}

// notTheTenants is the error for a result that a scope does not know or that is another tenant's.
// It is a fault, since the input was confined.
func notTheTenants(result any) error {
	return fmt.Errorf("a result of the type %T is not about the actor's tenant", result)
}
