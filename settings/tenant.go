package settings

import (
	"maps"
	"slices"
	"strings"

	"stile.example/stile/tenants"
)

// CheckTenant checks settings of one tenant, as `stile tenant set` takes them.
// Every fault is found; its Where is empty.
func (s *Settings) CheckTenant(policy map[string]string) error {
	_, faults := s.with(policy)
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// For is the policy of a tenant: the server's, with the tenant's own settings
// over it. Those that are no longer allowed are left out, and are the error:
// an old database must not stop a new server.
func (s *Settings) For(t *tenants.Tenant) (Policy, error) {
	p, faults := s.with(t.Policy)
	if len(faults) > 0 {
		return p, faults
	}
	return p, nil
}

func (s *Settings) with(policy map[string]string) (Policy, Faults) {
	own := *s
	own.texts = maps.Clone(s.texts)
	var all []given
	var faults Faults
	for _, name := range slices.Sorted(maps.Keys(policy)) {
		if k, known := find(name); known && !k.Tenant {
			faults = append(faults, Problem{Key: name, Problem: "is a setting of the server, not of a tenant", Allowed: strings.Join(tenantNames(), ", ")})
			continue
		}
		all = append(all, given{name: name, texts: []string{policy[name]}})
	}
	faults = append(faults, notTheirs(policy["policy.observe"])...)
	faults = append(faults, own.apply(all)...)
	if own.Policy.Token.BindWithin > own.Policy.Lifetime {
		if policy["policy.token.bind_within"] != "" {
			faults = append(faults, Problem{Key: "policy.token.bind_within", Problem: "is longer than policy.token.lifetime"})
		}
		own.Policy.Token.BindWithin = own.Policy.Lifetime
	}
	return own.Policy, faults
}

// tenantNames lists what may be set for a tenant.
func tenantNames() (names []string) {
	for _, k := range table {
		if k.Tenant && k.value.allowed != "[]" {
			names = append(names, k.Name)
		}
	}
	return names
}

// Reload is the settings as they are, with the policy of fresh: what a running
// server may take over.
func (s *Settings) Reload(fresh *Settings) *Settings {
	next := *s
	next.Policy, next.Address = fresh.Policy, fresh.Address
	next.texts = maps.Clone(s.texts)
	for _, k := range table {
		if k.Tenant || k.Live {
			next.texts[k.Name] = fresh.texts[k.Name]
		}
	}
	return &next
}

// Restart lists the settings in which fresh differs and that a running server
// does not take over.
func (s *Settings) Restart(fresh *Settings) (names []string) {
	for _, k := range table {
		if !k.Tenant && !k.Live && s.texts[k.Name] != fresh.texts[k.Name] {
			names = append(names, k.Name)
		}
	}
	return names
}
