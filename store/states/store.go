package states

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/deadlines"
	"stile.example/stile/store/breaker"
	"stile.example/stile/tokens"
)

// Options is what a Store needs in addition to its engine.
type Options struct {
	Log  *slog.Logger     // required
	Now  func() time.Time // required
	Node uint32           // the number of this process: no other one that runs may have it

	// NeverForgets says that the engine has no epoch of its own.
	NeverForgets bool

	KeepIdle time.Duration // how long values are cached after their last use; 0 means 15 minutes
	MaxKnown int           // how many tokens are cached at most; 0 means two million
	Timeout  time.Duration // of one operation of the engine; 0 means 1 s
	// ChangeTimeout is that of a change, with everything that it repeats, and how long a step waits
	// for others at most; 0 means 1.5 s.
	ChangeTimeout time.Duration
}

// Store keeps the states of tokens and addresses in an Engine. It is safe for concurrent use.
type Store struct {
	engine Engine
	sink   Sink
	opt    Options

	deadlines deadlines.Set

	tokens    keeper[tokens.ID, tokens.State]
	addresses keeper[addressKey, addresses.State]
	quotas    keeper[quotaKey, quota]

	waiting   atomic.Int64  // steps that wait
	leading   atomic.Int64  // values that are being changed
	attempts  atomic.Uint64 // number of the last attempt to write
	notBefore atomic.Int64
	noticed   atomic.Int64 // when a loss that had just happened was noticed, in Unix nanoseconds
	epoch     beginning
	hadEpoch  atomic.Bool  // the engine has had an epoch since this process started
	restored  atomic.Int64 // values that were written back after a failover
	failing   atomic.Bool
	// blocksLost says that a loss has just happened, so that the blocks of addresses must be stored
	// again. All nodes do that: the one that began the epoch may die before.
	blocksLost atomic.Bool
	evicted    bool // the engine has evicted values, and no epoch has begun since; of Run

	dirtyTokens    dirty[tokens.ID, Token]
	dirtyAddresses dirty[addressKey, Address]
	settling       chan struct{} // has an element during a transfer of what waits
	scanning       chan struct{} // has an element during a scan
}

var _ tokens.SharedStore = (*Store)(nil)

// Open returns a Store. It reads from sink what may have been lost before.
func Open(ctx context.Context, engine Engine, sink Sink, opt Options) (*Store, error) {
	opt.KeepIdle = cmp.Or(opt.KeepIdle, 15*time.Minute)
	opt.MaxKnown = cmp.Or(opt.MaxKnown, 2_000_000)
	opt.Timeout = cmp.Or(opt.Timeout, time.Second)
	opt.ChangeTimeout = cmp.Or(opt.ChangeTimeout, 1500*time.Millisecond)
	st := &Store{engine: engine, sink: sink, opt: opt, epoch: beginning{turn: make(chan struct{}, 1)},
		settling: make(chan struct{}, 1), scanning: make(chan struct{}, 1)}
	st.attempts.Store(uint64(opt.Now().UnixNano())) // so that a restart repeats none
	st.tokens = keeper[tokens.ID, tokens.State]{st: st, kind: KindToken,
		name:   func(id tokens.ID) string { return string(id[:]) },
		decode: tokens.DecodeState, encode: tokens.AppendState, expires: tokenExpires,
		isLive:  func(s tokens.State) bool { return s.Dead == tokens.None },
		changed: func(id tokens.ID, v value, s tokens.State) { st.dirtyTokens.add(id, Token{id, v.order(), s}) },
	}
	st.addresses = keeper[addressKey, addresses.State]{st: st, kind: KindAddress,
		name:   func(a addressKey) string { return string(a[:]) },
		decode: addresses.DecodeState, encode: addresses.AppendState, expires: addressExpires,
		isLive:  func(addresses.State) bool { return false },
		changed: st.noteAddress,
	}
	st.quotas = quotaKeeper(st)
	st.tokens.start(opt.MaxKnown, opt.KeepIdle)
	st.addresses.start(opt.MaxKnown/4, opt.KeepIdle)
	st.quotas.start(1<<14, opt.KeepIdle)
	if err := errors.Join(st.checkEpoch(ctx), st.checkEvicted(ctx)); err != nil {
		return nil, fmt.Errorf("read states: %w", err)
	}
	return st, nil
}

