package watch

import (
	"context"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/statements"
)

// lookBack is how long after a statement was closed its event can still be emitted. It is shorter
// than marks are kept, so an event is never emitted twice.
const lookBack = 90 * 24 * time.Hour

// Closed notes that a statement was closed. It does not wait: the closing of a month does.
func (w *Watcher) Closed(s statements.Statement) {
	w.closed.add(s)
	w.wakeUp()
}

// checkStatements emits the events of noted statements, or of all that were closed recently, such
// as by a process that was killed before the events.
func (w *Watcher) checkStatements(ctx context.Context, now time.Time) error {
	recent := func() ([]statements.Statement, error) { return w.ClosedSince(ctx, now.Add(-lookBack)) }
	return w.closed.check(ctx, w, recent, statementEvent)
}

func statementEvent(s statements.Statement) events.Event {
	return events.Event{
		Type: events.StatementClosed, At: s.ClosedAt, Tenant: s.Tenant,
		Mark: events.Mark{Key: "statement.closed " + s.Tenant + " " + s.Month, Value: 1},
		Data: events.Statement{Tenant: s.Tenant, Month: s.Month, Calls: s.Calls, Records: s.Records, Amount: s.Amount.String(), Currency: s.Currency},
	}
}
