package watch

import (
	"context"
	"fmt"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/tenants"
)

// Update changes a tenant, and emits an event if that suspended or resumed it. An error says
// whether the change was made; an event that could not be stored is emitted at the next start.
func (w *Watcher) Update(ctx context.Context, clientID string, change func(*tenants.Tenant) error) (tenants.Tenant, error) {
	w.status.Lock()
	defer w.status.Unlock()
	t, err := w.Tenants.Update(ctx, clientID, change)
	if err != nil {
		return t, err
	}
	if err := w.emitStatus(context.WithoutCancel(ctx), &t); err != nil {
		return t, fmt.Errorf("the tenant is %s, but webhooks are not informed until the server restarts: %w", t.Status, err)
	}
	return t, nil
}

// checkStatuses emits the events of tenants whose status changed without one.
func (w *Watcher) checkStatuses(ctx context.Context) error {
	w.status.Lock()
	defer w.status.Unlock()
	if err := w.Tenants.Reload(ctx); err != nil { // another node may have changed one just now
		return err
	}
	for _, t := range w.Tenants.List() {
		if err := w.emit(ctx, statusEvent(t, w.Now())); err != nil {
			return err
		}
	}
	return nil
}

// emitStatus emits the event of a status by the stored mark, and not by what is known of it: other
// nodes change it too, so a second change on this node may seem to be none.
func (w *Watcher) emitStatus(ctx context.Context, t *tenants.Tenant) error {
	e := statusEvent(t, w.Now())
	if _, err := w.Outbox.Emit(ctx, e); err != nil {
		return err
	}
	w.know(e.Mark.Key, e.Mark.Value)
	return nil
}

func statusEvent(t *tenants.Tenant, now time.Time) events.Event {
	e := events.Event{
		Type: events.TenantResumed, At: now, Tenant: t.ClientID,
		Data: events.TenantStatus{Tenant: t.ClientID, Name: t.Name, Status: string(t.Status)},
		Mark: events.Mark{Key: fmt.Sprintf("tenant.status %d", t.Number), When: events.Changes},
	}
	if t.Status == tenants.Suspended {
		e.Type, e.Mark.Value = events.TenantSuspended, 1
	}
	return e
}
