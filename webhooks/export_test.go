package webhooks

import "time"

// SetWaiting sets how many deliveries of a webhook may wait.
func (o *Outbox) SetWaiting(n int) { o.limits.Waiting = n }

// SetTimeout sets the timeout of a request.
func (o *Outbox) SetTimeout(d time.Duration) { o.client.Timeout = d }

// Sweep removes what is beyond the limits.
var Sweep = (*Outbox).sweep

// Check checks a URL.
func (t Targets) Check(text string) error { _, err := t.check(text); return err }

var (
	PauseAfter = pauseAfter
	Hold       = hold
	RetryAfter = retryAfter
)

// SetFaultWait sets how long to wait after an error of the store.
func (o *Outbox) SetFaultWait(d time.Duration) { o.faultWait = d }
