package datadir

import (
	"context"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// addressChecker tells tokens' gate what addresses call for: it translates between
// the two machines, which don't know each other.
type addressChecker struct {
	registry *addresses.Registry
	observed func(a tokens.AddressUse, v addresses.Verdict) // told of what a rule would have done
}

// Bound is tokens.Neighbours': a fresh token counts as a binding, and what any
// token delivers counts as records.
func (n addressChecker) Check(ctx context.Context, a tokens.AddressUse) (tokens.AddressVerdict, error) {
	var e addresses.Event = addresses.Deliver{At: a.At, Records: a.Records, Checked: a.AddressChecked}
	if a.NewBinding {
		e = addresses.Bind{At: a.At, Key: a.Key, Records: a.Records}
	}
	v, err := n.registry.Apply(ctx, a.From, a.Tenant, a.At, e)
	if err != nil {
		return tokens.AddressVerdict{}, err
	}
	if v.IsObserved && n.observed != nil {
		n.observed(a, v)
	}
	return addressVerdict(v), nil
}

// Asked is tokens.Neighbours'.
func (n addressChecker) ChallengeIssued(ctx context.Context, c tokens.AddressChallenge) error {
	_, err := n.registry.Apply(ctx, c.From, c.Tenant, c.At, addresses.Issued{At: c.At, Shared: c.Shared})
	return err
}

// Solved is tokens.Neighbours'.
func (n addressChecker) ChallengeSolved(ctx context.Context, c tokens.AddressChallenge) error {
	_, err := n.registry.Apply(ctx, c.From, c.Tenant, c.At, addresses.Solved{At: c.At, Shared: c.Shared})
	return err
}

// addressVerdict says in the token's words how its address stands. A standing that is
// not known is a block.
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
