package settings

import (
	"slices"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// rules are those that policy.observe may list, in the contract's words.
var rules = []string{"hijack", "spike", "crowd", "block", "client"}

// Observes reports whether a rule is observed: evaluated and recorded, but not enforced.
func (p Policy) Observes(rule string) bool { return slices.Contains(p.Observe, rule) }

// Tokens returns the part of the policy that tokens.Step uses.
func (p Policy) Tokens() tokens.Policy {
	t := p.Token
	t.Observe = tokens.Observe{Hijack: p.Observes("hijack"), Spike: p.Observes("spike")}
	return t
}

// Addresses returns the policy that addresses.Step uses. It is the same for all tenants, because
// their visitors share the addresses.
func (s *Settings) Addresses() addresses.Policy {
	a := s.Address
	a.ObserveCrowd, a.ObserveBlock = s.Policy.Observes("crowd"), s.Policy.Observes("block")
	return a
}

// addressRules returns a problem for each rule about addresses in a tenant's policy.observe.
func addressRules(observe string) (problems Problems) {
	for _, rule := range splitList(observe) {
		if rule == "crowd" || rule == "block" {
			problems = append(problems, Problem{Key: "policy.observe", Problem: rule + " can't be set for a tenant, because tenants share the addresses",
				Allowed: anyOf([]string{"hijack", "spike", "client"})})
		}
	}
	return problems
}
