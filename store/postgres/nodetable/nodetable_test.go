package nodetable_test

import (
	"database/sql"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/nodes"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/nodetable"
)

func open(t *testing.T) (*postgres.DB, nodetable.Table) {
	t.Helper()
	db, err := postgres.Open(t.Context(), engines.Postgres(t), postgres.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, nodetable.Table{Pool: db.Single()}
}

// TestLeases: a lease belongs to one node, by its fence, until it ends. An earlier holder
// can neither extend nor end it.
func TestLeases(t *testing.T) {
	_, table := open(t)
	acquire := func(number uint32, fence int64, length time.Duration) int64 {
		t.Helper()
		l, err := table.Acquire(t.Context(), "upkeep", "upkeep", number, fence, length)
		if err != nil {
			t.Fatal(err)
		}
		return l.Fence
	}
	first := acquire(1, 0, time.Minute)
	if first == 0 || acquire(2, 0, time.Minute) != 0 || acquire(1, 0, time.Minute) != 0 {
		t.Fatal("it has one lease, or several")
	}
	if acquire(1, first, time.Minute) != first {
		t.Fatal("it can't be extended")
	}
	acquire(1, first, 0)
	if acquire(1, first, time.Minute) != 0 {
		t.Error("a lease was extended after its end")
	}
	second := acquire(2, 0, time.Minute)
	if second <= first {
		t.Fatalf("fence %d follows %d", second, first)
	}
	if acquire(1, first, time.Minute) != 0 {
		t.Error("a lease was extended by the fence of an earlier one")
	}
	if err := table.Release(t.Context(), "upkeep", first); err != nil || acquire(3, 0, time.Minute) != 0 {
		t.Errorf("a lease was ended by the fence of an earlier one: %v", err)
	}
	if err := table.Release(t.Context(), "upkeep", second); err != nil || acquire(3, 0, time.Minute) <= second {
		t.Errorf("it was not released: %v", err)
	}
}

// TestScanned: a node is noted as scanned only while it is dead. If it lives again, what it counts
// must be copied again after its next death.
func TestScanned(t *testing.T) {
	db, table := open(t)
	ctx := t.Context()
	number, err := table.Register(ctx, nodes.Info{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	row := func() nodes.Row {
		t.Helper()
		list, err := table.Nodes(ctx)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[0]
	}
	if err := table.Scanned(ctx, []uint32{number}); err != nil || row().Scanned {
		t.Errorf("a node that lives is scanned: %v", err)
	}
	if _, err := db.Single().ExecContext(ctx, `UPDATE nodes SET seen = seen - 6000`); err != nil {
		t.Fatal(err)
	}
	if row().Live() {
		t.Error("it lives after 6 s")
	}
	if err := table.Scanned(ctx, []uint32{number}); err != nil || !row().Scanned {
		t.Errorf("a dead node is not scanned: %v", err)
	}
	if err := table.Beat(ctx, number, nodes.Info{Name: "a"}, nodes.Status{}); err != nil || !row().Live() || row().Scanned {
		t.Errorf("it lives again, and is noted as scanned: %v", err)
	}
}

// TestKeepBlocks: old changes are removed, but not blocks that have not ended.
func TestKeepBlocks(t *testing.T) {
	db, _ := open(t)
	table := nodetable.Blocks{DB: db}
	put := func(address string, until int64) {
		t.Helper()
		scope := addresses.OfTenant(netip.MustParseAddr(address), 1)
		if err := table.Put(t.Context(), []nodetable.Block{{Scope: scope, Until: until}}); err != nil {
			t.Fatal(err)
		}
	}
	put("192.0.2.1", time.Now().Add(time.Hour).Unix())
	put("192.0.2.2", 0)
	put("192.0.2.3", time.Now().Add(-time.Hour).Unix())
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE blocks SET at = at - 2 * 3600 * 1000`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	put("192.0.2.4", 0)
	var kept []string
	list, err := table.Since(t.Context(), 0)
	for _, b := range list {
		kept = append(kept, b.Scope.Range.Addr().String())
	}
	if want := []string{"192.0.2.1", "192.0.2.4"}; err != nil || !slices.Equal(kept, want) {
		t.Errorf("%v are kept, want %v: %v", kept, want, err)
	}
}
