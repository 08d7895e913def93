package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"stile.example/stile/addresses"
	"stile.example/stile/store/sqlite/migration"
	"stile.example/stile/tokens"
)

// TestR8_MigrationsAreComplete: a step that fails half way changes nothing, a step that works is
// run once, and a file of a newer program is refused.
func TestR8_MigrationsAreComplete(t *testing.T) {
	db := newDB(t)
	steps := fstest.MapFS{}
	known, err := fs.Glob(migration.Steps(), "*.sql")
	if err != nil || len(known) == 0 {
		t.Fatal("no migrations", err)
	}
	for _, name := range known {
		steps[name] = &fstest.MapFile{}
	}
	steps["9000_new.sql"] = &fstest.MapFile{Data: []byte(`CREATE TABLE half (x); CREATE TABLE half (x);`)}
	if err := migration.Run(t.Context(), db, steps); err == nil || !strings.Contains(err.Error(), "9000_new.sql") {
		t.Errorf("a step that fails: %v", err)
	}
	if _, err := db.write.Exec(`SELECT * FROM half`); err == nil {
		t.Error("a step that fails left a table")
	}
	steps["9000_new.sql"].Data = []byte(`CREATE TABLE half (x);`)
	for range 2 {
		if err := migration.Run(t.Context(), db, steps); err != nil {
			t.Error(err)
		}
	}
	if err := migration.Run(t.Context(), db, migration.Steps()); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a file of a newer program: %v", err)
	}
}

// TestAddressesOfFormerVersion: the former state of an address, which counted the tokens of all
// tenants, becomes its state for all tenants. A block stays.
func TestAddressesOfFormerVersion(t *testing.T) {
	db := newDB(t)
	state := addresses.AppendState(nil, addresses.State{Until: addresses.Forever})
	before, err := fs.ReadFile(migration.Steps(), "0003_ladder.sql")
	if err != nil {
		t.Fatal(err)
	}
	step, err := fs.ReadFile(migration.Steps(), "0004_scopes.sql")
	if err != nil {
		t.Fatal(err)
	}
	created, _, _ := strings.Cut(string(before), "-- The address list")
	for _, do := range []string{`DROP TABLE scopes`, created} {
		if _, err := db.write.Exec(do); err != nil {
			t.Fatal(err)
		}
	}
	all := map[addresses.Scope]addresses.State{}
	for _, a := range []string{"192.0.2.1", "2001:db8::"} {
		addr := netip.MustParseAddr(a)
		as16 := addr.As16()
		if _, err := db.write.Exec(`INSERT INTO addresses VALUES (?, 0, ?)`, as16[:], state); err != nil {
			t.Fatal(err)
		}
		all[addresses.OfAll(addr)] = addresses.State{Until: addresses.Forever}
	}
	if _, err := db.write.Exec(string(step)); err != nil {
		t.Fatal(err)
	}
	found := map[addresses.Scope]addresses.State{}
	if err := db.EachAddress(t.Context(), func(s addresses.Scope, st addresses.State) { found[s] = st }); err != nil || !maps.Equal(found, all) {
		t.Errorf("found %+v, %v, want %+v", found, err, all)
	}
	book, err := addresses.OpenRegistry(t.Context(), db, addressPolicy)
	if err != nil {
		t.Fatal(err)
	}
	if until, blocked := book.BlockedByRule(netip.MustParseAddr("192.0.2.1"), 7, victimTime); !blocked || until != addresses.Forever {
		t.Error("a block of the former version is lifted")
	}
}

// TestBackup makes a copy while calls continue. The copy can be opened, contains all calls that
// were answered before, and is readable only by its owner.
func TestBackup(t *testing.T) {
	db := newDB(t)
	for n := range int64(100) {
		bump(t, db, benchID(n))
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			bump(t, db, benchID(1000))
		}
	}()
	to := filepath.Join(t.TempDir(), "copy.db")
	err := db.Backup(t.Context(), to)
	cancel()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := db.Backup(t.Context(), to); !errors.Is(err, os.ErrExist) {
		t.Errorf("over an existing file: %v", err)
	}
	copied := openFile(t, to, options())
	for n := range int64(100) {
		if got := bump(t, copied, benchID(n)); got != 2 {
			t.Fatalf("token %d has %d calls in the copy", n, got)
		}
	}
}

