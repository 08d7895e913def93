package settings

import (
	"slices"
	"strings"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// rules are those that may be observed only, in the contract's words.
var rules = []string{"hijack", "spike", "crowd", "block", "client"}

// Observes says whether a rule is decided and recorded only.
func (p Policy) Observes(rule string) bool { return slices.Contains(p.Observe, rule) }

// Tokens is the part of the policy that tokens.Step decides by.
func (p Policy) Tokens() tokens.Policy {
	t := p.Token
	t.Observe = tokens.Observe{Hijack: p.Observes("hijack"), Spike: p.Observes("spike")}
	return t
}

// Addresses is the policy that addresses.Step decides by. It is the
// publisher's, for all tenants: their visitors share the addresses.
func (s *Settings) Addresses() addresses.Policy {
	a := s.Address
	a.ObserveCrowd, a.ObserveBlock = s.Policy.Observes("crowd"), s.Policy.Observes("block")
	return a
}

// notTheirs are the faults of a tenant's policy.observe that names a rule
// about addresses.
func notTheirs(observe string) (faults Faults) {
	for _, rule := range splitList(observe) {
		if rule == "crowd" || rule == "block" {
			faults = append(faults, Problem{Key: "policy.observe", Problem: rule + " is a rule about addresses, which are the server's, not a tenant's",
				Allowed: strings.Join([]string{"hijack", "spike", "client"}, ", ")})
		}
	}
	return faults
}
