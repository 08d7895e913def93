package addresses

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Line is a line of the address list as it is shown: an operator's entry, or an address that a rule
// blocked or considers crowded.
type Line struct {
	Range   netip.Prefix
	Tenant  uint32 // tenant whose tokens a rule's line is about; 0: all tenants
	Kind    string // allow, block or crowded
	Until   int64  // Unix seconds; Forever: permanent; 0: as long as it is crowded
	Reason  string
	Origin  string // rule or person
	Propose bool   // blocked so often that an operator should decide
}

// Lines returns all lines that are in force: the operator's in the order of their ranges, then the
// rules'.
func (reg *Registry) Lines(ctx context.Context, now time.Time) ([]Line, error) {
	entries, err := reg.store.Entries(ctx)
	if err != nil {
		return nil, fmt.Errorf("read address list: %w", err)
	}
	var lines []Line
	for _, e := range entries {
		if !e.ended(now) {
			lines = append(lines, Line{Range: e.Range, Kind: string(e.Kind), Until: untilOf(e), Reason: e.Reason, Origin: "person"})
		}
	}
	err = reg.eachNotable(ctx, now, func(scope Scope, v Verdict) {
		if l, ok := lineOf(scope, v); ok {
			lines = append(lines, l)
		}
	})
	return lines, err
}

// lineOf returns the line of a scope. ok is false if the scope is clear.
func lineOf(scope Scope, v Verdict) (l Line, ok bool) {
	s := v.State
	l = Line{Range: scope.Range, Tenant: scope.Tenant, Origin: "rule", Propose: s.Propose}
	switch v.Status {
	case Blocked:
		l.Kind, l.Until = string(Block), s.Until
		l.Reason = "more bindings than its budget, and challenges not solved"
	case Crowded, Suspicious:
		l.Kind, l.Reason = "crowded", overBudget(v)
	default:
		return l, false
	}
	return l, true
}

// overBudget describes the budget that an address exceeds.
func overBudget(v Verdict) string {
	if v.OverRecords {
		return fmt.Sprintf("%d of %d records in a day", v.Records, v.Limit)
	}
	return fmt.Sprintf("%d bindings, %d of %d challenges solved", v.Bindings, v.Solved, v.Issued)
}
