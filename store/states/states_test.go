package states

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/store/storetest"
	"stile.example/stile/tokens"
)

var start = time.Now().Truncate(time.Second)

func counting(s tokens.State) tokens.State {
	s.Used[0][tokens.Items].Calls++
	return s
}

func calls(t *testing.T, st *Store, id tokens.ID) (n uint32) {
	t.Helper()
	err := st.Update(t.Context(), id, func(s tokens.State) tokens.State { n = s.Used.Total().Calls; return s })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLostReplies loses 10,000 replies of swaps at two nodes, before and after the write and with
// writes that arrive later. Each answered step is counted once.
func TestLostReplies(t *testing.T) {
	m := newMemory()
	stores, links := nodes(t, 2, m, newTable())
	const ids = 24
	var answered [ids]atomic.Uint32
	for _, l := range links {
		l.lose.Store(40)
	}
	storetest.Concurrently(16, func(i int) {
		for n := 0; links[0].lost.Load()+links[1].lost.Load() < 10_000 && !t.Failed(); n++ {
			id := byte((n + i) % ids)
			if err := stores[i%2].Update(t.Context(), tokens.ID{id}, counting); err != nil {
				t.Error(err)
				return
			}
			answered[id].Add(1)
		}
	})
	for _, l := range links {
		l.lose.Store(0)
		l.late.Wait()
	}
	for id := range ids {
		for i, st := range stores {
			if got, want := calls(t, st, tokens.ID{byte(id)}), answered[id].Load(); got != want {
				t.Errorf("node %d: token %d counts %d, and %d were answered", i, id, got, want)
			}
		}
	}
	t.Logf("%d replies lost", links[0].lost.Load()+links[1].lost.Load())
}

// callFrom returns a call from an address that was already consulted.
func callFrom(from netip.Addr) *tokens.Call {
	return &tokens.Call{At: start, Tenant: 1, IssuedAt: start, Expires: start.Add(24 * time.Hour), From: from, Records: 2,
		Address: tokens.AddressVerdict{Known: true}}
}

// TestOneBinding lets callers at two nodes make the first call of 2,000 tokens at the same time,
// while replies are lost. Each token is bound once.
func TestOneBinding(t *testing.T) {
	stores, links := nodes(t, 2, newMemory(), newTable())
	gates := []*tokens.Gate{{Store: stores[0]}, {Store: stores[1]}}
	links[0].lose.Store(10)
	links[1].lose.Store(10)
	for n := range 2000 {
		id := tokens.ID{byte(n), byte(n >> 8), 9}
		var bound, admitted atomic.Int32
		storetest.Concurrently(4, func(i int) {
			v, err := gates[i%2].Apply(t.Context(), id, storetest.Allowed(50), callFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})))
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
			t.Fatalf("token %d: %d bindings, %d calls admitted", n, bound.Load(), admitted.Load())
		}
	}
}

// slowly is an address over its budget that counts its first binding only after a while.
type slowly struct {
	takes  time.Duration
	begun  atomic.Bool
	counts atomic.Int32 // bindings
	uses   atomic.Int32 // of bound tokens
}

func (a *slowly) Check(_ context.Context, use tokens.AddressUse) (tokens.AddressVerdict, error) {
	if !use.NewBinding {
		a.uses.Add(1)
		return tokens.AddressVerdict{}, nil
	}
	if !a.begun.Swap(true) {
		time.Sleep(a.takes)
	}
	a.counts.Add(1)
	return tokens.AddressVerdict{Kind: tokens.Work}, nil
}

func (*slowly) ChallengeIssued(context.Context, tokens.AddressChallenge) error { return nil }
func (*slowly) ChallengeSolved(context.Context, tokens.AddressChallenge) error { return nil }

