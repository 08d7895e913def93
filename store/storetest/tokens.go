package storetest

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/tokens"
)

// noon is the noon of today: some engines drop what has expired by their own clock.
var noon = time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)

func read(t *testing.T, s tokens.Store, id tokens.ID) tokens.State {
	t.Helper()
	got, err := (&tokens.Gate{Store: s}).State(t.Context(), id)
	if err != nil {
		t.Fatalf("read %s: %v", id, err)
	}
	return got
}

func write(t *testing.T, s tokens.Store, id tokens.ID, state tokens.State) {
	t.Helper()
	if err := s.Update(t.Context(), id, func(tokens.State) tokens.State { return state }); err != nil {
		t.Fatalf("write %s: %v", id, err)
	}
}

// peeked: if Peek knows a token, it returns what an Update has stored.
func peeked(t *testing.T, open func() Store) {
	s := with(t, open)
	write(t, s, tokens.ID{1}, tokens.State{Tenant: 7})
	if got, known := s.Peek(tokens.ID{1}); known && got.Tenant != 7 {
		t.Errorf("Peek returned %+v", got)
	}
	if got, known := s.Peek(tokens.ID{2}); known && got != (tokens.State{}) {
		t.Errorf("Peek returned %+v of a new token", got)
	}
	Concurrently(8, func(i int) {
		last := uint32(0)
		for n := range uint32(200) {
			if i == 0 {
				write(t, s, tokens.ID{1}, tokens.State{Tenant: 7 + n, Hints: 7 + n})
			} else if got, known := s.Peek(tokens.ID{1}); known {
				if got.Tenant < last || got.Tenant != got.Hints && got.Hints != 0 {
					t.Errorf("Peek returned %+v after %d", got, last)
				}
				last = got.Tenant
			}
		}
	})
}

func unseen(t *testing.T, open func() Store) {
	if got := read(t, with(t, open), tokens.ID{1}); got != (tokens.State{}) {
		t.Errorf("got %+v, want the zero State", got)
	}
}

