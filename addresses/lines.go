package addresses

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Line is a line of the list as it is shown: an entry, or an address of which
// a rule has made something.
type Line struct {
	Range   netip.Prefix
	Tenant  uint32 // whose tokens a rule's line is about; 0: everybody's
	Kind    string // allow, block or crowded
	Until   int64  // Unix seconds; Forever: permanently; 0: as long as the crowd lasts
	Reason  string
	Origin  string // rule or person
	Propose bool   // so often blocked that an operator should look
}

// Lines are all lines that hold now: an operator's in the order of their
// ranges, then the rules'.
func (b *Registry) Lines(ctx context.Context, now time.Time) ([]Line, error) {
	entries, err := b.store.Entries(ctx)
	if err != nil {
		return nil, fmt.Errorf("read address list: %w", err)
	}
	var lines []Line
	for _, e := range entries {
		if !e.over(now) {
			lines = append(lines, Line{Range: e.Range, Kind: string(e.Kind), Until: untilOf(e), Reason: e.Reason, Origin: "person"})
		}
	}
	p := *b.policy.Load()
	err = b.store.EachAddress(ctx, func(scope Scope, s State) {
		if l, ok := lineOf(scope, s, p.forScope(scope), now); ok {
			lines = append(lines, l)
		}
	})
	return lines, err
}

func lineOf(scope Scope, s State, p Policy, now time.Time) (Line, bool) {
	_, v := Step(s, p, Inspect{now})
	l := Line{Range: scope.Range, Tenant: scope.Tenant, Origin: "rule", Propose: s.Propose}
	switch v.Status {
	case Blocked:
		l.Kind, l.Until = string(Block), s.Until
		l.Reason = "more bindings than its budget, and challenges not solved"
	case Crowded, Suspicious:
		l.Kind, l.Reason = "crowded", overBudget(v)
	default:
		return Line{}, false
	}
	return l, true
}

// overBudget says over which budget an address is.
func overBudget(v Verdict) string {
	if v.OverRecords {
		return fmt.Sprintf("%d of %d records in a day", v.Records, v.Limit)
	}
	return fmt.Sprintf("%d bindings, %d of %d challenges solved", v.Bindings, v.Solved, v.Issued)
}
