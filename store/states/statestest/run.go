package statestest

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
	"stile.example/stile/store/storetest"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// Engines returns a function that opens an engine for a new node. All that one such function opens
// share their values, which are empty at first. url is the database of the installation.
type Engines func(t testing.TB, url string) (open func() states.Engine)

// Run tests an engine: the suites of storetest for one node, and what several nodes must not do.
func Run(t *testing.T, prepare Engines) {
	url := engines.Postgres(t)
	storetest.RunStates(t, func(t *testing.T) func() storetest.Store {
		Empty(t, url)
		open := prepare(t, url)
		return func() storetest.Store { return Open(t, url, open()) }
	})
	for name, test := range map[string]func(*testing.T, func() *Node){
		"nodes/one binding":               oneBinding,
		"nodes/exactly the limit":         limit,
		"nodes/a proof works once":        oneProof,
		"nodes/a session proof, once":     sessionProofs,
		"nodes/an assertion works once":   oneAssertion,
		"nodes/never over the quota":      quota,
		"nodes/a dead node's states":      deadNode,
		"nodes/a swap says what is there": swaps,
	} {
		t.Run(name, func(t *testing.T) {
			Empty(t, url)
			open := prepare(t, url)
			test(t, func() *Node {
				n := Open(t, url, open())
				t.Cleanup(func() {
					if err := n.Close(); err != nil {
						t.Error(err)
					}
				})
				return n
			})
		})
	}
}

// Empty migrates a database, and removes what another test has stored there. A new database would
// take longer.
func Empty(t testing.TB, url string) {
	t.Helper()
	n := Open(t, url, nothing{})
	err := n.database.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `TRUNCATE states, states_spent, states_lost, tokens, scopes, ledger, tenants, address_list RESTART IDENTITY`)
		return err
	})
	if err = errors.Join(err, n.Close()); err != nil {
		t.Fatal(err)
	}
}

// nothing is an engine without values.
type nothing struct{}

func (nothing) Swap(context.Context, states.Swap) (p states.Present, swapped bool, err error) {
	return p, false, errors.New("there is no engine")
}
func (nothing) Get(context.Context, states.Key) (p states.Present, err error)    { return p, nil }
func (nothing) Each(context.Context, byte, func(states.Key, []byte) error) error { return nil }
func (nothing) Ready(context.Context) error                                      { return nil }
func (nothing) Close() error                                                     { return nil }

var start = time.Now().Truncate(time.Second)

// callFrom returns a call from an address that was already consulted.
func callFrom(from netip.Addr) *tokens.Call {
	return &tokens.Call{At: start, Tenant: 1, IssuedAt: start.Add(time.Hour), Expires: start.Add(24 * time.Hour), From: from,
		Address: tokens.AddressVerdict{Known: true}}
}

func three(open func() *Node) []*Node { return []*Node{open(), open(), open()} }

// counting counts a call.
func counting(s tokens.State) tokens.State {
	s.Used[0][tokens.Items].Calls++
	return s
}

// oneBinding lets callers at three nodes make the first call of a token at the same time.
func oneBinding(t *testing.T, open func() *Node) {
	nodes := three(open)
	storetest.Concurrently(8, func(w int) {
		for n := range 40 {
			id := tokens.ID{byte(n), byte(w), 9}
			var bound, admitted atomic.Int32
			storetest.Concurrently(6, func(i int) {
				g := &tokens.Gate{Store: nodes[i%3]}
				v, err := g.Apply(t.Context(), id, storetest.Allowed(50), callFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})))
				if err != nil {
					t.Error(err)
				}
				if v.NewlyBound {
					bound.Add(1)
				}
				if v.Outcome == tokens.Admit {
					admitted.Add(1)
				}
			})
			if bound.Load() != 1 || admitted.Load() != 1 {
				t.Errorf("token %d: %d bindings, %d calls admitted", n, bound.Load(), admitted.Load())
			}
		}
	})
}

func limit(t *testing.T, open func() *Node) {
	storetest.CallLimit(t, three(open), 400, *callFrom(netip.MustParseAddr("192.0.2.1")))
}

func sessionProofs(t *testing.T, open func() *Node) {
	storetest.SessionProofs(t, three(open), *callFrom(netip.MustParseAddr("192.0.2.1")))
}

// oneProof sends each proof to all nodes at the same time.
func oneProof(t *testing.T, open func() *Node) {
	nodes := three(open)
	for n := range 40 {
		// Engines use their own clocks: it must not end during the tests.
		once := tokens.Once{Digest: [16]byte{byte(n)}, Until: start.Add(time.Hour)}
		var spent atomic.Int32
		storetest.Concurrently(9, func(i int) {
			ok, err := nodes[i%3].UpdateOnce(t.Context(), tokens.ID{1}, once, counting)
			if ok {
				spent.Add(1)
			}
			if ok != (err == nil) || err != nil && !errors.Is(err, tokens.ErrUsed) {
				t.Error(ok, err)
			}
		})
		if spent.Load() != 1 {
			t.Errorf("proof %d was accepted %d times", n, spent.Load())
		}
	}
}

