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
	refreshes = 3                // fetches in a row because of unknown keys; one more each refill
	refill    = time.Minute      // also the interval between fetches during an outage
	firstWait = time.Second      // first pause while there are no keys; doubled each time
	demandGap = time.Second      // minimum interval between fetches that fail while tokens need them
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
	unknown  bucket    // fetches because of unknown keys
	tried    time.Time // time of the last fetch
	due      time.Time // time of the next fetch
	failures int       // in a row
	failed   error     // of the last fetch; nil: it succeeded
	warned   time.Time // time of the last log line about a failure
	running  *attempt  // nil: there is no fetch now
	found    string    // address after the last fetch
	odd      []string  // entries of the JWK Set that are left out, as they were logged

	address string // URL of the JWK Set, once it is known; only the running fetch uses it
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
	return &KeyCache{
		endpoint: p, client: newClient(p.AllowPrivate, p.Issuer, p.Keys), now: now, log: log, address: p.Keys,
		unknown: bucket{rate: 1 / refill.Seconds(), most: refreshes},
	}
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
		r.start(now)
	}
	return r.running
}

// start starts a fetch. The caller holds mu, as for the methods below.
func (r *KeyCache) start(now time.Time) {
	r.running, r.tried = &attempt{done: make(chan struct{})}, now
	go r.ask(r.running, now)
}

// isDue reports whether it is time for a fetch. If the next fetch is far ahead, the clock was set
// back.
func (r *KeyCache) isDue(now time.Time) bool { return !now.Before(r.due) || r.due.Sub(now) > 2*every }

// isNeeded reports whether a token that can't be verified without new keys may cause a fetch now.
// So the first call after the end of an outage succeeds.
func (r *KeyCache) isNeeded(now time.Time) bool { return r.untilNeeded(now) <= 0 }

func (r *KeyCache) untilNeeded(now time.Time) time.Duration {
	gap := now.Sub(r.tried)
	if gap < 0 { // the clock was set back
		return 0
	}
	return demandGap - gap
}

// mayFetch returns whether an unknown key may cause a fetch now. While fetches fail, they are
// limited by their interval only. Otherwise they are taken from a bucket. Tokens that are older
// than the keys take none of the last fetches: their key is not a new one.
func (r *KeyCache) mayFetch(older bool) func(now time.Time) bool {
	return func(now time.Time) bool {
		switch {
		case r.failed != nil:
			return r.isNeeded(now)
		case older:
			return r.unknown.takeAbove(refreshes-1, now)
		}
		return r.unknown.take(now)
	}
}

// untilFetch returns how long it takes until an unknown key may cause a fetch.
func (r *KeyCache) untilFetch(now time.Time) time.Duration {
	if r.failed != nil {
		return r.untilNeeded(now)
	}
	return r.unknown.wait(now)
}

// Keys implements [bearer.Keyring].
func (r *KeyCache) Keys(now time.Time) (*bearer.IssuerKeys, error) {
	if h := r.held.Load(); h.serves(now) {
		return h.keys, nil
	}
	err := r.await(now, r.isNeeded, r.untilNeeded)
	if h := r.held.Load(); h.serves(now) {
		return h.keys, nil
	}
	if err == nil { // a fetch with an older time than now
		err = fmt.Errorf("can't fetch them for %s", goodFor)
	}
	return nil, fmt.Errorf("issuer %s: its keys: %w", r.endpoint.Issuer, err)
}

// serves reports whether the keys, which may be nil, may be used.
func (h *held) serves(now time.Time) bool { return h != nil && now.Sub(h.at) < goodFor }

// after reports whether the keys, which may be nil, were fetched after a token was issued.
func (h *held) after(issued time.Time) bool { return h != nil && issued.Add(clockGap).Before(h.at) }

