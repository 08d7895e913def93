// Package queue limits how many queries to the corpus run at the same time, for each token and for
// each source address. Others wait in the order in which they arrived, so that a caller with many
// queries does not delay the queries of others.
package queue

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/handlers/transport"
	"stile.example/stile/tokens"
)

// How many queries may run at the same time.
const (
	perToken   = 2
	perAddress = 4 // for one tenant's tokens; more if the address has a budget of its own
)

// Queue contains the queries that are running or waiting. The zero Queue is empty and ready to use.
// Its methods are safe for concurrent use.
type Queue struct {
	tokens    turns[tokens.ID]
	addresses turns[addressAndTenant]
}

// addressAndTenant is an address together with the tenant whose tokens it uses.
type addressAndTenant struct {
	from   netip.Addr
	tenant uint32
}

// Budgets returns how many tokens an address may bind, and how many are usual. The first is 0 if
// the address is exempt.
type Budgets interface {
	Bindings(a netip.Addr, now time.Time) (allowed, usual uint16)
}

// Take waits until the request may run its query. It returns an error if ctx ends first, or if the
// client of a request in net/http leaves first. Otherwise the caller must call Give.
func (q *Queue) Take(ctx context.Context, r *transport.Request, token tokens.ID, b Budgets) error {
	gone := r.HTTP.Context()
	if err := q.tokens.take(ctx, gone, token, func() int { return perToken }); err != nil {
		return err
	}
	err := q.addresses.take(ctx, gone, addressAndTenant{r.From, r.Tenant.Number}, func() int { return limitOf(b, r) })
	if err != nil {
		q.tokens.give(token)
	}
	return err
}

// Give ends the request's query.
func (q *Queue) Give(r *transport.Request, token tokens.ID) {
	q.addresses.give(addressAndTenant{r.From, r.Tenant.Number})
	q.tokens.give(token)
}

// limitOf returns how many queries of an address may run: proportionally more with a budget of its
// own, and any number if it is exempt.
func limitOf(b Budgets, r *transport.Request) int {
	allowed, usual := b.Bindings(r.From, r.At)
	if allowed == 0 {
		return 1 << 30
	}
	return max(perAddress, perAddress*int(allowed)/max(int(usual), 1))
}

// CallerOf returns the identity by which the time of the corpus is shared: a tenant's tokens at an
// address, with a share in proportion to the address's limit.
func CallerOf(b Budgets, r *transport.Request) content.Caller {
	return content.Caller{Address: r.From, Tenant: r.Tenant.Number, Share: limitOf(b, r) / perAddress}
}

// turns limits how many queries of one key run. The zero value is empty. It stores nothing about a
// key that is idle.
type turns[K comparable] struct {
	mu   sync.Mutex
	keys map[K]queue
}

// queue contains how many queries of a key are running, and those that wait, in order. Each of them
// is a request, so the number of connections bounds them.
type queue struct {
	running int
	waiting []chan struct{}
}

// take waits until fewer than limit queries of a key are running, or until either context ends. It
// calls limit only if some are running.
func (t *turns[K]) take(ctx, gone context.Context, key K, limit func() int) error {
	t.mu.Lock()
	if t.keys == nil {
		t.keys = map[K]queue{}
	}
	q := t.keys[key]
	if q.running == 0 || len(q.waiting) == 0 && q.running < limit() {
		q.running++
		t.keys[key] = q
		t.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	q.waiting = append(q.waiting, turn)
	t.keys[key] = q
	t.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		t.giveUp(key, turn)
		return ctx.Err()
	case <-gone.Done():
		t.giveUp(key, turn)
		return gone.Err()
	}
}

// give ends a query of a key, and starts the next one that waits.
func (t *turns[K]) give(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.keys[key]
	switch {
	case len(q.waiting) > 0:
		close(q.waiting[0])
		q.waiting = q.waiting[1:]
	case q.running == 1:
		delete(t.keys, key)
		return
	default:
		q.running--
	}
	t.keys[key] = q
}

// giveUp removes a query from the queue. If its turn has come meanwhile, the next one gets the
// turn.
func (t *turns[K]) giveUp(key K, turn chan struct{}) {
	t.mu.Lock()
	q := t.keys[key]
	i := slices.Index(q.waiting, turn)
	switch {
	case i == 0: // usually: the first to arrive gives up first
		q.waiting = q.waiting[1:]
	case i > 0:
		q.waiting = slices.Delete(q.waiting, i, i+1)
	default:
		t.mu.Unlock()
		t.give(key)
		return
	}
	t.keys[key] = q
	t.mu.Unlock()
}
