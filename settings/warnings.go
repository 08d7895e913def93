package settings

import (
	"fmt"
	"slices"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// Ignored returns a problem for each environment variable with our prefix that is not a setting.
func (s *Settings) Ignored() (warnings Problems) {
	for _, v := range s.ignored {
		warnings = append(warnings, Problem{Where: v, Problem: "is not a setting and is ignored; `stile help settings` lists all settings"})
	}
	return warnings
}

// Warnings returns a problem for each setting that is allowed, but probably not what the operator
// wants.
func (s *Settings) Warnings() (warnings Problems) {
	add := func(unlikely bool, key, format string, args ...any) {
		if unlikely {
			warnings = append(warnings, Problem{Key: key, Problem: fmt.Sprintf(format, args...)})
		}
	}
	warnings = s.Ignored()
	t, a := s.Policy.Tokens(), s.Addresses()
	add(t.Records < t.Calls, "policy.token.records", "a token reaches its %d records before its %d calls: a call delivers up to 50 records", t.Records, t.Calls)
	add(t.SpikeCalls >= t.Calls, "policy.spike.calls", "a token's %d calls are used up before it can be challenged", t.Calls)
	add(!slices.Contains(t.Ladder, tokens.Work), "policy.challenge.ladder", "has pictures only, which programs can solve too; put work first")
	add(int(t.PerToken) < len(t.Ladder), "policy.challenge.ladder", "a token dies after %d challenges (policy.challenge.per_token): it never gets the last kinds", t.PerToken)
	add(t.Expires > s.Policy.Lifetime, "policy.challenge.expires", "is longer than policy.token.lifetime")
	add(a.Bindings < 5, "policy.address.bindings", "a household or an office behind one address is crowded after %d tokens", a.Bindings)
	add(a.Records > 0 && a.Records < 50, "policy.address.records", "one page of results may contain more than %d records", a.Records)
	add(a.Then == addresses.ThenChallenge && a.SolveRatio == 0, "policy.address.solve_ratio", "a crowded address is never blocked, even if it solves none of its challenges")
	add(a.SolveRatio > 0.8, "policy.address.solve_ratio", "visitors close pages too: an address can be blocked for the challenges that they leave unsolved")
	add(!slices.IsSorted(a.Block), "policy.address.block", "a later block is shorter than an earlier one")
	for _, p := range s.TrustedProxies {
		add(tooWide(p), "trusted_proxies", "%s is a large part of the internet: each client in it can name its own address", p)
	}
	last := a.Block[len(a.Block)-1]
	add(a.PermanentAfter > 0 && last < 24*time.Hour, "policy.address.permanent_after", "blocks an address permanently after %d blocks of %s: people who share an address can reach that in one bad day", a.PermanentAfter, Short(last))
	add(len(s.Policy.Observe) > 0, "policy.observe", "is set: %v are recorded but not enforced", s.Policy.Observe)
	return warnings
}
