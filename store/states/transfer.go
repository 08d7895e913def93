package states

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
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
	// SetNotBefore stores a later NotBefore, and returns what is stored. It is later than the one
	// that was stored, unless that is far in the future. [FirstEpoch] changes nothing that is
	// stored.
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

func (t Token) name() tokens.ID         { return t.ID }
func (t Token) order() uint64           { return t.Version }
func (t Token) compare(other Token) int { return bytes.Compare(t.ID[:], other.ID[:]) }

// Address is the state of a scope of addresses.
type Address struct {
	Scope   addresses.Scope
	Version uint64
	Expires int64 // Unix seconds
	State   addresses.State

	key addressKey
}

func (a Address) name() addressKey          { return a.key }
func (a Address) order() uint64             { return a.Version }
func (a Address) compare(other Address) int { return bytes.Compare(a.key[:], other.key[:]) }

const (
	transferEvery = time.Second
	checkWithin   = 10 * time.Second
	transferRows  = 500     // of one PutTokens
	maxDirty      = 200_000 // states of a kind that wait for a transfer: about 70 MB
)

// row is a state that is transferred: a Token or an Address.
type row[K comparable, V any] interface {
	name() K
	order() uint64
	sortable[V]
}

type sortable[V any] interface {
	compare(V) int
}

// dirty has the states of one kind that are not transferred yet.
type dirty[K comparable, V row[K, V]] struct {
	mu     sync.Mutex
	values map[K]V
	missed atomic.Bool // some are not in values
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
	switch {
	case waits && old.order() > v.order():
	case !waits && len(d.values) >= maxDirty:
		d.missed.Store(true)
	default:
		d.values[key] = v
	}
}

// take returns the states that wait.
func (d *dirty[K, V]) take() []V {
	d.mu.Lock()
	defer d.mu.Unlock()
	values := slices.Collect(maps.Values(d.values))
	d.values = nil
	return values
}

// settle transfers the states that wait. Those that fail wait again.
func (d *dirty[K, V]) settle(ctx context.Context, put func(context.Context, []V) error) error {
	rest, err := inParts(ctx, d.take(), put)
	for _, v := range rest { // if all waited again, many would never be done in time
		d.add(v.name(), v)
	}
	return err
}

// findMissed calls scan, which transfers all of the kind, if some did not fit.
func (d *dirty[K, V]) findMissed(ctx context.Context, scan func(context.Context) error) error {
	if !d.missed.Swap(false) {
		return nil
	}
	err := scan(ctx)
	if err != nil {
		d.missed.Store(true)
	}
	return err
}

// inParts transfers states in one order, so that nodes that put the same ones wait for each other
// only once. It returns those that are not stored.
func inParts[V sortable[V]](ctx context.Context, list []V, put func(context.Context, []V) error) (rest []V, err error) {
	slices.SortFunc(list, V.compare)
	for rest = list; len(rest) > 0; {
		n := min(len(rest), transferRows)
		if err := put(ctx, rest[:n]); err != nil {
			return rest, fmt.Errorf("transfer states to the database: %w", err)
		}
		rest = rest[n:]
	}
	return nil, nil
}

// Settle transfers what was changed at this node before it was called. Its error is that of ctx if
// so much waits, or a scan takes so long, that it is not done in time.
func (st *Store) Settle(ctx context.Context) error {
	if err := st.settle(ctx); err != nil {
		return err
	}
	return alone(ctx, st.scanning, st.findMissed)
}

// settle transfers the states that wait.
func (st *Store) settle(ctx context.Context) error {
	return alone(ctx, st.settling, func(ctx context.Context) error {
		return errors.Join(
			st.dirtyTokens.settle(ctx, st.sink.PutTokens),
			st.dirtyAddresses.settle(ctx, st.sink.PutAddresses))
	})
}

// findMissed finds the states that did not fit among those that wait.
func (st *Store) findMissed(ctx context.Context) error {
	return errors.Join(
		st.dirtyTokens.findMissed(ctx, st.scanTokens),
		st.dirtyAddresses.findMissed(ctx, st.scanAddresses))
}

// Scan transfers all states in the engine: also those that a node changed and did not transfer
// before it died. It reads everything, so it is for the time after a death, and for one node at a
// time.
func (st *Store) Scan(ctx context.Context) error {
	return alone(ctx, st.scanning, func(ctx context.Context) error {
		return errors.Join(st.scanTokens(ctx), st.scanAddresses(ctx))
	})
}

// alone calls fn when no other call has the turn.
func alone(ctx context.Context, turn chan struct{}, fn func(context.Context) error) error {
	give, err := take(ctx, turn)
	if err != nil {
		return err
	}
	defer give()
	return fn(ctx)
}

// take waits for a turn, and returns what gives it to the next one.
func take(ctx context.Context, turn chan struct{}) (give func(), err error) {
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (st *Store) scanTokens(ctx context.Context) error {
	return scan(ctx, st.engine, KindToken, readToken, st.sink.PutTokens)
}

func (st *Store) scanAddresses(ctx context.Context) error {
	return scan(ctx, st.engine, KindAddress, st.readAddress, st.sink.PutAddresses)
}

// scan transfers all values of a kind. A damaged value is reported, and does not stop it.
func scan[V sortable[V]](
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
// has lost its memory, or a part of it. If much waits, a transfer takes as long as it takes.
// Repeated changes of a state meanwhile are transferred once, and a scan, which may take hours,
// delays nothing else.
func (st *Store) Run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() {
		st.repeat(ctx, "transfer the states", st.settle)
	})
	work.Go(func() {
		st.repeat(ctx, "transfer the states by a scan", func(ctx context.Context) error { return alone(ctx, st.scanning, st.findMissed) })
	})
	st.repeat(ctx, "look whether the engine of states has lost any", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, checkWithin)
		defer cancel()
		return errors.Join(st.checkEvicted(ctx), st.checkEpoch(ctx), st.restoreBlocks(ctx))
	})
}

// repeat calls fn about every second, until ctx ends. It logs when that begins to fail, and when it
// works again.
func (st *Store) repeat(ctx context.Context, name string, fn func(context.Context) error) {
	tick := time.NewTicker(transferEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := fn(ctx)
		if ctx.Err() != nil {
			return
		}
		if !breaker.IsOutage(err) && (err != nil) != failing {
			failing = err != nil
			st.logRepeated(name, err)
		}
	}
}

// logRepeated logs that something which is repeated fails, or works again.
func (st *Store) logRepeated(name string, err error) {
	if err != nil {
		st.opt.Log.Error("can't "+name+"; it is tried again every second", "err", err)
		return
	}
	st.opt.Log.Info("can " + name + " again")
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
