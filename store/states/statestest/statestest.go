// Package statestest tests an engine of states, with several nodes and with the suites of
// storetest. The tests of every engine call [Run].
package statestest

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
	"stile.example/stile/store/tables/historytable"
	"stile.example/stile/store/tables/refusallog"
	"stile.example/stile/store/tables/tokenlist"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/listing"
	"stile.example/stile/usage"
)

// Node is one of several stores that share an engine and a database.
type Node struct {
	database
	refusals
	history
	States *states.Store
}

type (
	database = *postgres.DB
	refusals = *refusallog.Table
	history  = historytable.Table
)

var discard = slog.New(slog.DiscardHandler)

// numbers has the number of the last node of the process.
var numbers atomic.Uint32

// Open opens a node whose states are in an engine, and are transferred to the database of a URL. It
// waits long for the engine: the machine that runs the tests may be busy.
func Open(t testing.TB, url string, engine states.Engine) *Node {
	t.Helper()
	return OpenWith(t, url, engine, states.Options{Timeout: 10 * time.Second, ChangeTimeout: 40 * time.Second})
}

// OpenWith is Open with other options.
func OpenWith(t testing.TB, url string, engine states.Engine, opt states.Options) *Node {
	t.Helper()
	opt.Log, opt.Now, opt.Node = discard, time.Now, numbers.Add(1)
	db, err := postgres.Open(t.Context(), url, postgres.Options{Log: discard, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	st, err := states.Open(t.Context(), engine, values.Sink{DB: db}, opt)
	if err != nil {
		t.Fatal(errors.Join(err, db.Close()))
	}
	return &Node{db, refusallog.New(db), historytable.Table{DB: db}, st}
}

// Update implements [tokens.Store].
func (n *Node) Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	return n.States.Update(ctx, id, fn)
}

// UpdateOnce implements [tokens.SharedStore].
func (n *Node) UpdateOnce(ctx context.Context, id tokens.ID, once tokens.Once, fn func(tokens.State) tokens.State) (bool, error) {
	return n.States.UpdateOnce(ctx, id, once, fn)
}

// NotBefore implements [tokens.SharedStore].
func (n *Node) NotBefore() int64 { return n.States.NotBefore() }

// Await implements [tokens.SharedStore].
func (n *Node) Await(ctx context.Context, times int) bool { return n.States.Await(ctx, times) }

// Peek implements [tokens.Store].
func (n *Node) Peek(id tokens.ID) (tokens.State, bool) { return n.States.Peek(id) }

// UpdateAddress implements [addresses.Store].
func (n *Node) UpdateAddress(ctx context.Context, a addresses.Scope, fn func(addresses.State) addresses.State) error {
	return n.States.UpdateAddress(ctx, a, fn)
}

// EachAddress implements [addresses.Store].
func (n *Node) EachAddress(ctx context.Context, fn func(addresses.Scope, addresses.State)) error {
	return n.States.EachAddress(ctx, fn)
}

// Settle implements [tokenlist.DB].
func (n *Node) Settle(ctx context.Context) (bool, error) { return true, n.States.Settle(ctx) }

// Tokens implements [listing.Store].
func (n *Node) Tokens(ctx context.Context, q listing.Query) ([]listing.Entry, error) {
	return tokenlist.Table{DB: n}.Tokens(ctx, q)
}

// LiveTokens implements [listing.Store].
func (n *Node) LiveTokens(ctx context.Context, now time.Time) (map[uint32]int, error) {
	return tokenlist.Table{DB: n}.LiveTokens(ctx, now)
}

// Usage implements [usage.Store].
func (n *Node) Usage(ctx context.Context, tenant, from, to string) ([]usage.Line, error) {
	if err := n.States.Settle(ctx); err != nil {
		return nil, err
	}
	return n.database.Usage(ctx, tenant, from, to)
}

// Sweep removes what expired long before now.
func (n *Node) Sweep(ctx context.Context, now time.Time) error { return n.States.Sweep(ctx, now) }

// RemovesByClock reports whether states expire by the clock of the engine: see storetest.
func (n *Node) RemovesByClock() bool {
	_, sweeps := n.States.Engine().(states.Sweeper)
	return !sweeps
}

// Live returns how many tokens are in memory.
func (n *Node) Live() int { return n.States.Live() }

// Ready returns an error if the engine or the database can't be used.
func (n *Node) Ready(ctx context.Context) error {
	return errors.Join(n.States.Ready(ctx), n.database.Ready(ctx))
}

// DB returns the database.
func (n *Node) DB() *postgres.DB { return n.database }

// Close closes the engine and the database.
func (n *Node) Close() error { return errors.Join(n.States.Close(), n.database.Close()) }
