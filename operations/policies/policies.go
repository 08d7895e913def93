// Package policies has the operations on the policy: what each setting is, which tenants have their
// own, and what a change would do to simulated people and scrapers.
package policies

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/settings"
	"stile.example/stile/simulate"
	"stile.example/stile/tenants"
)

// Query selects settings. An empty field does not limit it.
type Query struct {
	Name   string `json:"name,omitempty"`   // of a setting: policy.token.calls
	Tenant string `json:"tenant,omitempty"` // client_id: Value is the one that applies to it
}

// Setting is a setting of the policy.
type Setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"` // as in a settings file; a list has commas
	Default string `json:"default"`
	Source  string `json:"source"` // default, server or tenant
	Type    string `json:"type"`
	Allowed string `json:"allowed"`
	Doc     string `json:"doc"`
	Tenant  bool   `json:"tenant"` // it can be set for one tenant
	// The tenants that have their own value.
	Tenants []TenantValue `json:"tenants"`
}

// TenantValue is a tenant's own value of a setting.
type TenantValue struct {
	ClientID string `json:"client_id"`
	Value    string `json:"value"`
}

// Show implements `policy show`.
func Show(_ context.Context, d *datadir.Dir, q Query) ([]Setting, error) {
	var own map[string]string
	if q.Tenant != "" {
		t, err := lookup.Tenant(d, q.Tenant)
		if err != nil {
			return nil, err
		}
		own = t.Policy
	}
	s, all, list := d.Settings(), []Setting{}, d.Tenants.List()
	for _, k := range settings.Keys() {
		if k.IsPolicy() && (q.Name == "" || q.Name == k.Name) {
			all = append(all, view(s, k, own, list))
		}
	}
	if len(all) == 0 {
		return nil, failure.New(failure.NotFound, "%.60s is not a setting of the policy; `stile policy show` lists them", q.Name)
	}
	return all, nil
}

func view(s *settings.Settings, k settings.Key, own map[string]string, list []*tenants.Tenant) Setting {
	v := Setting{Name: k.Name, Value: s.Written(k), Default: k.Default, Source: "default", Type: k.Type(), Allowed: k.Allowed(), Doc: k.Doc, Tenant: k.Tenant, Tenants: []TenantValue{}}
	if !s.IsDefault(k) {
		v.Source = "server"
	}
	if text, has := own[k.Name]; has {
		v.Value, v.Source = text, "tenant"
	}
	for _, t := range list {
		if text, has := t.Policy[k.Name]; has {
			v.Tenants = append(v.Tenants, TenantValue{t.ClientID, text})
		}
	}
	return v
}

// Change is a policy to compare with the one in use.
type Change struct {
	// client_id: compare with the policy that applies to it
	Tenant string            `json:"tenant,omitempty"`
	Policy map[string]string `json:"policy"`           // other values, by the name of a setting
	Groups []string          `json:"groups,omitempty"` // of simulated people and scrapers; empty: all
	Days   int               `json:"days,omitempty"`   // 1 to 7; 0: 1
	Seed   uint64            `json:"seed,omitempty"`   // 0: 1
}

// Comparison is what a change does to a group.
type Comparison struct {
	Group    string          `json:"group"`
	What     string          `json:"what"`
	Scrapers bool            `json:"scrapers"`
	Before   simulate.Result `json:"before"` // with the policy in use
	After    simulate.Result `json:"after"`  // with the change
}

const maxDays = 7

// simulating has a value while a group is simulated. A simulation uses a whole processor, and any
// viewer may compare: so all callers together use one, and the calls of visitors don't wait.
var simulating = make(chan struct{}, 1)

// simulated simulates a group. Tests replace it.
var simulated = simulate.One

// simulateInTurn simulates a group when no other is being simulated.
func simulateInTurn(ctx context.Context, c simulate.Config, group string) (simulate.Result, error) {
	select {
	case simulating <- struct{}{}:
	case <-ctx.Done():
		return simulate.Result{}, ctx.Err()
	}
	defer func() { <-simulating }()
	return simulated(ctx, c, group)
}

// Compare implements `policy compare`. It takes about a second for each group and day, and longer
// if others compare at the same time.
func Compare(ctx context.Context, d *datadir.Dir, ch Change) ([]Comparison, error) {
	before, after, err := ch.configs(d)
	if err != nil {
		return nil, err
	}
	groups := ch.Groups
	if len(groups) == 0 {
		groups = simulate.Groups()
	}
	all := []Comparison{}
	for _, name := range groups {
		if !slices.Contains(simulate.Groups(), name) {
			return nil, failure.New(failure.Invalid, "group %.40q: unknown group; must be one of %s", name, strings.Join(simulate.Groups(), ", "))
		}
		b, err := simulateInTurn(ctx, before, name)
		if err != nil {
			return nil, err
		}
		a, err := simulateInTurn(ctx, after, name)
		if err != nil {
			return nil, err
		}
		all = append(all, Comparison{b.Name, b.What, b.Scrapers, b, a})
	}
	return all, nil
}

// configs returns the simulations with the policy in use, and with the change.
func (ch Change) configs(d *datadir.Dir) (before, after simulate.Config, err error) {
	if len(ch.Policy) == 0 {
		return before, after, failure.New(failure.Invalid, "the change is missing; name a setting and its value, such as policy.spike.calls=30")
	}
	if ch.Days < 0 || ch.Days > maxDays {
		return before, after, failure.New(failure.Invalid, "days %d: must be from 1 to %d", ch.Days, maxDays)
	}
	values := map[string]string{}
	if ch.Tenant != "" {
		t, err := lookup.Tenant(d, ch.Tenant)
		if err != nil {
			return before, after, err
		}
		maps.Copy(values, t.Policy)
	}
	config := func(values map[string]string) (simulate.Config, error) {
		s, err := d.Settings().Changed(values)
		if err != nil {
			return simulate.Config{}, failure.Of(failure.Invalid, errors.New(err.Error()))
		}
		c := simulate.Default()
		c.Policy, c.Addresses, c.Days, c.Seed = s.Policy.Tokens(), s.Addresses(), max(ch.Days, 1), max(ch.Seed, 1)
		return c, nil
	}
	if before, err = config(values); err != nil {
		return before, after, err
	}
	maps.Copy(values, ch.Policy)
	after, err = config(values)
	return before, after, err
}
