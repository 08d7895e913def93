package postgres

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/storetest"
	"stile.example/stile/store/tables/historytable"
	"stile.example/stile/store/tables/refusallog"
	"stile.example/stile/store/tables/tokenlist"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/listing"
	"stile.example/stile/usage"
)

// oneNode is a database whose states only this process changes. It transfers what has changed
// before anything is read. So the tests of every store can test the tables that transfers fill.
type oneNode struct {
	*DB
	*refusalTable
	historyTable

	mu       sync.Mutex
	versions map[any]uint64
	tokens   map[tokens.ID]tokens.State
	scopes   map[addresses.Scope]addresses.State
	dirty    map[any]bool
}

// runs counts the nodes that were started.
var runs atomic.Int64

type (
	refusalTable = refusallog.Table
	historyTable = historytable.Table
)

func newNode(t testing.TB, url string) *oneNode {
	db := openURL(t, url)
	n := &oneNode{DB: db, refusalTable: refusallog.New(db), historyTable: historytable.Table{DB: db}, versions: map[any]uint64{},
		tokens: map[tokens.ID]tokens.State{}, scopes: map[addresses.Scope]addresses.State{}, dirty: map[any]bool{}}
	err := db.EachAddress(t.Context(), func(a addresses.Scope, s addresses.State) { n.scopes[a] = s })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Update implements [tokens.Store].
func (n *oneNode) Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	old, known := n.tokens[id]
	if !known {
		var b []byte
		err := n.read.QueryRowContext(ctx, `SELECT state FROM tokens WHERE id = ?`, id[:]).Scan(&b)
		if err == nil {
			old, err = tokens.DecodeState(b)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	next := fn(old)
	if next == old {
		return nil
	}
	n.tokens[id], n.dirty[id] = next, true
	return nil
}

// Peek implements [tokens.Store].
func (n *oneNode) Peek(id tokens.ID) (s tokens.State, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, known = n.tokens[id]
	return s, known
}

// UpdateAddress implements [addresses.Store].
func (n *oneNode) UpdateAddress(ctx context.Context, a addresses.Scope, fn func(addresses.State) addresses.State) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if next := fn(n.scopes[a]); next != n.scopes[a] {
		n.scopes[a], n.dirty[a] = next, true
	}
	return nil
}

// next returns a version that no earlier process has used.
func (n *oneNode) next(of any) uint64 {
	n.versions[of] = max(n.versions[of], uint64(runs.Load())<<16) + 1
	return n.versions[of]
}

// settle transfers what has changed. A token that has the zero State again was never seen.
func (n *oneNode) settle(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []TokenRow
	var gone [][]byte
	var scopes []ScopeRow
	for k := range n.dirty {
		switch k := k.(type) {
		case tokens.ID:
			if s := n.tokens[k]; s != (tokens.State{}) {
				list = append(list, RowOf(k, n.next(k), s))
			} else {
				gone = append(gone, k[:])
			}
		case addresses.Scope:
			scopes = append(scopes, ScopeRowOf(k, n.next(k), n.scopes[k], n.opt.Now()))
		}
	}
	clear(n.dirty)
	remove := func(tx *sql.Tx) error {
		_, err := tx.Exec(`DELETE FROM tokens WHERE id = ANY (?::bytea[])`, gone)
		return err
	}
	if len(gone) > 0 {
		if err := inTx(ctx, n.transfer, remove); err != nil {
			return err
		}
	}
	return errors.Join(n.TransferTokens(ctx, list), n.TransferScopes(ctx, scopes))
}

// Usage implements [usage.Store].
func (n *oneNode) Usage(ctx context.Context, tenant, from, to string) ([]usage.Line, error) {
	if err := n.settle(ctx); err != nil {
		return nil, err
	}
	return n.DB.Usage(ctx, tenant, from, to)
}

// Settle implements [tokenlist.DB].
func (n *oneNode) Settle(ctx context.Context) (bool, error) { return true, n.settle(ctx) }

// Tokens implements [listing.Store].
func (n *oneNode) Tokens(ctx context.Context, q listing.Query) ([]listing.Entry, error) {
	return tokenlist.Table{DB: n}.Tokens(ctx, q)
}

// LiveTokens implements [listing.Store].
func (n *oneNode) LiveTokens(ctx context.Context, now time.Time) (map[uint32]int, error) {
	return tokenlist.Table{DB: n}.LiveTokens(ctx, now)
}

// EachAddress implements [addresses.Store].
func (n *oneNode) EachAddress(ctx context.Context, fn func(addresses.Scope, addresses.State)) error {
	if err := n.settle(ctx); err != nil {
		return err
	}
	return n.DB.EachAddress(ctx, fn)
}

// Sweep removes rows as [DB.Sweep] does, and reads again what it has in memory, except what changed
// meanwhile.
func (n *oneNode) Sweep(ctx context.Context, now time.Time) error {
	if err := errors.Join(n.settle(ctx), n.DB.Sweep(ctx, now)); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.tokens, func(id tokens.ID, _ tokens.State) bool { return !n.dirty[id] })
	maps.DeleteFunc(n.scopes, func(a addresses.Scope, _ addresses.State) bool { return !n.dirty[a] })
	return n.DB.EachAddress(ctx, func(a addresses.Scope, s addresses.State) {
		if !n.dirty[a] {
			n.scopes[a] = s
		}
	})
}

func (n *oneNode) Close() error {
	if n.read.Ping() != nil { // it is closed
		return nil
	}
	return errors.Join(n.settle(context.Background()), n.DB.Close())
}

// TestStore runs through PgBouncer, which gives each transaction another session of the server. The
// other tests connect directly.
func TestStore(t *testing.T) {
	bouncer := engines.PgBouncer(t, engines.Postgres(t))
	storetest.Run(t, func(t *testing.T) func() storetest.Store {
		url := bouncer.Of(engines.Postgres(t))
		return func() storetest.Store { runs.Add(1); return newNode(t, url) }
	})
}
