package sqlite

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stile.example/stile/tokens"
)

// TestMemoryOfAState measures the memory of a state after every 20,000 of 300,000. Maps and chunks
// grow in large steps, and the largest result counts.
func TestMemoryOfAState(t *testing.T) {
	const most = 300
	m := newStateTable(time.Hour, 1<<20)
	before := heap()
	worst := 0.0
	for n := int64(1); n <= 300_000; n++ {
		m.put(benchID(n), tokens.State{Tenant: 1}, 0)
		if n%20_000 == 0 {
			each := float64(heap()-before) / float64(n)
			t.Logf("%d states: %.0f bytes each", n, each)
			worst = max(worst, each)
		}
	}
	runtime.KeepAlive(m)
	t.Logf("%.0f bytes a state at most", worst)
	if worst > most {
		t.Errorf("a state costs %.0f bytes, more than %d", worst, most)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestStateTableProperty compares the table with a map after random operations.
func TestStateTableProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, model := newStateTable(15*time.Minute, 256*8), map[tokens.ID]slot{}
		now := uint32(1_000_000)
		id := func(t *rapid.T) tokens.ID {
			return tokens.ID{rapid.Byte().Draw(t, "shard") % 2, rapid.Byte().Draw(t, "id") % 32}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				id := id(t)
				if m.find(id) != nil {
					return
				}
				s := tokens.State{Day: rapid.Int32().Draw(t, "day"), Dead: tokens.Reason(rapid.IntRange(0, 1).Draw(t, "dead"))}
				sl := m.put(id, s, now)
				sl.dirty = rapid.Bool().Draw(t, "dirty")
				model[id] = *sl
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
			"": func(t *rapid.T) { checkMemory(t, m, model) },
		})
	})
}

// checkMemory fails the test unless all states in the table are right, and all dirty states are in
// it.
func checkMemory(t *rapid.T, m *stateTable, model map[tokens.ID]slot) {
	there, live := 0, 0
	for id, want := range model {
		sl := m.find(id)
		if sl == nil && !want.dirty {
			delete(model, id)
			continue
		}
		there++
		live += liveCount(want.state)
		if sl == nil || *sl != want {
			t.Fatalf("%s is %+v, want %+v", id, sl, want)
		}
	}
	have := 0
	for i := range m.shards {
		have += len(m.shards[i].index)
	}
	if have != there || int(m.live.Load()) != live {
		t.Fatalf("%d states of %d, %d of them live, not %d", have, there, m.live.Load(), live)
	}
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