// oneAssertion spends each id at all nodes at the same time.
func oneAssertion(t *testing.T, open func() *Node) {
	nodes := three(open)
	for n := range 40 {
		var first atomic.Int32
		storetest.Concurrently(9, func(i int) {
			ok, err := nodes[i%3].States.SpendOnce(t.Context(), tokens.ID{byte(n)}, start.Add(time.Minute), start.Add(time.Hour))
			if err != nil {
				t.Error(err)
			}
			if ok {
				first.Add(1)
			}
		})
		if first.Load() != 1 {
			t.Errorf("id %d was spent %d times", n, first.Load())
		}
	}
}

// quota makes three times as many calls as a tenant has in a month, at three nodes.
func quota(t *testing.T, open func() *Node) {
	const calls = 150
	var meters []*usage.Meter
	for _, n := range three(open) {
		m := &usage.Meter{}
		m.UseBlocks(n.States, time.Now)
		meters = append(meters, m)
	}
	var used atomic.Int32
	storetest.Concurrently(24, func(i int) {
		m := meters[i%3]
		for range 3 * calls / 24 {
			answer, err := m.Claim(t.Context(), 1, calls, start)
			if err != nil {
				t.Error(err)
			}
			if answer == usage.Reserved {
				used.Add(1)
				m.Use(1, start)
			}
		}
	})
	if n := used.Load(); n > calls || n < calls-6 { // 3 nodes may have a block of 2 calls each
		t.Errorf("%d calls of %d", n, calls)
	}
}

// deadNode: what a node did not transfer before it was killed is found by another one.
func deadNode(t *testing.T, open func() *Node) {
	dead, alive := open(), open()
	for n := range 20 {
		err := dead.Update(t.Context(), tokens.ID{byte(n)}, func(s tokens.State) tokens.State {
			s.Tenant = 1
			return counting(s)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := alive.States.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines, err := alive.Usage(t.Context(), "", "", "")
	if err != nil || len(lines) != 1 || lines[0].Calls != 20 {
		t.Errorf("%+v, %v", lines, err)
	}
}

// swaps: the engine itself, as package states says.
func swaps(t *testing.T, open func() *Node) {
	e := open().States.Engine()
	key, until := states.Key{Kind: states.KindToken, ID: "one"}, start.Add(time.Hour)
	once := states.Once{Digest: [16]byte{1}, Until: until}
	epoch := start.Add(time.Hour).Unix()
	swap := func(known, next string, o states.Once) (was string, swapped bool, err error) {
		s := states.Swap{Key: key, Next: []byte(next), Expires: until, Once: o, NotBefore: epoch}
		if known != "" {
			s.Known = []byte(known)
		}
		p, swapped, err := e.Swap(t.Context(), s)
		return string(p.Value), swapped, err
	}
	for n, x := range []struct {
		known, next string
		once        states.Once
		was         string
		swapped     bool
		err         error
	}{
		{"a", "b", states.Once{}, "", false, nil},
		{"", "a", states.Once{}, "", true, nil},
		{"", "b", states.Once{}, "a", false, nil},
		{"b", "c", once, "a", false, nil},
		{"a", "b", once, "a", true, nil},
		{"b", "c", once, "b", false, states.ErrUsed},
		{"b", "c\x00\xff", states.Once{}, "b", true, nil},
		{"c\x00\xff", "d", states.Once{Digest: [16]byte{2}, Until: until}, "c\x00\xff", true, nil},
	} {
		was, swapped, err := swap(x.known, x.next, x.once)
		if swapped != x.swapped || !errors.Is(err, x.err) || err != nil && x.err == nil || err == nil && was != x.was {
			t.Errorf("%d: %q, %v, %v, want %+v", n, was, swapped, err, x)
		}
	}
	p, err := e.Get(t.Context(), key)
	if err != nil || string(p.Value) != "d" {
		t.Errorf("%q, %v", p.Value, err)
	}
	if p, err := e.Get(t.Context(), states.Key{Kind: states.KindToken, ID: "two"}); err != nil || p.Value != nil {
		t.Errorf("%q, %v", p.Value, err)
	}
	if err := e.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// Values is the [Engines] of PostgreSQL itself.
func Values(t testing.TB, url string) func() states.Engine {
	return func() states.Engine {
		e, err := values.Open(t.Context(), url, time.Now, discard)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}
