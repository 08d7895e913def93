package watch

import (
	"context"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/statements"
)

// lookBack is how long after its closing the event of a statement is emitted, if it could not be
// before. It is shorter than marks are kept, so an event is never emitted twice.
const lookBack = 90 * 24 * time.Hour

// Closed notes that a statement was closed. It does not wait: the closing of a month does.
func (w *Watcher) Closed(s statements.Statement) {
	w.closed.add(s)
	w.wakeUp()
}

// checkStatements emits the events of noted statements, or of all that were closed recently. After
// an error, it reads all: a closing whose process was killed is found in the same way.
func (w *Watcher) checkStatements(ctx context.Context, now time.Time) error {
	list, scan := w.closed.take()
	if scan {
		var err error
		if list, err = w.ClosedSince(ctx, now.Add(-lookBack)); err != nil {
			w.closed.all()
			return err
		}
	}
	for _, s := range list {
		if err := w.emit(ctx, statementEvent(s)); err != nil {
			w.closed.all()
			return err
		}
	}
	return nil
}

func statementEvent(s statements.Statement) events.Event {
	return events.Event{
		Type: events.StatementClosed, At: s.ClosedAt, Tenant: s.Tenant,
		Mark: events.Mark{Key: "statement.closed " + s.Tenant + " " + s.Month, Value: 1},
		Data: events.Statement{Tenant: s.Tenant, Month: s.Month, Calls: s.Calls, Records: s.Records, Amount: s.Amount.String(), Currency: s.Currency},
	}
}
