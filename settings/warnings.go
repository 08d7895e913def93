package settings

import (
	"fmt"
	"slices"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// Warnings are settings that are allowed, and that together do what is hardly
// meant.
func (s *Settings) Warnings() (doubts Faults) {
	add := func(unlikely bool, key, format string, args ...any) {
		if unlikely {
			doubts = append(doubts, Problem{Key: key, Problem: fmt.Sprintf(format, args...)})
		}
	}
	t, a := s.Policy.Tokens(), s.Addresses()
	add(t.Records < t.Calls, "policy.token.records", "%d records end a token before its %d calls do: a call delivers up to 50", t.Records, t.Calls)
	add(t.SpikeCalls >= t.Calls, "policy.spike.calls", "a token's %d calls are used up before it can be challenged", t.Calls)
	add(!slices.Contains(t.Ladder, tokens.Work), "policy.challenge.ladder", "asks people for pictures only, which a program reads too; let work come first")
	add(int(t.PerToken) < len(t.Ladder), "policy.challenge.ladder", "a token dies after %d challenges (policy.challenge.per_token): its last steps are never reached", t.PerToken)
	add(t.Expires > s.Policy.Lifetime, "policy.challenge.expires", "is longer than policy.token.lifetime")
	add(a.Bindings < 5, "policy.address.bindings", "a household or an office behind one address is a crowd after %d tokens", a.Bindings)
	add(a.Records > 0 && a.Records < 50, "policy.address.records", "one page of results may be more than %d records", a.Records)
	add(a.Then == addresses.ThenChallenge && a.SolveRatio == 0, "policy.address.solve_ratio", "a crowd that solves none of its challenges is never blocked")
	add(a.SolveRatio > 0.8, "policy.address.solve_ratio", "people close pages too: an address is blocked for the challenges that they leave unsolved")
	add(!slices.IsSorted(a.Block), "policy.address.block", "a later block is shorter than one before it")
	for _, p := range s.TrustedProxies {
		add(tooWide(p), "trusted_proxies", "%s is a large part of the internet: each client in it can say where it comes from", p)
	}
	last := a.Block[len(a.Block)-1]
	add(a.PermanentAfter > 0 && last < 24*time.Hour, "policy.address.permanent_after", "blocks for good after %d of %s: that may be one bad day of an address that people share", a.PermanentAfter, Short(last))
	add(len(s.Policy.Observe) > 0, "policy.observe", "is set: %v are recorded and not enforced", s.Policy.Observe)
	return doubts
}
