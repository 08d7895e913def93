package webhooks

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	perWebhook = 2                // simultaneous requests to a webhook; 1 while it fails
	idleWait   = 10 * time.Second // the longest wait before the store is asked again
	sweepEvery = time.Minute
	stopWithin = 3 * time.Second // for requests that run when the server stops
)

// Run sends what is due, until ctx is done and the requests that run then have ended. Requests that
// take longer than 3 s to end are cancelled: the next start repeats them.
func (o *Outbox) Run(ctx context.Context) {
	defer o.client.CloseIdleConnections()
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	swept := time.Time{}
	for {
		wait := o.startDue(ctx, requests, &running)
		if now := time.Now(); now.Sub(swept) >= sweepEvery {
			o.sweep(ctx)
			swept = now
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			time.AfterFunc(stopWithin, cancel)
			return
		case <-o.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Flush sends what is due now, and returns when the responses are recorded.
func (o *Outbox) Flush(ctx context.Context) {
	var running sync.WaitGroup
	o.startDue(ctx, ctx, &running)
	running.Wait()
}

// startDue starts the requests that are due, and returns how long to wait for the next.
func (o *Outbox) startDue(ctx, requests context.Context, running *sync.WaitGroup) (wait time.Duration) {
	all, err := o.store.Webhooks(ctx)
	if err != nil {
		o.report(ctx, "can't read the webhooks; trying again", err)
		return o.faultWait
	}
	now := o.now()
	wait = idleWait
	for i := range all {
		w := &all[i]
		if !w.Enabled || w.Waiting == 0 {
			continue
		}
		// A longer pause is from a clock that was ahead.
		if pause := w.PausedUntil.Sub(now); pause > 0 && pause <= maxRetryAfter {
			wait = min(wait, pause)
			continue
		}
		next, err := o.startWebhook(ctx, requests, w, now, running)
		if err != nil {
			o.report(ctx, "can't read the deliveries of a webhook; trying again", err)
			return o.faultWait
		}
		if !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
	}
	return max(wait, 10*time.Millisecond)
}

// startWebhook starts the requests to a webhook that are due, within its limit, and returns when
// the next is due, zero if none is.
func (o *Outbox) startWebhook(ctx, requests context.Context, w *Webhook, now time.Time, running *sync.WaitGroup) (time.Time, error) {
	limit := perWebhook
	if w.Failures > 0 {
		limit = 1
	}
	o.mu.Lock()
	busy := o.busy[w.ID]
	o.mu.Unlock()
	if busy >= limit { // the end of a request wakes the loop
		return time.Time{}, nil
	}
	due, next, err := o.store.Due(ctx, w.ID, now, limit)
	for _, d := range due {
		if !o.claim(w.ID, d.ID, limit) {
			continue
		}
		running.Go(func() {
			defer o.release(w.ID, d.ID)
			o.deliver(requests, *w, d)
		})
	}
	return next, err
}

// claim reserves a request for a delivery, unless it runs, or as many run as may.
func (o *Outbox) claim(webhook string, id int64, limit int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, runs := o.held[id]; runs || o.busy[webhook] >= limit {
		return false
	}
	o.busy[webhook]++
	o.held[id] = struct{}{}
	return true
}

func (o *Outbox) release(webhook string, id int64) {
	o.mu.Lock()
	delete(o.held, id)
	if o.busy[webhook]--; o.busy[webhook] == 0 {
		delete(o.busy, webhook)
	}
	o.mu.Unlock()
	o.notify()
}

// deliver sends a delivery once and records the result. If it can't be recorded, deliver tries that
// again before anything else is done with the delivery: otherwise the same event would be sent over
// and over while the store fails.
func (o *Outbox) deliver(ctx context.Context, w Webhook, d Delivery) {
	if !o.isDue(ctx, d) {
		return
	}
	r := o.send(ctx, &w, d.Message)
	if ctx.Err() != nil && r.Error != "" {
		return // the server stops, and the next start repeats the request
	}
	random, now := rand.Float64(), o.now().UTC().Truncate(time.Millisecond)
	var disabled bool
	for {
		err := o.store.UpdateDelivery(context.WithoutCancel(ctx), d.ID, func(d *Delivery, w *Webhook) {
			was := w.Enabled
			settle(d, w, r, now, random)
			disabled = was && !w.Enabled
		})
		if err == nil || errors.Is(err, ErrNotFound) { // removed meanwhile
			break
		}
		o.report(ctx, "can't record the result of a delivery; trying again", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(o.faultWait):
		}
	}
	if disabled {
		o.log.Warn("a webhook is disabled, because its receiver responded with 410 Gone", "webhook", w.ID, "url", Shown(w.URL))
	}
}

// isDue reports whether a delivery is still due, now that it is claimed: it was read before, and
// may have been sent in between.
func (o *Outbox) isDue(ctx context.Context, d Delivery) bool {
	now, err := o.store.Deliveries(ctx, Query{ID: d.ID, State: Waiting, Limit: 1})
	if err != nil {
		o.report(ctx, "can't read a delivery; trying again", err)
		return false
	}
	return len(now) == 1 && !now[0].Next.After(d.Next)
}

// sweep removes old deliveries, events and marks.
func (o *Outbox) sweep(ctx context.Context) {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = o.store.Sweep(ctx, o.now(), o.limits); err != nil {
			o.report(ctx, "can't remove old deliveries of webhooks", err)
			return
		}
	}
}

func (o *Outbox) report(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		o.log.Error(what, "err", err)
	}
}
