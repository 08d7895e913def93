package watch

import (
	"context"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/tokens/issuers"
)

const (
	// unreachableAfter is how long all fetches must fail. An issuer that is restarted is not an
	// event, and one that alternates causes two events in this time at most.
	unreachableAfter = 5 * time.Minute
	keysServe        = 24 * time.Hour // see tokens/issuers
	issuerMark       = "issuer.unreachable "
)

// failure is since when all fetches of an issuer's keys have failed.
type failure struct {
	since time.Time
	until time.Time // of the last check
}

// checkIssuers emits an event for an issuer whose keys can't be fetched for a while, and one when
// they are fetched again. The mark of an issuer is since when it is unreachable, and 0 if it is
// not.
func (w *Watcher) checkIssuers(ctx context.Context, now time.Time) error {
	for _, s := range w.Issuers() {
		key := issuerMark + s.Issuer
		reported, _ := w.mark(key)
		since, failed := w.failingSince(s, now)
		var e events.Event
		switch {
		case failed && reported == 0 && now.Sub(since) >= unreachableAfter:
			e = unreachable(s, since)
		case !failed && reported != 0 && !s.FetchedAt.IsZero():
			e = events.Event{Type: events.IssuerRecovered, Data: events.Issuer{Issuer: s.Issuer, Since: time.Unix(reported, 0).UTC()}}
		default:
			continue
		}
		e.At, e.Mark.Key, e.Mark.When = now, key, events.Changes
		if err := w.emit(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// failingSince returns since when all fetches of an issuer's keys fail, and whether they do now.
func (w *Watcher) failingSince(s issuers.Status, now time.Time) (since time.Time, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Failed == nil {
		delete(w.failing, s.Issuer)
		return time.Time{}, false
	}
	f, known := w.failing[s.Issuer]
	// A clock that was set, or a machine that slept, proves nothing about the issuer.
	if gap := now.Sub(f.until); !known || gap < 0 || gap > unreachableAfter {
		f.since = now
	}
	f.until = now
	w.failing[s.Issuer] = f
	return f.since, true
}

func unreachable(s issuers.Status, since time.Time) events.Event {
	data := events.Issuer{Issuer: s.Issuer, Since: since.UTC().Truncate(time.Second), Error: events.SafeText(s.Failed.Error(), 300)}
	if !s.FetchedAt.IsZero() {
		until := s.FetchedAt.Add(keysServe).UTC().Truncate(time.Second)
		data.KeysUntil = &until
	}
	return events.Event{Type: events.IssuerUnreachable, Data: data, Mark: events.Mark{Value: since.Unix()}}
}