func TestReady(t *testing.T) {
	db := newDB(t)
	if err := db.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	pragmaTo(t, db, `PRAGMA query_only = on`)
	if db.Ready(t.Context()) == nil {
		t.Error("ready, but can't write")
	}
	pragmaTo(t, db, `PRAGMA query_only = off`)
	if err := db.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLogStaysShort checks that the write-ahead log is overwritten. At walMost, 256 MiB, writers
// wait until it has been copied; below that its length depends on how busy the machine is.
func TestLogStaysShort(t *testing.T) {
	db := newDB(t)
	big := make([]byte, 1<<20)
	for range 400 {
		err := db.tx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec(`INSERT OR REPLACE INTO journal (seq, batch) VALUES (0, ?)`, big)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		db.checkpointer.wrote(len(big) / pageSize)
	}
	if info, err := os.Stat(db.file + "-wal"); err != nil || info.Size() > 300<<20 {
		t.Errorf("400 MiB written, the log has %d MiB, %v", info.Size()>>20, err)
	}
	if _, err := db.write.Exec(`DELETE FROM journal`); err != nil {
		t.Fatal(err)
	}
}

// TestPanicInStep: a step that panics does not affect others.
func TestPanicInStep(t *testing.T) {
	db := newDB(t)
	bump(t, db, benchID(1))
	err := db.Update(t.Context(), benchID(1), func(tokens.State) tokens.State { panic("oh") })
	if err == nil {
		t.Error("a panic is not an error")
	}
	err = db.UpdateAddress(t.Context(), benchAddr(1), func(addresses.State) addresses.State { panic("oh") })
	if err == nil {
		t.Error("a panic for an address is not an error")
	}
	if got := bump(t, db, benchID(1)); got != 2 {
		t.Errorf("%d calls", got)
	}
}

// TestQueue: a step that waits can be given up, steps beyond the length of the queue are refused,
// and closing completes all that wait.
func TestQueue(t *testing.T) {
	db := newDB(t)
	hold, held := make(chan struct{}), make(chan struct{})
	go db.writer.do(t.Context(), func() { close(held); <-hold })
	<-held
	ctx, cancel := context.WithCancel(t.Context())
	givenUp := make(chan error)
	count := func(s tokens.State) tokens.State { s.Tenant, s.Day = 1, s.Day+1; return s }
	go func() { givenUp <- db.Update(ctx, tokens.ID{1}, count) }()
	waitUntil(t, "one waits", func() bool { return len(db.writer.queue) == 1 })
	cancel()
	if err := <-givenUp; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	all := make(chan error, queueLen)
	for range queueLen - 1 {
		go func() { all <- db.Update(context.Background(), tokens.ID{1}, count) }()
	}
	waitUntil(t, "the queue is full", func() bool { return len(db.writer.queue) == queueLen })
	if err := db.Update(t.Context(), tokens.ID{1}, count); !errors.Is(err, ErrBusy) {
		t.Errorf("too many: %v", err)
	}
	if err := db.UpdateAddress(t.Context(), benchAddr(1), addBindings(1)); !errors.Is(err, ErrBusy) {
		t.Errorf("too many, an address: %v", err)
	}
	close(hold)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	for range queueLen - 1 {
		if err := <-all; err != nil {
			t.Fatalf("a step that waited when it closed: %v", err)
		}
	}
	if err := db.Update(t.Context(), tokens.ID{1}, count); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if err := db.UpdateAddress(t.Context(), benchAddr(1), addBindings(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("closed, an address: %v", err)
	}
	again := openFile(t, db.file, options())
	s, err := (&tokens.Gate{Store: again}).State(t.Context(), tokens.ID{1})
	if err != nil || s.Day != queueLen-1 {
		t.Errorf("%d of %d updates counted, %v", s.Day, queueLen-1, err)
	}
}

// TestOldRowsAreListed checks that rows that an older version wrote, which have no columns for
// lists, are listed after the file is opened.
func TestOldRowsAreListed(t *testing.T) {
	file := newFile(t)
	db, err := Open(t.Context(), file, options())
	if err != nil {
		t.Fatal(err)
	}
	s := tokens.State{Tenant: 3, IssuedAt: 1000, Expires: 90_000, Dead: tokens.Exhausted, Bound: tokens.BindTo(netip.MustParseAddr("192.0.2.7")), BoundAfter: 61}
	if err := db.Update(t.Context(), tokens.ID{7}, func(tokens.State) tokens.State { return s }); err != nil {
		t.Fatal(err)
	}
	if settled, err := db.Settle(t.Context()); !settled || err != nil {
		t.Fatal(settled, err)
	}
	if _, err := db.write.Exec(`UPDATE tokens SET used = NULL, issued = 0, dead = 0, address = NULL`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openFile(t, file, options())
	var used, issued, dead int64
	var address []byte
	if err := db.read.QueryRow(`SELECT used, issued, dead, address FROM tokens`).Scan(&used, &issued, &dead, &address); err != nil {
		t.Fatal(err)
	}
	if used != 1060 || issued != 1000 || dead != int64(tokens.Exhausted) || !bytes.Equal(address, s.Bound.Sum[:]) {
		t.Errorf("used %d, issued %d, dead %d, address %x", used, issued, dead, address)
	}
}
