package datadir

import (
	"context"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// addressChecker is the gate's [tokens.AddressChecker]. It translates between the state machines of
// tokens and of addresses, which don't know each other.
type addressChecker struct {
	registry *addresses.Registry
	observed func(tokens.AddressUse, addresses.Verdict) // may be nil; see ObserveAddresses
}

// Check counts a new token as a binding, and the records that any token is to deliver.
func (c addressChecker) Check(ctx context.Context, a tokens.AddressUse) (tokens.AddressVerdict, error) {
	var e addresses.Event = addresses.Deliver{At: a.At, Records: a.Records, Checked: a.AddressChecked}
	if a.NewBinding {
		e = addresses.Bind{At: a.At, Key: a.Key, Person: a.Person, Records: a.Records}
	}
	v, err := c.registry.Apply(ctx, a.From, a.Tenant, a.At, e)
	if err != nil {
		return tokens.AddressVerdict{}, err
	}
	if v.IsObserved && c.observed != nil {
		c.observed(a, v)
	}
	return addressVerdict(v), nil
}

// ChallengeIssued counts a challenge that the address caused.
func (c addressChecker) ChallengeIssued(ctx context.Context, ch tokens.AddressChallenge) error {
	_, err := c.registry.Apply(ctx, ch.From, ch.Tenant, ch.At, addresses.Issued{At: ch.At, Shared: ch.Shared})
	return err
}

// ChallengeSolved counts that such a challenge was solved.
func (c addressChecker) ChallengeSolved(ctx context.Context, ch tokens.AddressChallenge) error {
	_, err := c.registry.Apply(ctx, ch.From, ch.Tenant, ch.At, addresses.Solved{At: ch.At, Shared: ch.Shared})
	return err
}

// addressVerdict translates the verdict about an address for the token's state machine. An unknown
// status is a block.
func addressVerdict(v addresses.Verdict) tokens.AddressVerdict {
	c := tokens.AddressVerdict{Limit: v.Limit, Seen: v.Seen, OverRecords: v.OverRecords, Shared: v.Shared}
	switch v.Status {
	case addresses.Clear:
		return tokens.AddressVerdict{Allowance: v.Allowance}
	case addresses.Crowded:
		c.Kind, c.Level, c.Allowance = tokens.Work, v.Level, v.Allowance
	case addresses.Suspicious:
		c.Kind, c.Level, c.Allowance = tokens.Picture, v.Level, v.Allowance
	default:
		c.Blocked = true
	}
	return c
}

// ObserveAddresses makes the gate call fn for each use of a token at an address where a rule that
// is only observed would have refused or challenged it.
func (d *Dir) ObserveAddresses(fn func(tokens.AddressUse, addresses.Verdict)) {
	d.Gate.Addresses = addressChecker{d.Addresses, fn}
}