func everyField(t *testing.T, open func() Store) {
	var n int
	var want tokens.State
	fill(t, reflect.ValueOf(&want).Elem(), &n)
	s := open()
	write(t, s, tokens.ID{1}, want)
	if got := read(t, s, tokens.ID{1}); got != want {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
	closed(t, s)
	if got := read(t, with(t, open), tokens.ID{1}); got != want {
		t.Errorf("opened again: got  %#v\nwant %#v", got, want)
	}
}

func identity(t *testing.T, open func() Store) {
	s := open()
	write(t, s, tokens.ID{1}, tokens.State{Tenant: 1, Day: 1})
	read(t, s, tokens.ID{1}) // returns its argument
	write(t, s, tokens.ID{1}, tokens.State{Tenant: 1, Day: 2})
	write(t, s, tokens.ID{2}, tokens.State{Tenant: 2})
	write(t, s, tokens.ID{2}, tokens.State{})
	closed(t, s)
	s = with(t, open)
	if got := read(t, s, tokens.ID{1}); got.Day != 2 {
		t.Errorf("the last of two writes is lost: %+v", got)
	}
	if got := read(t, s, tokens.ID{2}); got != (tokens.State{}) {
		t.Errorf("removed, but it is %+v", got)
	}
}

// Concurrently calls fn n times at the same time.
func Concurrently(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

func allCount(t *testing.T, open func() Store) {
	s := open()
	Concurrently(16, func(i int) {
		for n := range 100 {
			err := s.Update(context.Background(), tokens.ID{byte(n % 4)}, func(s tokens.State) tokens.State {
				s.Used[0][tokens.Items].Calls++
				return s
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	closed(t, s)
	s = with(t, open)
	for n := range 4 {
		if got := read(t, s, tokens.ID{byte(n)}).Used.Total().Calls; got != 400 {
			t.Errorf("token %d: %d updates counted of 400", n, got)
		}
	}
}

// callFrom returns a call from an address that was already consulted.
func callFrom(from netip.Addr) *tokens.Call {
	return &tokens.Call{At: noon, Tenant: 1, IssuedAt: noon, Expires: noon.Add(24 * time.Hour), From: from, Records: 2,
		Address: tokens.AddressVerdict{Known: true}}
}

// Allowed returns a policy that admits a number of calls, and has no limit for spikes.
func Allowed(calls uint32) tokens.Policy {
	return tokens.Policy{Calls: calls, Records: 1 << 30, BindWithin: time.Minute, SpikeCalls: 1 << 30, SpikePer: time.Minute}
}

// CallLimit makes three times as many calls with one token as it has, at several nodes at the same
// time. Exactly as many as it has must be admitted.
func CallLimit[S tokens.Store](t *testing.T, nodes []S, calls int, call tokens.Call) {
	t.Helper()
	const callers = 24
	var admitted atomic.Int32
	Concurrently(callers, func(i int) {
		g := &tokens.Gate{Store: nodes[i%len(nodes)]}
		for range 3 * calls / callers {
			v, err := g.Apply(t.Context(), tokens.ID{7}, Allowed(uint32(calls)), &call)
			if err != nil {
				t.Error(err)
			}
			if v.Outcome == tokens.Admit {
				admitted.Add(1)
			}
		}
	})
	if n := int(admitted.Load()); n != calls {
		t.Errorf("%d calls of %d were admitted", n, calls)
	}
}

// SessionProofs makes 64 simultaneous calls with each of several session proofs of a token, at
// several nodes. Exactly one of them must be admitted, and none later.
func SessionProofs[S tokens.Store](t *testing.T, nodes []S, call tokens.Call) {
	t.Helper()
	const proofs = 20
	call.Key = tokens.Key{7}
	if v, err := (&tokens.Gate{Store: nodes[0]}).Apply(t.Context(), tokens.ID{8}, Allowed(1000), &call); err != nil || v.Outcome != tokens.Admit {
		t.Fatalf("the call that binds: %+v, %v", v, err)
	}
	var admitted [proofs + 1]atomic.Int32
	for n := proofs; n > 0; n-- {
		Concurrently(64, func(i int) {
			c := call
			c.Counter = uint32(n)
			v, err := (&tokens.Gate{Store: nodes[i%len(nodes)]}).Apply(t.Context(), tokens.ID{8}, Allowed(1000), &c)
			if err != nil {
				t.Error(err)
			}
			if v.Outcome == tokens.Admit {
				admitted[n].Add(1)
			} else if v.Reason != tokens.ProofInvalid {
				t.Errorf("counter %d: %+v", n, v)
			}
		})
	}
	for n := 1; n <= proofs; n++ {
		if got := admitted[n].Load(); got != 1 {
			t.Errorf("the session proof %d was admitted %d times", n, got)
		}
	}
	if s := read(t, nodes[0], tokens.ID{8}); s.Used.Total().Calls != proofs+1 || s.Proofs.Highest != proofs {
		t.Errorf("counted %+v", s)
	}
}

// sessionProofs: a session proof is valid once, also after the store is opened again.
func sessionProofs(t *testing.T, open func() Store) {
	s := open()
	call := *callFrom(netip.MustParseAddr("192.0.2.1"))
	SessionProofs(t, []Store{s}, call)
	closed(t, s)
	g := tokens.Gate{Store: with(t, open)}
	call.Key = tokens.Key{7}
	for counter, want := range map[uint32]tokens.Reason{1: tokens.ProofInvalid, 20: tokens.ProofInvalid, 21: tokens.None} {
		call.Counter = counter
		if v, err := g.Apply(t.Context(), tokens.ID{8}, Allowed(1000), &call); err != nil || v.Reason != want {
			t.Errorf("opened again, counter %d: %+v, %v", counter, v, err)
		}
	}
}

func limit(t *testing.T, open func() Store) {
	g := tokens.Gate{Store: with(t, open)}
	p := Allowed(50)
	var admitted [4]atomic.Int32
	Concurrently(16, func(i int) {
		for n := range 100 {
			v, err := g.Apply(context.Background(), tokens.ID{byte(n % 4)}, p, callFrom(netip.MustParseAddr("192.0.2.1")))
			if err != nil {
				t.Error(err)
			}
			if v.Outcome == tokens.Admit {
				admitted[n%4].Add(1)
			}
		}
	})
	for n := range admitted {
		if got := admitted[n].Load(); got != 50 {
			t.Errorf("token %d of 50 calls had %d", n, got)
		}
	}
}

func oneBinds(t *testing.T, open func() Store) {
	s := with(t, open)
	p := Allowed(50)
	for n := range 50 {
		g := tokens.Gate{Store: s}
		var winners atomic.Int32
		Concurrently(64, func(i int) {
			v, err := g.Apply(context.Background(), tokens.ID{byte(n)}, p, callFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})))
			if err != nil {
				t.Error(err)
			}
			if v.Outcome == tokens.Admit {
				winners.Add(1)
			}
		})
		if winners.Load() != 1 {
			t.Fatalf("token %d was bound %d times", n, winners.Load())
		}
		if got := read(t, s, tokens.ID{byte(n)}); got.Dead != tokens.Hijacked {
			t.Fatalf("the other callers did not kill token %d: %+v", n, got)
		}
	}
}

func cancelled(t *testing.T, open func() Store) {
	s := with(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Update(ctx, tokens.ID{1}, func(s tokens.State) tokens.State { s.Tenant = 9; return s })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if got := read(t, s, tokens.ID{1}); got != (tokens.State{}) {
		t.Errorf("written with a cancelled context: %+v", got)
	}
}