// NotBefore implements [tokens.SharedStore].
func (st *Store) NotBefore() int64 { return st.notBefore.Load() }

// raise sets NotBefore to a later time.
func (st *Store) raise(notBefore int64) {
	for old := st.notBefore.Load(); notBefore > old; old = st.notBefore.Load() {
		if !st.notBefore.CompareAndSwap(old, notBefore) {
			continue
		}
		if now := st.opt.Now(); now.Sub(time.Unix(notBefore, 0)) < skew+quotaWait {
			st.noticed.Store(now.UnixNano())
			st.blocksLost.Store(true)
		}
		return
	}
}

// skew is how far the clocks of two nodes may differ without a token that was issued before a loss
// seeming to be issued after it. Each may differ from the database's by 5 s. Tokens that are issued
// meanwhile are dated after it: see [tokens/bearer.Signer].
const skew = 10 * time.Second

// beginning is how epochs begin: one at a time.
type beginning struct {
	turn   chan struct{} // has an element while an epoch begins
	err    error         // why the last attempt failed
	failed time.Time     // when it did
}

const (
	epochTimeout = 2 * time.Second        // of the database
	epochPause   = 250 * time.Millisecond // after a failed attempt
)

// beginEpoch begins an epoch after the engine has lost its memory: what was issued until now may
// have been used. That is durable before the engine gets the epoch, so that no token becomes valid
// again, whatever happens in between. Callers that wait for an attempt that fails fail with it.
func (st *Store) beginEpoch(ctx context.Context, key Key) error {
	f, ok := st.engine.(Forgetful)
	if !ok {
		return errors.New("the engine has no epoch")
	}
	give, err := take(ctx, st.epoch.turn)
	if err != nil {
		return fmt.Errorf("wait for an epoch: %w", err)
	}
	defer give()
	if err := st.epoch.err; err != nil && time.Since(st.epoch.failed) < epochPause {
		return err
	}
	st.epoch.err = st.tryEpoch(ctx, key, f)
	st.epoch.failed = time.Now()
	return st.epoch.err
}

// tryEpoch begins an epoch unless another step or node was faster. If the last one was the first,
// the installation may be new, and another node may be about to store it in the engine.
func (st *Store) tryEpoch(ctx context.Context, key Key, f Forgetful) error {
	wait := firstWait
	if !st.hadEpoch.Load() {
		wait = startWait
	}
	ctx, cancel := context.WithTimeout(ctx, epochTimeout+wait)
	defer cancel()
	for began := time.Now(); ; {
		if err := st.lookForEpoch(ctx, key); !errors.Is(err, ErrForgot) {
			return err
		}
		last, err := st.sink.NotBefore(ctx)
		if err != nil {
			return fmt.Errorf("read the last epoch: %w", err)
		}
		if last != FirstEpoch || time.Since(began) >= wait {
			return st.setEpoch(ctx, f, last)
		}
		if err := pauseFor(ctx, firstPoll); err != nil {
			return err
		}
	}
}

// setEpoch begins the epoch after the last one. It is durable before the engine gets it.
func (st *Store) setEpoch(ctx context.Context, f Forgetful, last int64) error {
	notBefore, err := st.nextEpoch(ctx, last)
	if err != nil {
		return fmt.Errorf("note that states were lost: %w", err)
	}
	if err := f.SetEpoch(ctx, notBefore); err != nil {
		return fmt.Errorf("begin an epoch: %w", err)
	}
	st.hadEpoch.Store(true)
	if st.raise(notBefore); notBefore == FirstEpoch {
		return nil
	}
	st.opt.Log.Warn("the engine of states had lost its memory: tokens issued until now that were not seen since are refused",
		"not_before", time.Unix(notBefore, 0).UTC())
	return nil
}

