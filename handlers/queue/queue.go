// Package queue makes questions to the content wait for their turn.
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

// How many questions to the content may be under way at once. Others wait for
// their turn, in the order in which they came, so that nobody takes the
// searches of others by asking much at once.
const (
	ofAToken    = 2
	ofAnAddress = 4 // of one tenant's tokens; more where the address has a budget of its own
)

// Queue is the questions that are under way. The zero value has none.
type Queue struct {
	tokens    turns[tokens.ID]
	addresses turns[asker]
}

// asker is an address together with the tenant whose token it uses.
type asker struct {
	from   netip.Addr
	tenant uint32
}

// Budgets knows how many tokens an address may bind: 0 if it is exempt.
type Budgets interface {
	Bindings(a netip.Addr, now time.Time) (allowed, usual uint16)
}

// Take waits for the request's turn, within ctx, and as long as the client is
// there.
func (q *Queue) Take(ctx context.Context, r *transport.Request, token tokens.ID, b Budgets) error {
	gone := r.HTTP.Context()
	if err := q.tokens.take(ctx, gone, token, func() int { return ofAToken }); err != nil {
		return err
	}
	err := q.addresses.take(ctx, gone, asker{r.From, r.Tenant.Number}, func() int { return turnsOf(b, r) })
	if err != nil {
		q.tokens.give(token)
	}
	return err
}

// Give ends the request's question.
func (q *Queue) Give(r *transport.Request, token tokens.ID) {
	q.addresses.give(asker{r.From, r.Tenant.Number})
	q.tokens.give(token)
}

// turnsOf is how many questions an address may have under way: proportionally
// more with a budget of its own, and any number if it is exempt.
func turnsOf(b Budgets, r *transport.Request) int {
	allowed, usual := b.Bindings(r.From, r.At)
	if allowed == 0 {
		return 1 << 30
	}
	return max(ofAnAddress, ofAnAddress*int(allowed)/max(int(usual), 1))
}

// AskerOf returns who shares the time of the corpus with others: a tenant's
// tokens at an address, in proportion to the address's turns.
func AskerOf(b Budgets, r *transport.Request) content.Asker {
	return content.Asker{Address: r.From, Tenant: r.Tenant.Number, Share: turnsOf(b, r) / ofAnAddress}
}

// turns bounds how many of one key are under way. The zero value has none. It
// keeps nothing about a key that is idle.
type turns[K comparable] struct {
	mu   sync.Mutex
	keys map[K]queue
}

// queue is how many of a key are under way, and who waits, the first first.
// Those that wait are requests, so the server's connections bound them.
type queue struct {
	running int
	waiting []chan struct{}
}

// take waits until fewer than most of a key are under way, or until either
// context ends. most is asked for only if some are.
func (t *turns[K]) take(ctx, gone context.Context, key K, most func() int) error {
	t.mu.Lock()
	if t.keys == nil {
		t.keys = map[K]queue{}
	}
	q := t.keys[key]
	if q.running == 0 || len(q.waiting) == 0 && q.running < most() {
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

// give ends one of a key, and lets the next one have its turn.
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

// giveUp leaves the queue. If the turn has come meanwhile, it goes to the next.
func (t *turns[K]) giveUp(key K, turn chan struct{}) {
	t.mu.Lock()
	q := t.keys[key]
	i := slices.Index(q.waiting, turn)
	switch {
	case i == 0: // as a rule: who came first gives up first
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
