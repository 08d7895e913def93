package watch

import (
	"context"
	"sync"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/statements"
)

// closings are the statements that were closed since the last check.
type closings struct {
	mu   sync.Mutex
	list []statements.Statement
	scan bool // those that are stored must be read: the list was full, or the process has just started
}

func (c *closings) add(s statements.Statement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) >= maxPending {
		c.list, c.scan = nil, true
	}
	if !c.scan {
		c.list = append(c.list, s)
	}
}

func (c *closings) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.scan = nil, true
}

func (c *closings) take() (list []statements.Statement, scan bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, scan = c.list, c.scan
	c.list, c.scan = nil, false
	return list, scan
}

// lookBack is how long after its closing the event of a statement is emitted, if it could not be
// before. It is shorter than marks are kept, so an event is never emitted twice.
const lookBack = 90 * 24 * time.Hour

// Closed notes that a statement was closed. It does not wait: the closing of a month does.
func (w *Watcher) Closed(s statements.Statement) {
	w.closed.add(s)
	select {
	case w.wake <- struct{}{}:
	default:
	}
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
