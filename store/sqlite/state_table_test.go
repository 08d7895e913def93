package sqlite

import (
	"context"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
	"stile.example/stile/tokens"
)

// TestMemoryOfAState checks what a state takes, after every 20,000 of 300,000. The largest result
// counts. With the token in the cache of package bearer it must be less than 250 bytes.
func TestMemoryOfAState(t *testing.T) {
	for name, c := range map[string]struct {
		state tokens.State
		most  int
	}{
		"address-bound":       {stateInUse(tokens.BindTo(netip.MustParseAddr("192.0.2.1"))), 105},
		"key-bound":           {stateInUse(tokens.BindToKey(tokens.Key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})), 140},
		"with session proofs": {withSession(stateInUse(tokens.BindToKey(tokens.Key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}))), 150},
	} {
		m := newStateTable(time.Hour, 1<<20)
		packed := tokens.AppendPacked(nil, &c.state)
		worst := 0
		for n := int64(1); n <= 300_000; n++ {
			m.set(benchID(n), packed, true, 0)
			if n%20_000 == 0 {
				worst = max(worst, m.bytes()/int(n))
			}
		}
		t.Logf("%s: %d bytes packed, %d in memory at most", name, len(packed), worst)
		if worst > c.most {
			t.Errorf("%s: a state takes %d bytes, more than %d", name, worst, c.most)
		}
	}
}

// withSession returns a state that has accepted session proofs.
func withSession(s tokens.State) tokens.State {
	s.Proofs = tokens.ProofWindow{Highest: 700, Used: 0xffff_ff7f_ffff_ffff}
	return s
}

// stateInUse returns a state of a token that has made calls.
func stateInUse(bound tokens.Binding) tokens.State {
	s := tokens.State{Tenant: 300, Day: 20_800, IssuedAt: 1_800_000_000, Expires: 1_800_086_400, Calls: tokens.Window{Since: 1_800_000_100, Count: 12},
		Allowance: 400, Bound: bound, AddressChecked: true, Hints: 3, BoundAfter: 20}
	s.Used[0][tokens.Items] = tokens.Count{Calls: 20, Records: 400}
	s.Used[0][tokens.Item] = tokens.Count{Calls: 9, Records: 9}
	if bound.Kind == tokens.ToKey {
		s.Roaming = tokens.Roaming{Since: 1_800_000_000, Seen: [3]uint32{1 << 20, 1 << 9, 0}}
	}
	return s
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestIdleStatesFreeMemory checks that the memory of states that are evicted is free, and what is
// left is still there. If the clock was set back, idle states are evicted too.
func TestIdleStatesFreeMemory(t *testing.T) {
	m := newStateTable(time.Hour, 1<<20)
	state := stateInUse(tokens.BindTo(netip.MustParseAddr("192.0.2.1")))
	packed := tokens.AppendPacked(nil, &state)
	const many = 256 * 300
	const late = 10_000 // seconds
	for n := range int64(many) {
		used := uint32(0)
		if n%10 == 0 {
			used = late
		}
		m.set(benchID(n), packed, true, used)
	}
	full := m.bytes()
	for range m.shards {
		m.evictIdle(late)
	}
	if now := m.bytes(); now > full/4 || m.live.Load() != many/10 {
		t.Errorf("%d states take %d bytes, and %d took %d", m.live.Load(), now, many, full)
	}
	for n := int64(0); n < many; n += 10 {
		if got, ok := m.peek(benchID(n)); !ok || got != state {
			t.Fatalf("state %d: %v, %+v", n, ok, got)
		}
	}
	m.set(benchID(1), packed, true, 0)
	for range m.shards {
		m.evictIdle(late / 2) // earlier than the last eviction
	}
	if _, ok := m.peek(benchID(1)); ok {
		t.Error("after the clock was set back, an idle state is not evicted")
	}
	const ahead = 365 * 86400
	m.set(benchID(1), packed, true, late+ahead)
	m.set(benchID(2), packed, true, late+60)
	for range m.shards {
		m.evictIdle(late + 2*3600)
	}
	m.set(benchID(2), packed, true, late+3*3600)
	for range m.shards {
		m.evictIdle(late + 2*3600 + 1900)
	}
	if _, ok := m.peek(benchID(1)); ok {
		t.Error("a state that was used when the clock was ahead by a year stays as long")
	}
	if _, ok := m.peek(benchID(2)); !ok {
		t.Error("a state in use is evicted, since the clock was set back a little")
	}
}

// bytes returns how much memory the states take.
func (m *stateTable) bytes() (n int) {
	for i := range m.shards {
		for _, t := range &m.shards[i].sizes {
			if t != nil {
				n += t.Bytes()
			}
		}
	}
	return n
}

// TestStateTableProperty compares the table with a map after random operations.
func TestStateTableProperty(t *testing.T) {
	type entry struct {
		state   tokens.State
		isDirty bool
	}
	rapid.Check(t, func(t *rapid.T) {
		m, model := newStateTable(15*time.Minute, 256*8), map[tokens.ID]entry{}
		now := uint32(1_000_000)
		id := func(t *rapid.T) tokens.ID {
			return tokens.ID{rapid.Byte().Draw(t, "shard") % 2, rapid.Byte().Draw(t, "id") % 32}
		}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				id := id(t)
				s := tokens.State{Day: rapid.Int32().Draw(t, "day"), Dead: tokens.Reason(rapid.IntRange(0, 1).Draw(t, "dead"))}
				if rapid.Bool().Draw(t, "long") {
					s.Bound = tokens.BindToKey(tokens.Key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
					for d := range s.Used {
						for r := range s.Used[d] {
							s.Used[d][r] = tokens.Count{Calls: rapid.Uint32().Draw(t, "calls"), Records: rapid.Uint32().Draw(t, "records")}
						}
					}
				}
				was, isDirty := model[id].isDirty, rapid.Bool().Draw(t, "dirty")
				sl := m.set(id, tokens.AppendPacked(nil, &s), isAlive(&s), now)
				if sl.isDirty() != was {
					t.Fatalf("%s is dirty: %v, before: %v", id, sl.isDirty(), was)
				}
				sl.setDirty(isDirty)
				model[id] = entry{s, isDirty}
			},
			"drop": func(t *rapid.T) {
				id := id(t)
				m.drop(id)
				delete(model, id)
			},
			"tidy": func(t *rapid.T) {
				now += uint32(rapid.IntRange(-600, 3600).Draw(t, "dt"))
				for range m.shards {
					m.evictIdle(now)
				}
			},
			"": func(t *rapid.T) {
				live, have := 0, 0
				for id, want := range model {
					s, known := m.peek(id)
					if !known && !want.isDirty {
						delete(model, id)
						continue
					}
					if sl := m.find(id); !known || s != want.state || sl.isDirty() != want.isDirty {
						t.Fatalf("%s is %+v, %v; want %+v", id, s, known, want)
					}
					if isAlive(&want.state) {
						live++
					}
				}
				for i := range m.shards {
					have += m.shards[i].len()
				}
				if have != len(model) || int(m.live.Load()) != live {
					t.Fatalf("%d states of %d, %d of them live, not %d", have, len(model), m.live.Load(), live)
				}
			},
		})
	})
}

