package move

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"stile.example/stile/addresses"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tokens"
)

// writers is how many states are on their way to the engine at a time. The engine combines them.
const writers = 64

// moveStates writes the states of all tokens and addresses to the engine of the target, and reads
// those of tokens back. Before, it removes those that an interrupted move has written: an equal
// state would not be a change, so it would not be copied to the tables, and the source may have
// removed others since.
func (m *mover) moveStates(ctx context.Context, from *sql.Tx) error {
	err := m.Target.DB.Write(ctx, func(to *sql.Tx) error {
		if err := allowPauses(ctx, to); err != nil {
			return err
		}
		for _, table := range []string{"tokens", "scopes", "ledger"} { // of an interrupted move
			if _, err := to.ExecContext(ctx, `DELETE FROM `+table); err != nil {
				return fmt.Errorf("empty %s: %w", table, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := m.Target.States.Clear(ctx); err != nil {
		return err
	}
	m.progress.begin(tokensPart)
	err = inParallel(ctx, func(ctx context.Context, do func(func() error) error) error {
		return m.source.eachToken(ctx, from, func(id tokens.ID, s tokens.State) error {
			m.addToken(id, s)
			m.progress.rows(1)
			return do(func() error { return m.Target.States.Update(ctx, id, func(tokens.State) tokens.State { return s }) })
		})
	})
	if err != nil {
		return err
	}
	if err := m.moveScopes(ctx, from); err != nil {
		return err
	}
	if err := m.Target.States.Settle(ctx); err != nil {
		return err
	}
	return m.readBack(ctx, from)
}

// addToken adds a state to what the source has.
func (m *mover) addToken(id tokens.ID, s tokens.State) {
	m.tokens.add(stateRow(id, s))
}

// stateRow is a state as a row of which a digest is made.
func stateRow(id tokens.ID, s tokens.State) []any {
	name, state := id[:], tokens.AppendState(nil, s)
	return []any{&name, &state}
}

// moveScopes writes the states of all scopes of addresses.
func (m *mover) moveScopes(ctx context.Context, from *sql.Tx) error {
	m.progress.begin(addressesPart)
	return inParallel(ctx, func(ctx context.Context, do func(func() error) error) error {
		return eachScope(ctx, from, func(of addresses.Scope, s addresses.State) error {
			m.progress.rows(1)
			return do(func() error {
				return m.Target.States.UpdateAddress(ctx, of, func(addresses.State) addresses.State { return s })
			})
		})
	})
}

// eachScope calls fn for the state of each scope of addresses.
func eachScope(ctx context.Context, from *sql.Tx, fn func(addresses.Scope, addresses.State) error) error {
	return rows.Each(ctx, from, func(r rows.Row) error {
		var address, state []byte
		var bits int
		var of addresses.Scope
		if err := r.Scan(&address, &bits, &of.Tenant, &state); err != nil {
			return err
		}
		first, ok := netip.AddrFromSlice(address)
		s, err := addresses.DecodeState(state)
		if err != nil || !ok {
			return fmt.Errorf("the state of the address %x is damaged: %w", address, err)
		}
		of.Range = netip.PrefixFrom(first.Unmap(), bits)
		return fn(of, s)
	}, `SELECT address, bits, tenant, state FROM scopes`)
}

// readBack compares the states in the engine with those of the source.
func (m *mover) readBack(ctx context.Context, from *sql.Tx) error {
	m.progress.begin(tokensPart + ", read back")
	var n int64
	var same atomic.Int64
	err := inParallel(ctx, func(ctx context.Context, do func(func() error) error) error {
		return m.source.eachToken(ctx, from, func(id tokens.ID, s tokens.State) error {
			n++
			m.progress.rows(1)
			return do(func() error {
				return readState(&same, s, func(fn func(tokens.State) tokens.State) error { return m.Target.States.Update(ctx, id, fn) })
			})
		})
	})
	if err != nil {
		return err
	}
	m.part(tokensPart, n, same.Load(), n == same.Load())
	n = 0
	same.Store(0)
	err = inParallel(ctx, func(ctx context.Context, do func(func() error) error) error {
		return eachScope(ctx, from, func(of addresses.Scope, s addresses.State) error {
			n++
			return do(func() error {
				return readState(&same, s, func(fn func(addresses.State) addresses.State) error {
					return m.Target.States.UpdateAddress(ctx, of, fn)
				})
			})
		})
	})
	m.part(addressesPart, n, same.Load(), n == same.Load())
	return err
}

// readState counts a state that is as it should be. update reads it by changing nothing.
func readState[S comparable](same *atomic.Int64, want S, update func(func(S) S) error) error {
	var got S
	err := update(func(s S) S {
		got = s
		return s
	})
	if err == nil && got == want {
		same.Add(1)
	}
	return err
}

// inParallel calls produce, and runs what it passes to do in several goroutines. It returns the
// first error, and cancels the rest then.
func inParallel(ctx context.Context, produce func(ctx context.Context, do func(func() error) error) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan func() error)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for job := range jobs {
				if err := job(); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := produce(ctx, func(job func() error) error {
		select {
		case jobs <- job:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(jobs)
	all.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
