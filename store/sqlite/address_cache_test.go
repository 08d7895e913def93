package sqlite

import (
	"runtime"
	"testing"

	"stile.example/stile/addresses"
)

// addBindings returns a step of an address that counts n bindings.
func addBindings(n int64) func(addresses.State) addresses.State {
	return func(s addresses.State) addresses.State { s.Bucket += n; return s }
}

func bindTo(t testing.TB, db *DB, a addresses.Scope, n int64) (have int64) {
	t.Helper()
	err := db.UpdateAddress(t.Context(), a, func(s addresses.State) addresses.State {
		s = addBindings(n)(s)
		have = s.Bucket
		return s
	})
	if err != nil {
		t.Fatal(err)
	}
	return have
}

// TestCachedAddressesAreBounded: addresses are evicted from memory, and nothing is lost.
func TestCachedAddressesAreBounded(t *testing.T) {
	db := newDB(t)
	const most = 8
	db.writer.do(t.Context(), func() { db.writer.addrs = newAddressCache(most) })
	for round := int64(1); round <= 3; round++ {
		for n := range int64(50) {
			if got := bindTo(t, db, benchAddr(n), 1); got != round {
				t.Fatalf("address %d has %d bindings in round %d", n, got, round)
			}
			bindTo(t, db, benchAddr(0), 0) // an address that is used stays
		}
	}
	db.writer.do(t.Context(), func() {
		m := &db.writer.addrs
		if n := m.rows.Len(); n > most || len(m.changed) != 0 {
			t.Errorf("%d addresses in memory, %d changed", n, len(m.changed))
		}
		if _, ok := m.rows.Get(addrKeyOf(benchAddr(0))); !ok {
			t.Error("the address that was used last is evicted")
		}
	})
}

// TestOneRowForABatch: all steps of an address in one batch write one row, and no row of the
// journal.
func TestOneRowForABatch(t *testing.T) {
	db := newDB(t)
	bump(t, db, benchID(1))
	bindTo(t, db, benchAddr(1), 1)
	before := changes(t, db)
	steps := make([]func() error, 100)
	for i := range steps {
		steps[i] = func() error { return db.UpdateAddress(t.Context(), benchAddr(1), addBindings(1)) }
	}
	for _, err := range together(t, db, steps...) {
		if err != nil {
			t.Error(err)
		}
	}
	if n := changes(t, db) - before; n != 1 {
		t.Errorf("%d rows written", n)
	}
	if got := bindTo(t, db, benchAddr(1), 0); got != 101 {
		t.Errorf("%d bindings counted of 101", got)
	}
	if n := changes(t, db) - before; n != 1 {
		t.Errorf("a step that changes nothing wrote %d rows", n-1)
	}
}

// changes returns how many rows were written so far.
func changes(t *testing.T, db *DB) (n int) {
	t.Helper()
	if err := db.write.QueryRow(`SELECT total_changes()`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestMemoryOfAddresses: the addresses in memory take at most 20 MB, however many are used.
func TestMemoryOfAddresses(t *testing.T) {
	before := int64(heap())
	m := newAddressCache(maxAddresses)
	worst := int64(0)
	for n := range int64(3 * maxAddresses) {
		m.rows.Put(addrKeyOf(benchAddr(n)), addresses.State{Bucket: n})
		if n%10_000 == 9_999 {
			worst = max(worst, int64(heap())-before)
		}
	}
	runtime.KeepAlive(m)
	t.Logf("%.1f MB at most", float64(worst)/1e6)
	if worst > 20e6 {
		t.Errorf("%d bytes", worst)
	}
}
