package states

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/store/breaker"
	"stile.example/stile/tokens"
)

// Sink stores in a database what lasts of the states, and what must be known if an engine loses its
// memory.
type Sink interface {
	// PutTokens stores states of tokens for lists of tokens, unless a later version is stored, and
	// what they count in the ledger. Counts are totals, and the larger one wins: so a state may be
	// put late, repeatedly and in any order.
	PutTokens(ctx context.Context, list []Token) error
	// PutAddresses stores states of addresses, unless a later version is stored.
	PutAddresses(ctx context.Context, list []Address) error
	// EachAddress calls fn for each state of an address that is stored and not the zero state.
	EachAddress(ctx context.Context, fn func(addresses.Scope, addresses.State)) error
	// HasTokens reports whether a token was ever stored, and not swept since.
	HasTokens(ctx context.Context) (bool, error)
	// NotBefore returns until when states may have been lost, in Unix seconds; 0: none was lost.
	NotBefore(ctx context.Context) (int64, error)
	// SetNotBefore stores a later NotBefore, and returns what is stored. It is later than the one that
	// was stored, unless that is far in the future. [FirstEpoch] changes nothing that is stored.
	SetNotBefore(ctx context.Context, notBefore int64) (int64, error)
	// Used returns the calls of each tenant in a month (since the year 0) that are in the ledger.
	Used(ctx context.Context, month int32) (map[uint32]int64, error)
	// Sweep removes what expired long before now from the lists.
	Sweep(ctx context.Context, now time.Time) error
}

// Token is the state of a token.
type Token struct {
	ID      tokens.ID
	Version uint64
	State   tokens.State
}

func (t Token) order() (id []byte, version uint64) { return t.ID[:], t.Version }

// Address is the state of a scope of addresses.
type Address struct {
	Scope   addresses.Scope
	Version uint64
	Expires int64 // Unix seconds
	State   addresses.State

	key addressKey
}

func (a Address) order() (id []byte, version uint64) { return a.key[:], a.Version }

const (
	transferEvery = time.Second
	transferRows  = 500     // of one PutTokens
	maxDirty      = 200_000 // states of a kind that wait for a transfer: about 70 MB
)

// row is a state that is transferred: a Token or an Address.
type row interface {
	order() (id []byte, version uint64)
}

// dirty has the states of one kind that are not transferred yet.
type dirty[K comparable, V row] struct {
	mu     sync.Mutex
	values map[K]V
	missed bool // some are not in values
}

// add notes a changed state. If too many wait, since the database is away, it is found by a scan of
// the engine later.
func (d *dirty[K, V]) add(key K, v V) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.values == nil {
		d.values = map[K]V{}
	}
	old, waits := d.values[key]
	_, version := v.order()
	_, oldVersion := old.order()
	switch {
	case waits && oldVersion > version:
	case !waits && len(d.values) >= maxDirty:
		d.missed = true
	default:
		d.values[key] = v
	}
}

// take returns the states that wait, and whether others were missed.
func (d *dirty[K, V]) take() (values map[K]V, missed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	values, missed = d.values, d.missed
	d.values, d.missed = nil, false
	return values, missed
}

// miss notes that a scan is necessary.
func (d *dirty[K, V]) miss() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.missed = true
}

// settle transfers the states that wait. Those that fail wait again. scan transfers all of the
// kind.
func (d *dirty[K, V]) settle(ctx context.Context, put func(context.Context, []V) error, scan func(context.Context) error) error {
	values, missed := d.take()
	rest, err := inParts(ctx, slices.Collect(maps.Values(values)), put)
	if err != nil { // if those that are stored waited again, many would never be done in time
		failed := make(map[string]bool, len(rest))
		for _, v := range rest {
			id, _ := v.order()
			failed[string(id)] = true
		}
		for key, v := range values {
			if id, _ := v.order(); failed[string(id)] {
				d.add(key, v)
			}
		}
	}
	if missed && err == nil {
		err = scan(ctx)
	}
	if missed && err != nil {
		d.miss()
	}
	return err
}

// inParts transfers states in one order, so that nodes that put the same ones wait for each other
// only once. It returns those that are not stored.
func inParts[V row](ctx context.Context, list []V, put func(context.Context, []V) error) (rest []V, err error) {
	slices.SortFunc(list, func(a, b V) int {
		i, _ := a.order()
		j, _ := b.order()
		return slices.Compare(i, j)
	})
	for rest = list; len(rest) > 0; {
		n := min(len(rest), transferRows)
		if err := put(ctx, rest[:n]); err != nil {
			return rest, fmt.Errorf("transfer states to the database: %w", err)
		}
		rest = rest[n:]
	}
	return nil, nil
}