// Renewed implements [bearer.Keyring]. It fetches the keys, if a fetch is allowed now. If none is,
// it returns the keys for a token that is older than they are. For a newer token it returns an
// error, because the token's key may be new.
func (r *KeyCache) Renewed(now, issued time.Time) (*bearer.IssuerKeys, error) {
	err := r.await(now, r.mayFetch(r.held.Load().after(issued)), r.untilFetch)
	h := r.held.Load()
	switch {
	case h != nil && err == nil, h.after(issued):
		return h.keys, nil
	case err != nil:
		return nil, fmt.Errorf("issuer %s: a token's key is not among its keys: %w", r.endpoint.Issuer, err)
	}
	return nil, fmt.Errorf("issuer %s: has no keys yet", r.endpoint.Issuer)
}

// await waits for the current fetch, or for a new one if may allows it. until returns the time
// until the next one is allowed.
func (r *KeyCache) await(now time.Time, may func(time.Time) bool, until func(time.Time) time.Duration) error {
	a := r.attempt(now, may)
	if a == nil {
		return r.later(now, nil, until)
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
		if a.err != nil {
			return r.later(now, a.err, until)
		}
		return nil
	case <-patience.C:
		return later{errors.New("the issuer does not respond in time"), demandGap}
	}
}

// later returns an error that says how long it takes until the next fetch. A nil why stands for
// that of the last fetch.
func (r *KeyCache) later(now time.Time, why error, until func(time.Time) time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if why == nil {
		why = r.failed
	}
	if why == nil {
		why = errAsked
	}
	return later{why, until(now)}
}

var errAsked = errors.New("they were fetched a moment ago")

func (r *KeyCache) ask(a *attempt, now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	keys, err := r.fetch(ctx)
	if err == nil {
		r.keep(keys, now)
	}
	r.mu.Lock()
	r.running, r.failed, r.due, r.found = nil, err, now.Add(r.pause(err, now)), r.address
	again := r.failures > 0
	if r.failures++; err == nil {
		r.failures = 0
	}
	warn := err != nil && (r.failures == 1 || now.Sub(r.warned) >= refill)
	if warn {
		r.warned = now
	}
	r.mu.Unlock()
	a.err = err
	close(a.done)
	if warn {
		r.log.Warn("can't fetch the keys of an external issuer", "issuer", r.endpoint.Issuer, "err", err)
	} else if err == nil && again {
		r.log.Info("fetched the keys of an external issuer again", "issuer", r.endpoint.Issuer)
	}
}

// pause returns the time until the next fetch. The caller holds mu.
func (r *KeyCache) pause(err error, now time.Time) time.Duration {
	switch {
	case err == nil:
		return every - every/10 + rand.N(every/5)
	case !r.held.Load().serves(now):
		return min(firstWait<<min(r.failures, 10), refill)
	}
	return refill
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
		if keys, err = bearer.ParseIssuerKeys(body); err != nil {
			err = fmt.Errorf("%s: %w", shownURL(r.address), err)
		}
	}
	if err != nil {
		r.address = r.endpoint.Keys
	}
	return keys, err
}

// Refresh fetches the keys now, by a fetch that starts after it was called. Keys that the issuer no
// longer publishes are forgotten. After an error the keys stay.
func (r *KeyCache) Refresh(ctx context.Context) error {
	for {
		r.mu.Lock()
		earlier := r.running
		if earlier == nil {
			r.start(r.now())
		}
		a := r.running
		r.mu.Unlock()
		select {
		case <-a.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if earlier == nil {
			return a.err
		}
	}
}

// Status describes the keys that an issuer has.
type Status struct {
	Issuer    string
	Address   string    // URL of the JWK Set; "" until it is discovered
	Keys      []string  // names of the keys that verify, "" for a key without a name
	FetchedAt time.Time // of the keys; zero if there are none
	Failed    error     // why the last fetch failed; nil: it did not
}

// Status returns the status of the keys, without a fetch.
func (r *KeyCache) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{Issuer: r.endpoint.Issuer, Address: shownURL(r.found), Failed: r.failed}
	if h := r.held.Load(); h.serves(r.now()) {
		s.Keys, s.FetchedAt = h.keys.Names(), h.at
	}
	return s
}

// Probe fetches the keys once, immediately, and returns them and their URL.
func (r *KeyCache) Probe(ctx context.Context) (address string, keys bearer.IssuerKeys, err error) {
	keys, err = r.fetch(ctx)
	return shownURL(r.address), keys, err
}