// checkEvicted begins an epoch if the engine has evicted values: they may be states of tokens,
// which would begin again.
func (st *Store) checkEvicted(ctx context.Context) error {
	e, ok := st.engine.(Evictor)
	if !ok {
		return nil
	}
	evicted, err := e.Evicted(ctx)
	if evicted {
		st.evicted = true
		st.raise(st.opt.Now().Add(skew).Unix()) // at once, even if the database does not respond
		st.opt.Log.Error("the engine of states has removed values that had not expired; set its maxmemory-policy to noeviction, and raise maxmemory")
	}
	if err != nil || !st.evicted {
		return err
	}
	give, err := take(ctx, st.epoch.turn)
	if err != nil {
		return fmt.Errorf("wait for an epoch: %w", err)
	}
	defer give()
	f, ok := st.engine.(Forgetful)
	if !ok {
		return errors.New("the engine has no epoch")
	}
	last, err := st.sink.NotBefore(ctx)
	if err == nil {
		err = st.setEpoch(ctx, f, last)
	}
	st.evicted = err != nil
	return err
}

// FirstEpoch is the epoch of an engine that has never had a value.
const FirstEpoch = 1

const (
	firstPoll = 50 * time.Millisecond
	firstWait = 300 * time.Millisecond
	startWait = 2 * time.Second // of a process that starts, which others may do at the same time
)

// nextEpoch stores the time of the epoch after the last one, and returns it. It is later, also
// within a second.
func (st *Store) nextEpoch(ctx context.Context, last int64) (int64, error) {
	next := max(st.opt.Now().Add(skew).Unix(), last+1)
	if last == 0 { // no engine had an epoch: is it a new installation?
		has, err := st.sink.HasTokens(ctx)
		if err != nil {
			return 0, err
		}
		if !has {
			next = FirstEpoch
		}
	}
	return st.sink.SetNotBefore(ctx, next)
}

// lookForEpoch reads the epoch in the place of a key. The error is [ErrForgot] if there is none.
func (st *Store) lookForEpoch(ctx context.Context, key Key) error {
	ctx, cancel := context.WithTimeout(ctx, st.opt.Timeout)
	defer cancel()
	p, err := st.engine.Get(ctx, key)
	if err == nil && p.NotBefore > 0 {
		st.hadEpoch.Store(true)
		st.raise(p.NotBefore)
	}
	return err
}

// checkEpoch reads the epoch, and begins one if there is none.
func (st *Store) checkEpoch(ctx context.Context) error {
	notBefore, err := st.sink.NotBefore(ctx) // another node may have begun one
	if err != nil {
		return fmt.Errorf("read what states may have been lost: %w", err)
	}
	st.raise(notBefore)
	missing := Key{KindOnce, "\x00epoch"} // there is no such value
	err = st.lookForEpoch(ctx, missing)
	if errors.Is(err, ErrForgot) {
		err = st.beginEpoch(ctx, missing)
	}
	return err
}

// report logs once that the engine does not work, and once that it works again. The report of its
// breaker logs outages.
func (st *Store) report(err error) {
	if breaker.IsOutage(err) {
		return
	}
	if failing := err != nil; st.failing.Load() != failing && st.failing.Swap(failing) != failing {
		if failing {
			st.opt.Log.Error("the engine of states does not work", "err", err)
		} else {
			st.opt.Log.Info("the engine of states works again")
		}
	}
}

// Engine returns the engine.
func (st *Store) Engine() Engine { return st.engine }

// Ready returns an error if the engine can't be read and written.
func (st *Store) Ready(ctx context.Context) error { return st.engine.Ready(ctx) }

// Restored returns how many values were written back because the engine had lost them.
func (st *Store) Restored() int64 { return st.restored.Load() }

// Live returns how many tokens are cached, which means that this node used them recently, and are
// not dead.
func (st *Store) Live() int { return st.tokens.live() }

// Close transfers what is not transferred yet, and closes the engine.
func (st *Store) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := st.Settle(ctx)
	if err != nil {
		err = fmt.Errorf("transfer the last states: %w", err)
	}
	return errors.Join(err, st.engine.Close())
}