// Settle transfers what was changed at this node before it was called.
func (st *Store) Settle(ctx context.Context) error {
	st.moving.Lock()
	defer st.moving.Unlock()
	return errors.Join(
		st.dirtyTokens.settle(ctx, st.sink.PutTokens, st.scanTokens),
		st.dirtyAddresses.settle(ctx, st.sink.PutAddresses, st.scanAddresses))
}

// Scan transfers all states in the engine: also those that a node changed and did not transfer
// before it died. It reads everything, so it is for the time after a death, and for one node at a
// time.
func (st *Store) Scan(ctx context.Context) error {
	st.moving.Lock()
	defer st.moving.Unlock()
	return errors.Join(st.scanTokens(ctx), st.scanAddresses(ctx))
}

func (st *Store) scanTokens(ctx context.Context) error {
	return scan(ctx, st.engine, KindToken, readToken, st.sink.PutTokens)
}

func (st *Store) scanAddresses(ctx context.Context) error {
	return scan(ctx, st.engine, KindAddress, st.readAddress, st.sink.PutAddresses)
}

// scan transfers all values of a kind. A damaged value is reported, and does not stop it.
func scan[V row](
	ctx context.Context, from Engine, kind byte, read func(Key, []byte) (V, error), put func(context.Context, []V) error,
) error {
	var list []V
	var damaged error
	err := from.Each(ctx, kind, func(k Key, b []byte) error {
		v, err := read(k, b)
		if err != nil {
			damaged = err
			return nil
		}
		if list = append(list, v); len(list) < transferRows {
			return nil
		}
		_, err = inParts(ctx, list, put)
		list = list[:0]
		return err
	})
	if err == nil {
		_, err = inParts(ctx, list, put)
	}
	if err != nil {
		err = fmt.Errorf("scan the states: %w", err)
	}
	return errors.Join(err, damaged)
}

// readToken reads the value of a token.
func readToken(k Key, b []byte) (t Token, err error) {
	if len(k.ID) != len(t.ID) {
		return t, fmt.Errorf("%x does not name a token", k.ID)
	}
	t.ID = tokens.ID([]byte(k.ID))
	v, err := parseValue(b)
	if err == nil {
		t.Version = v.order()
		t.State, err = tokens.DecodeState(v.state)
	}
	if err != nil {
		err = fmt.Errorf("token %s: %w", t.ID, err)
	}
	return t, err
}

// Run transfers what changes, about every second, until ctx ends. It also notices that the engine
// has lost its memory, or a part of it.
func (st *Store) Run(ctx context.Context) {
	tick := time.NewTicker(transferEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		at, cancel := context.WithTimeout(ctx, 10*transferEvery)
		err := errors.Join(st.checkEvicted(at), st.Settle(at), st.checkEpoch(at), st.restoreBlocks(at))
		cancel()
		if ctx.Err() != nil {
			return
		}
		if !breaker.IsOutage(err) && (err != nil) != failing {
			failing = err != nil
			st.logTransfer(err)
		}
	}
}

// logTransfer logs that transfers fail, or work again.
func (st *Store) logTransfer(err error) {
	if err != nil {
		st.opt.Log.Error("states can't be transferred; they stay in the engine, and are transferred later", "err", err)
		return
	}
	st.opt.Log.Info("states are transferred again")
}

// Sweeper is an [Engine] that does not remove expired values by itself.
type Sweeper interface {
	// Sweep removes what expired before now.
	Sweep(ctx context.Context, now time.Time) error
}

// Sweep removes what expired long before now: tokens from the lists, and values from engines that
// do not do that themselves. The ledger already has the usage of the tokens.
func (st *Store) Sweep(ctx context.Context, now time.Time) error {
	if err := st.Settle(ctx); err != nil {
		return err
	}
	if s, ok := st.engine.(Sweeper); ok {
		if err := s.Sweep(ctx, now); err != nil {
			return fmt.Errorf("remove expired states: %w", err)
		}
	}
	st.tokens.forgetExpired(now)
	st.addresses.forgetExpired(now)
	return st.sink.Sweep(ctx, now)
}
