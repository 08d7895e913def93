package issuers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"stile.example/stile/tokens/bearer"
)

const (
	every     = time.Hour        // how often keys are asked for, a tenth sooner or later
	goodFor   = 24 * time.Hour   // how long the last good keys serve through an outage
	leastGap  = time.Minute      // between two times that unknown keys make us ask
	firstWait = time.Second      // until the next try, while there are no keys; doubled each time
	clockGap  = time.Minute      // by how much an issuer's clock may be wrong
	fetchTime = 10 * time.Second // for discovery and keys together
	maxWaiter = 64               // requests that wait for one answer at once
)

// KeyCache is the keys of one issuer. It implements [bearer.Keyring].
type KeyCache struct {
	place  Endpoint
	client *client
	now    func() time.Time
	log    *slog.Logger
	held   atomic.Pointer[held] // nil until there were keys

	mu       sync.Mutex
	tried    time.Time // the last time that keys were asked for
	due      time.Time // the next
	failures int       // in a row
	running  *attempt  // nil: nobody asks just now
	address  string    // of the JWK Set, once it was found
}

// held are the last good keys, and when they were good.
type held struct {
	keys *bearer.IssuerKeys
	at   time.Time
}

// attempt is one time that the issuer is asked, by one for all.
type attempt struct {
	done    chan struct{}
	waiters atomic.Int32
	err     error
}

// NewKeyCache is a Ring without keys yet: [KeyCache.Run] fetches them, or the first
// token.
func NewKeyCache(p Endpoint, now func() time.Time, log *slog.Logger) *KeyCache {
	return &KeyCache{place: p, client: newClient(p.AllowPrivate, p.Issuer, p.Keys), now: now, log: log, address: p.Keys}
}

// Run keeps the keys fresh until ctx is done.
func (r *KeyCache) Run(ctx context.Context) {
	tick := time.NewTicker(firstWait / 2)
	defer tick.Stop()
	for {
		r.attempt(r.now(), r.isDue)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// attempt is the one that is under way, a new one if it may be, or nil.
func (r *KeyCache) attempt(now time.Time, may func(time.Time) bool) *attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil && may(now) {
		r.running, r.tried = &attempt{done: make(chan struct{})}, now
		go r.ask(r.running, now)
	}
	return r.running
}

// isDue says that it is time to ask. One that lies far ahead is of a clock
// that has been set back. Called with mu held.
func (r *KeyCache) isDue(now time.Time) bool { return !now.Before(r.due) || r.due.Sub(now) > 2*every }

// mayFetch says that an unknown key may make us ask. Called with mu held.
func (r *KeyCache) mayFetch(now time.Time) bool {
	gap := now.Sub(r.tried)
	return gap >= leastGap || gap < 0
}

// Keys implements [bearer.Keyring].
func (r *KeyCache) Keys(now time.Time) (*bearer.IssuerKeys, error) {
	h := r.held.Load()
	if h == nil {
		if err := r.await(now, r.isDue); err != nil {
			return nil, err
		}
		h = r.held.Load()
	}
	if h == nil || now.Sub(h.at) >= goodFor {
		return nil, fmt.Errorf("issuer %s: its keys could not be had for %s", r.place.Issuer, goodFor)
	}
	return h.keys, nil
}

// Renewed implements [bearer.Keyring]. Within a minute of the last time it does
// not ask again. Then a token that is older than the keys names none of them;
// of a younger one that can't be said yet.
func (r *KeyCache) Renewed(now, issued time.Time) (*bearer.IssuerKeys, error) {
	err := r.await(now, r.mayFetch)
	h := r.held.Load()
	switch {
	case h != nil && (err == nil || issued.Add(clockGap).Before(h.at)):
		return h.keys, nil
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("issuer %s: it has no keys yet", r.place.Issuer)
}

// await waits for what is under way, or asks if it may.
func (r *KeyCache) await(now time.Time, may func(time.Time) bool) error {
	a := r.attempt(now, may)
	if a == nil {
		return errAsked
	}
	if a.waiters.Add(1) > maxWaiter {
		a.waiters.Add(-1)
		return errBusy
	}
	defer a.waiters.Add(-1)
	patience := time.NewTimer(within)
	defer patience.Stop()
	select {
	case <-a.done:
		return a.err
	case <-patience.C:
		return errors.New("the issuer does not answer in time")
	}
}

var errAsked = errors.New("the issuer was asked for its keys a moment ago")

func (r *KeyCache) ask(a *attempt, now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	keys, err := r.fetch(ctx)
	if err == nil {
		r.keep(keys, now)
	}
	r.mu.Lock()
	r.running, r.due = nil, now.Add(r.pause(err))
	again := r.failures > 0
	if r.failures++; err == nil {
		r.failures = 0
	}
	r.mu.Unlock()
	a.err = err
	close(a.done)
	if err != nil {
		r.log.Warn("an outside issuer's keys could not be had", "issuer", r.place.Issuer, "err", err)
	} else if again {
		r.log.Info("an outside issuer's keys can be had again", "issuer", r.place.Issuer)
	}
}

// pause is how long until the keys are asked for again. Called with mu held.
func (r *KeyCache) pause(err error) time.Duration {
	switch {
	case err == nil:
		return every - every/10 + rand.N(every/5)
	case r.held.Load() == nil:
		return min(firstWait<<min(r.failures, 10), leastGap)
	}
	return leastGap
}

// keep takes new keys over. Those that are the same stay as they are, so that
// tokens which were verified by them stay verified.
func (r *KeyCache) keep(keys bearer.IssuerKeys, now time.Time) {
	was := r.held.Load()
	switch {
	case was == nil:
		keys.Generation = 1
	case was.keys.Same(&keys):
		r.held.Store(&held{was.keys, now})
		return
	default:
		keys.Generation = was.keys.Generation + 1
	}
	r.held.Store(&held{&keys, now})
}

// fetch asks for the keys, and for where they are as long as that is not
// known, or is no longer right.
func (r *KeyCache) fetch(ctx context.Context) (keys bearer.IssuerKeys, err error) {
	if r.address == "" { // only one asks at a time
		if r.address, err = r.client.discover(ctx, r.place.Issuer); err != nil {
			return keys, err
		}
	}
	body, err := r.client.get(ctx, r.address)
	if err == nil {
		keys, err = bearer.ParseIssuerKeys(body)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", r.address, err)
		r.address = r.place.Keys
	}
	return keys, err
}

// Probe asks once, now, and says where the keys are and how many.
func (r *KeyCache) Probe(ctx context.Context) (address string, n int, err error) {
	keys, err := r.fetch(ctx)
	return r.address, keys.Len(), err
}