// TestFirstCallsOfNodes: simultaneous first calls at three nodes all get the challenge of the one
// that binds the token. If its node does not respond in time, they count the binding themselves.
func TestFirstCallsOfNodes(t *testing.T) {
	for takes, again := range map[time.Duration]bool{binderTakes: false, time.Minute: true} {
		synctest.Test(t, func(t *testing.T) {
			stores, _ := nodes(t, 3, newMemory(), newTable())
			address := &slowly{takes: takes}
			var admitted atomic.Int32
			storetest.Concurrently(9, func(i int) {
				g := &tokens.Gate{Store: stores[i%3], Addresses: address}
				c := *callFrom(netip.MustParseAddr("192.0.2.1"))
				c.At, c.IssuedAt, c.Expires = time.Now(), time.Now(), time.Now().Add(time.Hour)
				c.Address = tokens.AddressVerdict{}
				p := storetest.Allowed(50)
				p.Ladder, p.PerToken, p.Ignored, p.Expires = []tokens.Kind{tokens.Work}, 5, 100, time.Hour
				if i > 2 {
					time.Sleep(time.Millisecond)
				}
				v, err := g.Apply(t.Context(), tokens.ID{1}, p, &c)
				if err != nil {
					t.Error(err)
				}
				if v.Outcome == tokens.Admit {
					admitted.Add(1)
				}
			})
			if n := address.counts.Load(); admitted.Load() > 0 || address.uses.Load() > 0 || n < 1 || (n > 1) != again {
				t.Errorf("the address takes %v: %d of 9 calls were admitted, %d bindings and %d uses were counted", takes, admitted.Load(), address.counts.Load(), address.uses.Load())
			}
		})
	}
}

const binderTakes = 900 * time.Millisecond // a node that is slow, and not gone

// TestLimit makes three times as many calls at three nodes as a token has.
func TestLimit(t *testing.T) {
	stores, links := nodes(t, 3, newMemory(), newTable())
	for _, l := range links {
		l.lose.Store(20)
	}
	storetest.CallLimit(t, stores, 200, *callFrom(netip.MustParseAddr("192.0.2.1")))
}

// TestSessionProofs makes 64 calls with each of several session proofs, while replies are lost. A
// lost reply must not lead to a second admission.
func TestSessionProofs(t *testing.T) {
	stores, links := nodes(t, 3, newMemory(), newTable())
	for _, l := range links {
		l.lose.Store(20)
	}
	storetest.SessionProofs(t, stores, *callFrom(netip.MustParseAddr("192.0.2.1")))
}

// TestOneProof sends each of 500 proofs to both nodes several times at once, while replies are
// lost.
func TestOneProof(t *testing.T) {
	stores, links := nodes(t, 2, newMemory(), newTable())
	links[0].lose.Store(20)
	links[1].lose.Store(20)
	for n := range 500 {
		once := tokens.Once{Digest: [16]byte{byte(n), byte(n >> 8)}, Until: start.Add(time.Minute)}
		var spent, used atomic.Int32
		storetest.Concurrently(6, func(i int) {
			ok, err := stores[i%2].UpdateOnce(t.Context(), tokens.ID{1}, once, counting)
			switch {
			case ok && err == nil:
				spent.Add(1)
			case errors.Is(err, tokens.ErrUsed) && !ok:
				used.Add(1)
			default:
				t.Error(ok, err)
			}
		})
		if spent.Load() != 1 || used.Load() != 5 {
			t.Fatalf("proof %d was accepted %d times, and refused %d times", n, spent.Load(), used.Load())
		}
	}
	if got := calls(t, stores[0], tokens.ID{1}); got != 500 {
		t.Errorf("%d calls are counted", got)
	}
	ok, err := stores[0].UpdateOnce(t.Context(), tokens.ID{1}, tokens.Once{Digest: [16]byte{1, 2, 3}}, func(s tokens.State) tokens.State { return s })
	if ok || err != nil {
		t.Errorf("a step that changes nothing: spent %v, %v", ok, err)
	}
}

// TestSpendOnce spends an id at two nodes at the same time.
func TestSpendOnce(t *testing.T) {
	m := newMemory()
	stores, links := nodes(t, 2, m, newTable())
	links[0].lose.Store(30)
	links[1].lose.Store(30)
	for n := range 300 {
		var first atomic.Int32
		storetest.Concurrently(6, func(i int) {
			ok, err := stores[i%2].SpendOnce(t.Context(), tokens.ID{byte(n), byte(n >> 8)}, start, start.Add(time.Minute))
			if err != nil {
				t.Error(err)
			}
			if ok {
				first.Add(1)
			}
		})
		if first.Load() != 1 {
			t.Fatalf("id %d was spent %d times", n, first.Load())
		}
	}
	m.flush()
	if ok, err := stores[0].SpendOnce(t.Context(), tokens.ID{1}, start, start.Add(time.Minute)); ok || err != nil {
		t.Errorf("after a loss: %v, %v", ok, err)
	}
	if ok, err := stores[0].SpendOnce(t.Context(), tokens.ID{1}, time.Now().Add(time.Minute), start.Add(time.Hour)); !ok || err != nil {
		t.Errorf("made after the loss: %v, %v", ok, err)
	}
}

