package watch

import (
	"context"
	"fmt"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/tenants"
)

// thresholds are the percentages of a quota that are reported.
var thresholds = []int64{50, 75, 100}

// checkQuotas emits an event for each threshold that a tenant has reached. It checks the month
// before once more after its end: the last calls may have been counted after the last check.
func (w *Watcher) checkQuotas(ctx context.Context, now time.Time) error {
	w.mu.Lock()
	last := w.checked
	w.mu.Unlock()
	before := firstOf(now).AddDate(0, 0, -1)
	if last.IsZero() && now.Sub(firstOf(now)) < 24*time.Hour || !last.IsZero() && firstOf(last).Before(firstOf(now)) {
		if err := w.checkMonth(ctx, before, now); err != nil {
			return err
		}
	}
	if err := w.checkMonth(ctx, now, now); err != nil {
		return err
	}
	w.mu.Lock()
	w.checked = now
	w.mu.Unlock()
	return nil
}

func firstOf(t time.Time) time.Time {
	y, m, _ := t.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

func (w *Watcher) checkMonth(ctx context.Context, month, now time.Time) error {
	for _, t := range w.Tenants.List() {
		if t.CallsPerMonth <= 0 {
			continue
		}
		used := w.Used(t.Number, month)
		for _, percent := range thresholds {
			if !reached(used, t.CallsPerMonth, percent) {
				break
			}
			if err := w.emit(ctx, quotaEvent(t, month, now, percent, used)); err != nil {
				return err
			}
		}
	}
	return nil
}

// reached reports whether used is at least percent of limit. It does not overflow.
func reached(used, limit, percent int64) bool {
	return used >= limit/100*percent+(limit%100*percent+99)/100
}

// quotaEvent returns the event of a threshold. Its mark is the quota: a threshold is reported again
// only for a higher one.
func quotaEvent(t *tenants.Tenant, month, now time.Time, percent, used int64) events.Event {
	name := month.UTC().Format("2006-01")
	return events.Event{
		Type: events.TenantQuota, At: now, Tenant: t.ClientID,
		Data: events.Quota{Tenant: t.ClientID, Month: name, Threshold: int(percent), Calls: used, CallsPerMonth: t.CallsPerMonth},
		Mark: events.Mark{Key: fmt.Sprintf("tenant.quota %d %s %d", t.Number, name, percent), Value: t.CallsPerMonth},
	}
}
