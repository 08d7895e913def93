package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

var errFault = errors.New("the disk is gone")

// faulty is a driver whose n-th operation fails. n is counted down; if it is 0 or less, none fails.
type faulty struct {
	connector
	n *atomic.Int64
}

func (f faulty) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := f.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return faultyConn{c.(*sqlite3.SQLiteConn), f.n}, nil
}

type faultyConn struct {
	*sqlite3.SQLiteConn
	n *atomic.Int64
}

func (c faultyConn) fails() bool { return c.n.Add(-1) == 0 }

func (c faultyConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	if c.fails() {
		return nil, errFault
	}
	return c.SQLiteConn.ExecContext(ctx, q, args)
}

func (c faultyConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	if c.fails() {
		return nil, errFault
	}
	return c.SQLiteConn.QueryContext(ctx, q, args)
}

func (c faultyConn) BeginTx(ctx context.Context, opt driver.TxOptions) (driver.Tx, error) {
	if c.fails() {
		return nil, errFault
	}
	tx, err := c.SQLiteConn.BeginTx(ctx, opt)
	return faultyTx{tx, c}, err
}

type faultyTx struct {
	driver.Tx
	c faultyConn
}

func (tx faultyTx) Commit() error {
	if tx.c.fails() {
		return errors.Join(errFault, tx.Rollback())
	}
	return tx.Tx.Commit()
}

