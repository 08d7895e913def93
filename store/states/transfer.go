package states

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"stile.example/stile/tokens"
)

// Sink stores in a database what lasts of the states, and what must be known if an engine loses its
// memory.
type Sink interface {
	// PutTokens stores states of tokens for lists of tokens, unless a later version is stored, and
	// what they count in the ledger. Counts are totals, and the larger one wins: so a state may be
	// put late, repeatedly and in any order.
	PutTokens(ctx context.Context, list []Token) error
	// NotBefore returns until when states may have been lost, in Unix seconds; 0: none was lost.
	NotBefore(ctx context.Context) (int64, error)
	// SetNotBefore stores a later NotBefore, and returns what is stored.
	SetNotBefore(ctx context.Context, notBefore int64) (int64, error)
	// Used returns the calls of each tenant in a month (since the year 0) that are in the ledger.
	Used(ctx context.Context, month int32) (map[uint32]int64, error)
	// Sweep removes the tokens that expired before a time, in Unix seconds, from the lists.
	Sweep(ctx context.Context, before int64) error
}

// Token is the state of a token.
type Token struct {
	ID      tokens.ID
	Version uint32
	State   tokens.State
}

const (
	transferEvery = time.Second
	transferRows  = 500     // of one PutTokens
	maxDirty      = 200_000 // tokens that wait for a transfer: about 40 MB
)

// dirty has the states that are not transferred yet.
type dirty struct {
	mu     sync.Mutex
	values map[tokens.ID]Token
	missed bool // some are not in values

	moving sync.Mutex // held during a transfer
}

// add notes a changed state. If too many wait, since the database is away, it is found by a scan of
// the engine later.
func (d *dirty) add(t Token) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, waits := d.values[t.ID]
	switch {
	case waits && old.Version > t.Version:
	case !waits && len(d.values) >= maxDirty:
		d.missed = true
	default:
		d.values[t.ID] = t
	}
}

// take returns the states that wait, and whether others were missed.
func (d *dirty) take() (list []Token, missed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, missed = slices.Collect(maps.Values(d.values)), d.missed
	d.values, d.missed = map[tokens.ID]Token{}, false
	return list, missed
}

// miss notes that a scan is necessary.
func (d *dirty) miss() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.missed = true
}

// Settle transfers what was changed at this node before it was called.
func (st *Store) Settle(ctx context.Context) error {
	st.dirty.moving.Lock()
	defer st.dirty.moving.Unlock()
	list, missed := st.dirty.take()
	err := st.put(ctx, list)
	if missed {
		if err == nil {
			err = st.scan(ctx)
		}
		if err != nil {
			st.dirty.miss()
		}
	}
	return err
}

// put transfers states. Those that fail wait again.
func (st *Store) put(ctx context.Context, list []Token) error {
	// In one order, so that nodes that put the same tokens wait for each other only once.
	slices.SortFunc(list, func(a, b Token) int { return slices.Compare(a.ID[:], b.ID[:]) })
	for part := range slices.Chunk(list, transferRows) {
		if err := st.sink.PutTokens(ctx, part); err != nil {
			for _, t := range list {
				st.dirty.add(t)
			}
			return fmt.Errorf("transfer states to the database: %w", err)
		}
	}
	return nil
}

// Scan transfers the states of all tokens in the engine: also those that a node changed and did not
// transfer before it died. It reads everything, so it is for the time after a death, and for one
// node at a time.
func (st *Store) Scan(ctx context.Context) error {
	st.dirty.moving.Lock()
	defer st.dirty.moving.Unlock()
	return st.scan(ctx)
}

func (st *Store) scan(ctx context.Context) error {
	var list []Token
	var damaged error
	err := st.engine.Each(ctx, KindToken, func(k Key, b []byte) error {
		t, err := readToken(k, b)
		if err != nil {
			damaged = err // the others must not wait for it
			return nil
		}
		if list = append(list, t); len(list) < transferRows {
			return nil
		}
		err = st.put(ctx, list)
		list = list[:0]
		return err
	})
	if err == nil {
		err = st.put(ctx, list)
	}
	if err != nil {
		err = fmt.Errorf("scan the states of tokens: %w", err)
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
		t.Version = v.version
		t.State, err = tokens.DecodeState(v.state)
	}
	if err != nil {
		err = fmt.Errorf("token %s: %w", t.ID, err)
	}
	return t, err
}

// Run transfers what changes, about every second, until ctx ends. It also notices that the engine
// has lost its memory.
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
		err := errors.Join(st.Settle(at), st.checkEpoch(at))
		cancel()
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failing {
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

// Sweep removes what expired long before now: tokens from the lists, and values from engines that do
// not do that themselves. What the tokens used is in the ledger already.
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
	if err := st.sink.Sweep(ctx, now.Add(-keepAfter).Unix()); err != nil {
		return fmt.Errorf("remove expired tokens: %w", err)
	}
	return nil
}
