package issuers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stile.example/stile/tokens/bearer"
)

const (
	every     = time.Hour        // interval between fetches, up to a tenth more or less
	goodFor   = 24 * time.Hour   // how long the last valid keys are used during an outage
	leastGap  = time.Minute      // minimum interval between fetches because of unknown keys
	firstWait = time.Second      // first pause while there are no keys; doubled each time
	clockGap  = time.Minute      // maximum error of an issuer's clock
	fetchTime = 10 * time.Second // for discovery and keys together
	maxWaiter = 64               // requests that wait for one fetch
)

// KeyCache stores the keys of one issuer. It implements [bearer.Keyring].
type KeyCache struct {
	endpoint Endpoint
	client   *client
	now      func() time.Time
	log      *slog.Logger
	held     atomic.Pointer[held] // nil until keys were fetched

	mu       sync.Mutex
	tried    time.Time // time of the last fetch
	due      time.Time // time of the next fetch
	failures int       // in a row
	running  *attempt  // nil: there is no fetch now
	address  string    // URL of the JWK Set, once it is known
	odd      []string  // entries of the JWK Set that are left out, as they were logged
}

// held are the last valid keys, and when they were fetched.
type held struct {
	keys *bearer.IssuerKeys
	at   time.Time
}

// attempt is one fetch, which all waiting requests share.
type attempt struct {
	done    chan struct{}
	waiters atomic.Int32
	err     error
}

// NewKeyCache returns an empty KeyCache. [KeyCache.Run] fetches the keys, or the first token does.
func NewKeyCache(p Endpoint, now func() time.Time, log *slog.Logger) *KeyCache {
	return &KeyCache{endpoint: p, client: newClient(p.AllowPrivate, p.Issuer, p.Keys), now: now, log: log, address: p.Keys}
}

// Run renews the keys until ctx is done.
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

// attempt returns the current fetch, starts one if may allows it, or returns nil.
func (r *KeyCache) attempt(now time.Time, may func(time.Time) bool) *attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil && may(now) {
		r.running, r.tried = &attempt{done: make(chan struct{})}, now
		go r.ask(r.running, now)
	}
	return r.running
}

// isDue reports whether it is time for a fetch. If the next fetch is far ahead, the clock was set
// back. The caller holds mu.
func (r *KeyCache) isDue(now time.Time) bool { return !now.Before(r.due) || r.due.Sub(now) > 2*every }

// mayFetch reports whether an unknown key may cause a fetch. The caller holds mu.
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
		return nil, fmt.Errorf("issuer %s: can't fetch its keys for %s", r.endpoint.Issuer, goodFor)
	}
	return h.keys, nil
}

// Renewed implements [bearer.Keyring]. It makes at most one fetch a minute. After a fetch that is
// too recent for another, it returns the keys for a token that is older than them. For a newer
// token it returns an error, because the token's key may be new.
func (r *KeyCache) Renewed(now, issued time.Time) (*bearer.IssuerKeys, error) {
	err := r.await(now, r.mayFetch)
	h := r.held.Load()
	switch {
	case h != nil && (err == nil || issued.Add(clockGap).Before(h.at)):
		return h.keys, nil
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("issuer %s: has no keys yet", r.endpoint.Issuer)
}

// await waits for the current fetch, or for a new one if may allows it.
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
		return errors.New("the issuer does not respond in time")
	}
}

var errAsked = errors.New("the issuer's keys were requested a moment ago")

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
		r.log.Warn("can't fetch the keys of an external issuer", "issuer", r.endpoint.Issuer, "err", err)
	} else if again {
		r.log.Info("fetched the keys of an external issuer again", "issuer", r.endpoint.Issuer)
	}
}

// pause returns the time until the next fetch. The caller holds mu.
func (r *KeyCache) pause(err error) time.Duration {
	switch {
	case err == nil:
		return every - every/10 + rand.N(every/5)
	case r.held.Load() == nil:
		return min(firstWait<<min(r.failures, 10), leastGap)
	}
	return leastGap
}

// keep stores new keys. Keys that are the same keep their generation, so that tokens verified by
// them remain cached.
func (r *KeyCache) keep(keys bearer.IssuerKeys, now time.Time) {
	r.nameOdd(keys.Odd)
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

// nameOdd logs the entries that are left out, once until others are. There is only one fetch at a
// time.
func (r *KeyCache) nameOdd(odd []string) {
	if len(odd) > 0 && !slices.Equal(odd, r.odd) {
		r.log.Warn("the JWK Set of an external issuer has entries that can't be used; its other keys serve", "issuer", r.endpoint.Issuer, "left_out", strings.Join(odd, "; "))
	}
	r.odd = odd
}

// fetch fetches the keys, and their URL if it is unknown or no longer valid.
func (r *KeyCache) fetch(ctx context.Context) (keys bearer.IssuerKeys, err error) {
	if r.address == "" { // there is only one fetch at a time
		if r.address, err = r.client.discover(ctx, r.endpoint.Issuer); err != nil {
			return keys, err
		}
	}
	body, err := r.client.get(ctx, r.address)
	if err == nil {
		keys, err = bearer.ParseIssuerKeys(body)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", r.address, err)
		r.address = r.endpoint.Keys
	}
	return keys, err
}

// Probe fetches the keys once, immediately, and returns them and their URL.
func (r *KeyCache) Probe(ctx context.Context) (address string, keys bearer.IssuerKeys, err error) {
	keys, err = r.fetch(ctx)
	return r.address, keys, err
}