// breakable gives db a writing connection whose n-th operation from now on can be made to fail.
func breakable(t *testing.T, db *DB) (n *atomic.Int64) {
	t.Helper()
	n = new(atomic.Int64)
	err := db.writer.do(t.Context(), func() {
		db.write.Close()
		db.write = sql.OpenDB(faulty{writerDSN(db.file, false), n})
		db.write.SetMaxOpenConns(1)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestR3_NthOperationFails makes the n-th operation fail while a token and two addresses are used,
// always in one batch, for n = 1, 2, … until all is done before the n-th. Every step that returned
// without an error is stored, a step that failed is not, and service continues.
func TestR3_NthOperationFails(t *testing.T) {
	for n := int64(1); ; n++ {
		if !useWithFault(t, n) {
			t.Logf("%d operations", n-1)
			if n < 20 {
				t.Errorf("only %d operations", n-1)
			}
			return
		}
	}
}

// useWithFault reports whether there was an n-th operation.
func useWithFault(t *testing.T, n int64) bool {
	t.Helper()
	file, opt := newFile(t), options()
	opt.flushBytes = 1
	db := openFile(t, file, opt)
	countdown := breakable(t, db)
	countdown.Store(n)
	call := func() error {
		return db.Update(t.Context(), benchID(1), func(s tokens.State) tokens.State {
			s.Tenant, s.Day, s.Expires = 1, 1, int64(opt.Now().Unix())-200_000
			s.Used[0][0].Calls++
			return s
		})
	}
	bind := func(a addresses.Scope, until int64) func() error {
		return func() error {
			return db.UpdateAddress(t.Context(), a, func(s addresses.State) addresses.State {
				s.Until, s.Bucket = until, s.Bucket+1
				return s
			})
		}
	}
	var answered [3]int64
	batches := 0 // that failed
	for i := range 8 {
		failed := false
		for k, err := range together(t, db, call, bind(benchAddr(1), addresses.Forever), bind(benchAddr(2), 0)) {
			switch {
			case err == nil:
				answered[k]++
			case errors.Is(err, errFault):
				failed = true
			default:
				t.Fatalf("n = %d: %v", n, err)
			}
		}
		if failed {
			batches++
		}
		if i%3 == 2 { // idle states are written, and evicted
			db.writer.do(t.Context(), func() { db.writer.flushAll(); evictClean(db.writer) })
		}
	}
	swept := db.Sweep(t.Context(), time.Now().Add(9*24*time.Hour))
	if swept != nil && !errors.Is(swept, errFault) {
		t.Fatal(swept)
	}
	happened := countdown.Load() <= 0
	countdown.Store(0)
	db.Close()
	again := openFile(t, file, opt)
	wantBindings(t, again, n, benchAddr(1), answered[1])
	if swept != nil {
		wantBindings(t, again, n, benchAddr(2), answered[2])
	} else {
		wantBindings(t, again, n, benchAddr(2), 0)
	}
	wantCalls(t, again, n, uint32(answered[0]))
	if batches > 1 {
		t.Errorf("n = %d: one fault failed %d batches", n, batches)
	}
	return happened
}

// together makes updates that are in one batch, and returns their errors.
func together(t *testing.T, db *DB, updates ...func() error) []error {
	t.Helper()
	hold, held, released := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(released)
		db.writer.do(context.Background(), func() { close(held); <-hold })
	}()
	<-held
	errs := make([]error, len(updates))
	var wg sync.WaitGroup
	for i, update := range updates {
		wg.Go(func() { errs[i] = update() })
	}
	waitUntil(t, "all wait", func() bool { return len(db.writer.queue) == len(updates) })
	close(hold)
	wg.Wait()
	<-released
	return errs
}

func wantBindings(t *testing.T, db *DB, n int64, a addresses.Scope, want int64) {
	t.Helper()
	found := int64(0)
	err := db.EachAddress(t.Context(), func(b addresses.Scope, s addresses.State) {
		if a == b {
			found = s.Bucket
		}
	})
	if err != nil || found != want {
		t.Errorf("n = %d: %v has %d bindings, %v; answered %d", n, a, found, err, want)
	}
}

// evictClean evicts all states that are not dirty.
func evictClean(w *writer) {
	w.addrs = newAddressCache(maxAddresses)
	for i := range w.mem.shards {
		w.mem.rebuild(uint8(i), func(*slot) bool { return false })
	}
}

func wantCalls(t *testing.T, db *DB, n int64, want uint32) {
	t.Helper()
	lines, err := db.Usage(t.Context(), "", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || lines[0].Calls != int64(want) {
		t.Errorf("n = %d: usage %+v, answered %d", n, lines, want)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestR4_FullAndReadOnly: with a disk that is full or can't be written, every step that must write
// fails, and reading continues. When there is space again, everything works. Both are logged, with
// one line each.
func TestR4_FullAndReadOnly(t *testing.T) {
	for name, pragma := range map[string][2]string{
		"full":      {`PRAGMA max_page_count = 1`, `PRAGMA max_page_count = 1000000`},
		"read-only": {`PRAGMA query_only = on`, `PRAGMA query_only = off`},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			opt := options()
			opt.Log = slog.New(slog.NewTextHandler(&log, nil))
			db := openFile(t, newFile(t), opt)
			bump(t, db, benchID(1))
			pragmaTo(t, db, pragma[0])
			good := failsForNew(t, db)
			if _, err := (&tokens.Gate{Store: db}).State(t.Context(), benchID(1)); err != nil {
				t.Errorf("a step that only reads: %v", err)
			}
			pragmaTo(t, db, pragma[1])
			if err := db.Ready(t.Context()); err != nil {
				t.Errorf("with space again: %v", err)
			}
			if got := bump(t, db, benchID(1)); got != 2+good {
				t.Errorf("%d calls counted, %d answered", got, 2+good)
			}
			db.Close()
			if a, b := strings.Count(log.String(), "does not work"), strings.Count(log.String(), "works again"); a != 1 || b != 1 {
				t.Errorf("%d lines that it fails, %d that it works:\n%s", a, b, &log)
			}
		})
	}
}

// failsForNew makes calls until five have failed. It returns how many succeeded before, since a
// full file may still have a free page.
func failsForNew(t *testing.T, db *DB) (good uint32) {
	t.Helper()
	failed := 0
	for i := 0; failed < 5; i++ {
		err := db.Update(t.Context(), benchID(1), func(s tokens.State) tokens.State { s.Used[0][0].Calls++; return s })
		if err != nil {
			failed++
		} else if failed == 0 && i < 10_000 {
			good++
		} else {
			t.Fatalf("call %d succeeded", i)
		}
	}
	return good
}

func pragmaTo(t *testing.T, db *DB, q string) {
	t.Helper()
	if _, err := db.write.Exec(q); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", q, err))
	}
}