// TestIdleStatesAreEvicted: idle states are evicted from memory, and read again when they are used.
func TestIdleStatesAreEvicted(t *testing.T) {
	var clock atomic.Int64
	opt := options()
	opt.Now = func() time.Time { return time.Unix(1_700_000_000+clock.Load(), 0) }
	db := openFile(t, newFile(t), opt)
	for n := range int64(1000) {
		bump(t, db, benchID(n))
	}
	if db.Live() != 1000 {
		t.Fatalf("%d live", db.Live())
	}
	clock.Add(3600)
	waitUntil(t, "memory is empty", func() bool {
		db.writer.do(t.Context(), func() {})
		clock.Add(10)
		return db.Live() == 0
	})
	for n := range int64(1000) {
		if got := bump(t, db, benchID(n)); got != 2 {
			t.Fatalf("token %d has %d calls after it was read again", n, got)
		}
	}
}

// TestStatesAreBounded: the number of states in memory is bounded, and nothing is lost beyond it.
func TestStatesAreBounded(t *testing.T) {
	opt := options()
	opt.MaxStates = 256 * 4
	db := openFile(t, newFile(t), opt)
	for round := uint32(1); round <= 3; round++ {
		for n := range int64(5000) {
			if got := bump(t, db, benchID(n)); got != round {
				t.Fatalf("token %d has %d calls in round %d", n, got, round)
			}
		}
		flushAll(t, db)
	}
	for n := range int64(5000) { // clean states can be evicted now
		bump(t, db, benchID(5000+n))
		if n%50 == 0 {
			flushAll(t, db)
		}
	}
	if n := db.Live(); n > opt.MaxStates+256 {
		t.Errorf("%d states in memory", n)
	}
}

// flushAll writes all rows.
func flushAll(t testing.TB, db *DB) {
	t.Helper()
	var fault error
	err := db.writer.do(t.Context(), func() { fault = db.writer.flushAll() })
	if err != nil || fault != nil {
		t.Fatal(err, fault)
	}
}

// bump counts a call, and returns how many are counted.
func bump(t testing.TB, db *DB, id tokens.ID) (calls uint32) {
	t.Helper()
	err := db.Update(context.Background(), id, func(s tokens.State) tokens.State {
		s.Tenant, s.Expires = 1, 2_000_000_000
		s.Used[0][0].Calls++
		calls = s.Used[0][0].Calls
		return s
	})
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// waitUntil waits for a condition, and fails the test after 30 s.
func waitUntil(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !cond(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%s: not after 30 s", what)
		}
	}
}
