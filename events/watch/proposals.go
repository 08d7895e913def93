package watch

import (
	"context"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/events"
)

// proposal is a scope that was proposed for a permanent block.
type proposal struct {
	scope addresses.Scope
	state addresses.State
	isNew bool
}

// Proposed notes that an address was proposed for a permanent block. It does not wait: a call does.
func (w *Watcher) Proposed(scope addresses.Scope, s addresses.State) {
	w.pending.add(proposal{scope, s, true})
	w.wakeUp()
}

// checkProposals emits the events of noted proposals, or of all.
func (w *Watcher) checkProposals(ctx context.Context, now time.Time) error {
	stored := func() (list []proposal, err error) {
		err = w.Addresses.EachAddress(ctx, func(scope addresses.Scope, s addresses.State) {
			if s.Propose {
				list = append(list, proposal{scope, s, s.LastStepBlocks == 1})
			}
		})
		return list, err
	}
	return w.pending.check(ctx, w, stored, func(p proposal) events.Event { return w.proposalEvent(p, now) })
}

// proposalEvent returns the event of a proposal. Its mark is the end of the block with which the
// proposal began: a later proposal of the same address has a later one. A state that was blocked
// again since then does not say when the proposal began, so any mark means that it was reported.
func (w *Watcher) proposalEvent(p proposal, now time.Time) events.Event {
	m := events.Mark{Key: "address.proposed " + p.scope.Range.String() + " " + w.tenantName(p.scope.Tenant), Value: p.state.Until}
	if !p.isNew {
		m.Value = 1
	}
	return events.Event{
		Type: events.AddressProposed, At: now, Tenant: w.tenantName(p.scope.Tenant), Mark: m,
		Data: events.Proposal{
			Address: w.ShowAddress(p.scope.Range.Addr()), Tenant: w.tenantName(p.scope.Tenant),
			Blocks: int(p.state.LastStepBlocks), BlockedUntil: time.Unix(p.state.Until, 0).UTC(),
		},
	}
}

func (w *Watcher) tenantName(number uint32) string {
	if t, ok := w.Tenants.ByNumber(number); ok {
		return t.ClientID
	}
	return ""
}
