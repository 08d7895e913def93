package settings

import (
	"maps"
	"slices"
	"strings"

	"stile.example/stile/tenants"
)

// CheckTenant checks settings of one tenant, as in `stile tenant set`. The error is of type
// [Problems] and lists every problem, without Where.
func (s *Settings) CheckTenant(policy map[string]string) error {
	_, problems := s.with(policy)
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// For returns the policy of a tenant: the server's, overridden by the tenant's own settings. It
// omits settings that are no longer allowed, and returns them as the error: an old database must
// not prevent a new server from starting.
func (s *Settings) For(t *tenants.Tenant) (Policy, error) {
	p, problems := s.with(t.Policy)
	if len(problems) > 0 {
		return p, problems
	}
	return p, nil
}

func (s *Settings) with(policy map[string]string) (Policy, Problems) {
	own := *s
	own.texts, own.written = maps.Clone(s.texts), maps.Clone(s.written)
	var all []given
	var problems Problems
	for _, name := range slices.Sorted(maps.Keys(policy)) {
		if k, known := find(name); known && !k.Tenant {
			problems = append(problems, Problem{Key: name, Problem: "can't be set for a tenant, only for the server", Allowed: "one of " + strings.Join(tenantNames(), ", ")})
			continue
		}
		all = append(all, given{name: name, texts: []string{policy[name]}})
	}
	problems = append(problems, addressRules(policy["policy.observe"])...)
	problems = append(problems, own.apply(all)...)
	if own.Policy.Token.BindWithin > own.Policy.Lifetime {
		if policy["policy.token.bind_within"] != "" {
			problems = append(problems, Problem{Key: "policy.token.bind_within", Problem: "is longer than policy.token.lifetime"})
		}
		own.Policy.Token.BindWithin = own.Policy.Lifetime
	}
	return own.Policy, problems
}

// tenantNames returns the names of the settings that can be set for a tenant.
func tenantNames() (names []string) {
	for _, k := range table {
		if k.Tenant && k.value.allowed != "[]" {
			names = append(names, k.Name)
		}
	}
	return names
}

// Reload returns s with what a running server may adopt from fresh: the policies.
func (s *Settings) Reload(fresh *Settings) *Settings {
	next := *s
	next.Policy, next.Address = fresh.Policy, fresh.Address
	next.texts, next.written = maps.Clone(s.texts), maps.Clone(s.written)
	for _, k := range table {
		if k.Tenant || k.Live {
			next.texts[k.Name], next.written[k.Name] = fresh.texts[k.Name], fresh.written[k.Name]
		}
	}
	return &next
}

// Restart returns the names of the settings in which fresh differs and that a running server can't
// adopt.
func (s *Settings) Restart(fresh *Settings) (names []string) {
	for _, k := range table {
		if !k.Tenant && !k.Live && s.texts[k.Name] != fresh.texts[k.Name] {
			names = append(names, k.Name)
		}
	}
	return names
}
