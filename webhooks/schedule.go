package webhooks

import (
	"net/http"
	"strconv"
	"time"
)

// The schedule: the first try is immediate, and each pause is four times the one before, up to 4 h.
// The last try is 24 h after the event.
const (
	firstPause = 5 * time.Second
	pauseTimes = 4
	maxPause   = 4 * time.Hour
	tryFor     = day
	jitter     = 0.2 // each pause is up to this fraction longer or shorter

	// A webhook whose tries fail one after another is paused, however many deliveries wait.
	failuresFree = 4 // failures in a row without a pause
	webhookPause = 5 * time.Second
	maxHold      = 5 * time.Minute

	maxRetryAfter = day
)

// settle applies the result of a try to a delivery and its webhook. random is from 0 to 1.
func settle(d *Delivery, w *Webhook, r result, now time.Time, random float64) {
	d.Attempts++
	d.Tries = append(d.Tries, r.Try)
	if more := len(d.Tries) - maxTries; more > 0 {
		d.Tries = d.Tries[more:]
	}
	if r.Error == "" {
		d.State, d.Next = Delivered, time.Time{}
		w.Failures, w.FailingSince, w.PausedUntil, w.SucceededAt = 0, time.Time{}, time.Time{}, now
		return
	}
	if w.Failures++; w.FailingSince.IsZero() {
		w.FailingSince = r.At
	}
	w.PausedUntil = now.Add(max(hold(w.Failures), r.retryAfter))
	if r.Status == http.StatusGone && w.Enabled {
		w.Enabled, w.Disabled = false, "the receiver responded with 410 Gone"
	}
	end := d.CreatedAt.Add(tryFor)
	if !now.Before(end) {
		d.State, d.Next = Failed, time.Time{}
		return
	}
	d.Next = now.Add(max(pauseAfter(d.Attempts, random), r.retryAfter))
	if d.Next.After(end) {
		d.Next = end
	}
}

// pauseAfter returns the pause after a number of failed tries.
func pauseAfter(attempts int, random float64) time.Duration {
	pause := firstPause
	for n := 1; n < attempts && pause < maxPause; n++ {
		pause *= pauseTimes
	}
	return time.Duration(float64(min(pause, maxPause)) * (1 + jitter*(2*random-1)))
}

// hold returns for how long a webhook is paused after a number of failures in a row.
func hold(failures int) time.Duration {
	if failures <= failuresFree {
		return 0
	}
	return min(webhookPause<<min(failures-failuresFree-1, 16), maxHold)
}

// retryAfter returns how long a response asks to wait: a number of seconds, or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