// TestCombined checks that calls of one token that come while a swap is on its way go into the next
// one together.
func TestCombined(t *testing.T) {
	m := newMemory()
	stores, links := nodes(t, 1, m, newTable())
	calls(t, stores[0], tokens.ID{1})
	links[0].wait = make(chan struct{})
	before := m.swaps.Load()
	done := make(chan struct{})
	go func() {
		defer close(done)
		storetest.Concurrently(200, func(int) {
			if err := stores[0].Update(t.Context(), tokens.ID{1}, counting); err != nil {
				t.Error(err)
			}
		})
	}()
	for stores[0].waiting.Load() < 199 {
		time.Sleep(time.Millisecond)
	}
	close(links[0].wait)
	<-done
	if n := m.swaps.Load() - before; n != 2 {
		t.Errorf("%d swaps for 200 calls", n)
	}
	if got := calls(t, stores[0], tokens.ID{1}); got != 200 || stores[0].waiting.Load() != 0 {
		t.Errorf("%d counted, %d wait", got, stores[0].waiting.Load())
	}
}

// TestGivenUp checks that a step whose ctx ends while it waits is not applied, and that those
// behind it are.
func TestGivenUp(t *testing.T) {
	stores, links := nodes(t, 1, newMemory(), newTable())
	links[0].wait = make(chan struct{})
	first, last := make(chan error), make(chan error)
	go func() { first <- stores[0].Update(t.Context(), tokens.ID{1}, counting) }()
	for len(stores[0].tokens.shard(tokens.ID{1}).chain(tokens.ID{1})) == 0 {
		time.Sleep(time.Millisecond)
	}
	second := make(chan error)
	go func() { second <- stores[0].Update(t.Context(), tokens.ID{1}, counting) }()
	for stores[0].waiting.Load() < 1 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- stores[0].Update(ctx, tokens.ID{1}, counting) }()
	for stores[0].waiting.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	go func() { last <- stores[0].Update(t.Context(), tokens.ID{1}, counting) }()
	for stores[0].waiting.Load() < 3 {
		time.Sleep(time.Millisecond)
	}
	close(links[0].wait)
	if err := errors.Join(<-first, <-second, <-last); err != nil {
		t.Error(err)
	}
	if got := calls(t, stores[0], tokens.ID{1}); got != 3 {
		t.Errorf("%d counted", got)
	}
}

// TestLateProof checks that a swap that arrives after the value was read again, and right before it
// is repeated, counts as the call's own: its proof was not used by another call.
func TestLateProof(t *testing.T) {
	stores, links := nodes(t, 1, newMemory(), newTable())
	for n := range byte(4) {
		links[0].holdNext = true
		ok, err := stores[0].UpdateOnce(t.Context(), tokens.ID{n % 2}, tokens.Once{Digest: [16]byte{n, 1}}, counting)
		if !ok || err != nil {
			t.Errorf("proof %d: %v, %v", n, ok, err)
		}
		if got := calls(t, stores[0], tokens.ID{n % 2}); got != uint32(n/2+1) {
			t.Errorf("proof %d: %d counted", n, got)
		}
	}
}

// TestProofsTogether checks that each of several proofs that come while a swap is on its way is
// spent.
func TestProofsTogether(t *testing.T) {
	m := newMemory()
	stores, links := nodes(t, 2, m, newTable())
	links[0].wait = make(chan struct{})
	done := make(chan struct{})
	spend := func(node, n int) (bool, error) {
		return stores[node].UpdateOnce(t.Context(), tokens.ID{1}, tokens.Once{Digest: [16]byte{byte(n)}}, counting)
	}
	go func() {
		defer close(done)
		storetest.Concurrently(20, func(n int) {
			if ok, err := spend(0, n+1); !ok || err != nil {
				t.Error(ok, err)
			}
		})
	}()
	for stores[0].waiting.Load() < 19 {
		time.Sleep(time.Millisecond)
	}
	close(links[0].wait)
	<-done
	for n := range 20 {
		if ok, err := spend(1, n+1); ok || !errors.Is(err, tokens.ErrUsed) {
			t.Errorf("proof %d is not spent: %v, %v", n, ok, err)
		}
	}
}

// chain returns what is known of a key that is being changed.
func (sh *shard[K, S]) chain(key K) []int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.waiting[key] == nil {
		return nil
	}
	return []int{len(sh.waiting[key].steps)}
}

// TestBounded checks that steps beyond the bound of a token are refused, and wait for nothing.
func TestBounded(t *testing.T) {
	stores, links := nodes(t, 1, newMemory(), newTable())
	links[0].wait = make(chan struct{})
	var busy atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		storetest.Concurrently(maxOfKey+100, func(int) {
			if err := stores[0].Update(t.Context(), tokens.ID{1}, counting); errors.Is(err, ErrBusy) {
				busy.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}()
	for busy.Load() < 99 {
		time.Sleep(time.Millisecond)
	}
	close(links[0].wait)
	<-done
	if got := calls(t, stores[0], tokens.ID{1}); got != maxOfKey+1 || busy.Load() != 99 {
		t.Errorf("%d counted, %d busy", got, busy.Load())
	}
}

// TestOldValues checks that a node never refuses because of a value that another node has changed
// since, and that it is admitted with one round trip if its value is the present one.
func TestOldValues(t *testing.T) {
	m := newMemory()
	stores, _ := nodes(t, 2, m, newTable())
	bit := func(set bool) func(tokens.State) tokens.State {
		return func(s tokens.State) tokens.State { s.AddressChecked = set; return s }
	}
	update := func(st *Store, fn func(tokens.State) tokens.State) {
		if err := st.Update(t.Context(), tokens.ID{1}, fn); err != nil {
			t.Fatal(err)
		}
	}
	update(stores[0], counting) // known: not checked
	update(stores[1], bit(true))
	var seen []bool
	update(stores[0], func(s tokens.State) tokens.State { seen = append(seen, s.AddressChecked); return s })
	if len(seen) != 2 || seen[0] || !seen[1] {
		t.Errorf("the step saw %v", seen)
	}
	trips := m.swaps.Load() + m.gets.Load()
	update(stores[0], counting)
	if n := m.swaps.Load() + m.gets.Load() - trips; n != 1 {
		t.Errorf("%d round trips", n)
	}
}

// TestFailover checks that a node writes a newer value back that the engine has lost, also if the
// engine has lost the token altogether, and that nothing is counted twice.
func TestFailover(t *testing.T) {
	m := newMemory()
	stores, links := nodes(t, 2, m, newTable())
	count := func(st *Store, n int) {
		for range n {
			if err := st.Update(t.Context(), tokens.ID{1}, counting); err != nil {
				t.Fatal(err)
			}
		}
	}
	empty := m.copied()
	count(stores[0], 5)
	older := m.copied()
	for i, values := range []map[Key][]byte{older, empty, older} {
		count(stores[0], 5)
		links[0].lose.Store(int64(30 * i))
		m.become(values)
		want := uint32(10 + 6*i)
		count(stores[0], 1)
		links[0].lose.Store(0)
		links[0].late.Wait()
		if got := calls(t, stores[1], tokens.ID{1}); got != want+1 {
			t.Errorf("%d: %d counted, want %d", i, got, want+1)
		}
	}
	if stores[0].Restored() == 0 { // the reply to one may be lost
		t.Errorf("%d values were restored", stores[0].Restored())
	}
}

// TestForgetting checks that no token that was issued before a loss of memory is valid again, at
// any node, and that tokens issued later are.
func TestForgetting(t *testing.T) {
	m, db := newMemory(), newTable()
	stores, _ := nodes(t, 2, m, db)
	gates := []*tokens.Gate{{Store: stores[0]}, {Store: stores[1]}}
	from := netip.MustParseAddr("192.0.2.1")
	apply := func(node int, id byte, issued time.Time) tokens.Verdict {
		t.Helper()
		c := *callFrom(from)
		c.IssuedAt = issued
		v, err := gates[node].Apply(t.Context(), tokens.ID{id}, storetest.Allowed(50), &c)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := apply(0, 1, start); v.Outcome != tokens.Admit {
		t.Fatal(v)
	}
	m.flush()
	for node := range 2 {
		for id := range byte(3) { // 1 was used; the others may have been
			if v := apply(node, id, start); v.Reason != tokens.Expired || !v.Forgotten {
				t.Errorf("node %d, token %d: %+v", node, id, v)
			}
		}
	}
	if nb := stores[0].NotBefore(); nb < start.Unix() || nb != db.notBefore || nb != m.epoch || nb != stores[1].NotBefore() {
		t.Errorf("not before: %d, %d, table %d, engine %d", nb, stores[1].NotBefore(), db.notBefore, m.epoch)
	}
	if v := apply(1, 4, time.Unix(m.epoch+1, 0)); v.Outcome != tokens.Admit {
		t.Errorf("issued later: %+v", v)
	}
	db.fault = errors.New("gone") // without the table, no epoch begins
	m.flush()
	if _, err := gates[0].Apply(t.Context(), tokens.ID{9}, storetest.Allowed(50), callFrom(from)); err == nil || m.epoch != 0 {
		t.Errorf("err = %v, epoch %d", err, m.epoch)
	}
	db.fault = nil
}

// TestFirstEpoch checks that nothing is lost when a new installation is started for the first time,
// and that tokens from before are refused if an engine is new and the installation is not.
func TestFirstEpoch(t *testing.T) {
	for has, want := range map[bool]tokens.Outcome{false: tokens.Admit, true: tokens.Refuse} {
		m, db := newMemory(), newTable()
		m.epoch, db.notBefore = 0, 0
		if has {
			db.tokens[tokens.ID{5}] = Token{}
		}
		var stores [3]*Store
		storetest.Concurrently(3, func(n int) {
			some, _ := nodes(t, 1, m, db)
			stores[n] = some[0]
		})
		for n, st := range stores {
			v, err := (&tokens.Gate{Store: st}).Apply(t.Context(), tokens.ID{byte(n)}, storetest.Allowed(5), callFrom(netip.MustParseAddr("192.0.2.1")))
			if v.Outcome != want || err != nil {
				t.Errorf("with tokens %v, node %d: %+v, %v", has, n, v, err)
			}
		}
	}
}

// TestFirstEpochIsSlow: a node that starts while another one is about to store the first epoch
// waits for it. If that node is gone, an epoch begins that refuses what may have been lost.
func TestFirstEpochIsSlow(t *testing.T) {
	for takes, isFirst := range map[time.Duration]bool{startWait - time.Second/2: true, 2 * startWait: false} {
		synctest.Test(t, func(t *testing.T) {
			m, db := newMemory(), newTable()
			m.epoch, db.notBefore = 0, 0
			slow := make(chan error)
			open := func(l *link, node uint32) (*Store, error) {
				return Open(t.Context(), l, db, Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, Node: node})
			}
			go func() {
				_, err := open(&link{memory: m, slowEpoch: takes}, 1)
				slow <- err
			}()
			synctest.Wait() // it is stored in the table, and not in the engine
			st, err := open(&link{memory: m}, 2)
			if err != nil || db.notBefore == 0 || (st.NotBefore() == FirstEpoch) != isFirst {
				t.Errorf("stored after %v: the epoch is %d, %v", takes, st.NotBefore(), err)
			}
			if err := <-slow; isFirst && err != nil {
				t.Error(err)
			}
		})
	}
}

// TestForgottenValues checks that a node that knows a value from before a loss of memory does not
// write it back over one that was stored since, or where there is none.
func TestForgottenValues(t *testing.T) {
	m := newMemory()
	stores, _ := nodes(t, 2, m, newTable())
	count := func(node, n int) {
		for range n {
			if err := stores[node].Update(t.Context(), tokens.ID{1}, counting); err != nil {
				t.Fatal(err)
			}
		}
	}
	count(0, 9)
	m.flush()
	count(1, 1)
	count(0, 1)
	if got := calls(t, stores[1], tokens.ID{1}); got != 2 || stores[0].Restored() != 0 {
		t.Errorf("%d counted, %d restored", got, stores[0].Restored())
	}
	m.flush() // again, within a second
	count(0, 1)
	if got := calls(t, stores[1], tokens.ID{1}); got != 1 {
		t.Errorf("%d counted", got)
	}
}

// TestTransfer checks that states are transferred by Settle, after a fault too, and that those of a
// node that has died are found.
func TestTransfer(t *testing.T) {
	m, db := newMemory(), newTable()
	stores, _ := nodes(t, 3, m, db)
	for n := range 10 {
		for node, st := range stores {
			if err := st.Update(t.Context(), tokens.ID{byte(n), byte(node)}, counting); err != nil {
				t.Fatal(err)
			}
		}
	}
	db.fault = errors.New("gone")
	if err := stores[0].Settle(t.Context()); err == nil {
		t.Error("no error")
	}
	if err := stores[0].Update(t.Context(), tokens.ID{3, 0}, counting); err != nil {
		t.Fatal(err)
	}
	db.fault = nil
	if err := stores[0].Settle(t.Context()); err != nil || len(db.tokens) != 10 || db.tokens[tokens.ID{3, 0}].State.Used.Total().Calls != 2 {
		t.Errorf("%d transferred, %v: %v", len(db.tokens), db.tokens[tokens.ID{3, 0}], err)
	}
	if err := stores[2].Scan(t.Context()); err != nil || len(db.tokens) != 30 { // node 1 is dead
		t.Errorf("%d transferred: %v", len(db.tokens), err)
	}
}

// TestPanics checks that a step that panics fails alone.
func TestPanics(t *testing.T) {
	stores, _ := nodes(t, 1, newMemory(), newTable())
	var failed atomic.Int32
	storetest.Concurrently(20, func(i int) {
		err := stores[0].Update(t.Context(), tokens.ID{1}, func(s tokens.State) tokens.State {
			if i == 7 {
				panic("seven")
			}
			return counting(s)
		})
		if err != nil {
			failed.Add(1)
		}
	})
	if got := calls(t, stores[0], tokens.ID{1}); got != 19 || failed.Load() != 1 {
		t.Errorf("%d counted, %d failed", got, failed.Load())
	}
}

// TestValues checks that a value is read back, that it names the last nodes that wrote it, and that
// other bytes are an error.
func TestValues(t *testing.T) {
	v := value{state: []byte("state")}
	for n := range uint32(9) {
		v.version++
		v.writers = by(writer{n%7 + 1, uint64(n)}, v.writers)
	}
	b := v.encode()
	got, err := parseValue(b)
	if err != nil || got.version != 9 || string(got.state) != "state" || !got.wrote(writer{2, 8}) || got.wrote(writer{2, 1}) ||
		len(got.writers) != maxWriters || !got.mayHide(3) || got.mayHide(4) {
		t.Errorf("%+v: %v", got, err)
	}
	for n := range headSize + writerSize*maxWriters {
		if _, err := parseValue(b[:n]); err == nil {
			t.Errorf("%d bytes are a value", n)
		}
	}
}

// TestRoundTrips counts the round trips of calls with a check, as the server makes them: by one
// node for each token, and by any node.
func TestRoundTrips(t *testing.T) {
	for name, x := range map[string]struct {
		node func(id, n int) int
		most float64
	}{
		"affinity": {func(id, n int) int { return id % 3 }, 1.05},
		"none":     {func(id, n int) int { return (id*7 + n*n*31 + n) % 3 }, 2.0},
	} {
		m := newMemory()
		stores, _ := nodes(t, 3, m, newTable())
		before := m.swaps.Load() + m.gets.Load()
		const ids, each = 40, 60
		for n := range each {
			for id := range ids {
				g := &tokens.Gate{Store: stores[x.node(id, n)]}
				c := *callFrom(netip.MustParseAddr("192.0.2.1"))
				check, err := g.Check(t.Context(), tokens.ID{byte(id)}, storetest.Allowed(1000), tokens.Check{Call: c})
				v, err2 := g.Apply(t.Context(), tokens.ID{byte(id)}, storetest.Allowed(1000), &c)
				if check.Outcome != tokens.Admit || v.Outcome != tokens.Admit || err != nil || err2 != nil {
					t.Fatal(check, v, err, err2)
				}
			}
		}
		trips := float64(m.swaps.Load()+m.gets.Load()-before) / (ids * each)
		if trips > x.most {
			t.Errorf("%s: %.3f round trips for a call", name, trips)
		}
		t.Logf("%s: %.3f round trips for a call", name, trips)
	}
}

// TestSize bounds the size of a token's value.
func TestSize(t *testing.T) {
	m := newMemory()
	stores, _ := nodes(t, 3, m, newTable())
	for n := range 9 {
		if err := stores[n%3].Update(t.Context(), tokens.ID{1}, counting); err != nil {
			t.Fatal(err)
		}
	}
	size := len(m.values[Key{KindToken, string(append([]byte{1}, make([]byte, 15)...))}])
	if size == 0 || size > 256 {
		t.Errorf("a value has %d bytes", size)
	}
	t.Logf("%d bytes after changes by 3 nodes", size)
}

// slowTable is a table that stores one part, and then fails.
type slowTable struct {
	*table
	isFull bool
}

func (t *slowTable) PutTokens(ctx context.Context, list []Token) error {
	if t.isFull {
		return errors.New("no time is left")
	}
	t.isFull = true
	return t.table.PutTokens(ctx, list)
}

// TestTransferContinues: a transfer that does not end in time is not begun again from its start.
func TestTransferContinues(t *testing.T) {
	sink := &slowTable{table: newTable()}
	stores, _ := nodes(t, 1, newMemory(), sink)
	const n = 3 * transferRows
	for i := range n {
		if err := stores[0].Update(t.Context(), tokens.ID{byte(i), byte(i >> 8)}, counting); err != nil {
			t.Fatal(err)
		}
	}
	for attempt := 1; attempt <= 3; attempt++ {
		sink.isFull = false
		if err := stores[0].Settle(t.Context()); (err == nil) != (attempt == 3) {
			t.Errorf("attempt %d: %v", attempt, err)
		}
	}
	if len(sink.tokens) != n {
		t.Errorf("%d of %d are stored", len(sink.tokens), n)
	}
}

// TestS76BlocksAfterLoss: blocks of addresses survive a loss of the engine's memory, also for nodes
// that start later. One that was lifted stays lifted.
func TestS76BlocksAfterLoss(t *testing.T) { synctest.Test(t, blocksAfterLoss) }

func blocksAfterLoss(t *testing.T) {
	m, sink := newMemory(), newTable()
	stores, _ := nodes(t, 2, m, sink)
	blocked, lifted := addresses.OfTenant(netip.MustParseAddr("192.0.2.1"), 1), addresses.OfTenant(netip.MustParseAddr("192.0.2.2"), 1)
	until := time.Now().Add(time.Hour).Unix()
	for _, a := range []addresses.Scope{blocked, lifted} {
		err := stores[0].UpdateAddress(t.Context(), a, func(addresses.State) addresses.State { return addresses.State{Until: until, Step: 2} })
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := stores[0].UpdateAddress(t.Context(), lifted, func(addresses.State) addresses.State { return addresses.State{} }); err != nil {
		t.Fatal(err)
	}
	if err := stores[0].Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	lose := func() {
		m.flush()
		// The first node begins the epoch, and dies before it has done more.
		if err := stores[0].Update(t.Context(), tokens.ID{7}, counting); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer stop()
		stores[1].Run(ctx)
	}
	lose()
	late, _ := nodes(t, 1, m, sink)
	found := map[addresses.Scope]addresses.State{}
	if err := late[0].EachAddress(t.Context(), func(a addresses.Scope, s addresses.State) { found[a] = s }); err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[blocked].Until != until || found[blocked].Step != 2 {
		t.Errorf("a node that starts after the loss knows %+v", found)
	}
	err := late[0].UpdateAddress(t.Context(), blocked, func(addresses.State) addresses.State { return addresses.State{} })
	if err = errors.Join(err, late[0].Settle(t.Context())); err != nil {
		t.Fatal(err)
	}
	lose()
	err = late[0].EachAddress(t.Context(), func(a addresses.Scope, s addresses.State) { t.Errorf("%v is blocked again: %+v", a, s) })
	if err != nil {
		t.Error(err)
	}
}
