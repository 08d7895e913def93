// Package sqlite stores in one SQLite file everything that must be durable, except the corpus.
//
// The states of tokens change with every call. They go through one goroutine, the writer. It takes
// all steps that wait, applies them to states in memory, makes them durable with one row of a
// journal, and only then returns to their callers. The rows of table tokens are written later, and
// the journal is replayed at start. So one commit serves many calls, and a kill loses no call that
// was answered. The states of addresses change only with new tokens. They go the same way, but
// without the journal: their rows are written with the batch.
//
// Everything else is plain SQL: changes use the one writing connection, and queries a pool of
// connections that can only read and never wait for a writer.
//
// A commit survives if the process is killed at any point. A power cut may lose the last moments,
// unless each commit waits for the disk ([Options]), but does not corrupt the file.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"stile.example/stile/store/sqlite/migration"
	"stile.example/stile/store/tables/addresslist"
	"stile.example/stile/store/tables/installation"
	"stile.example/stile/store/tables/tenanttable"
	"stile.example/stile/store/tables/usagesum"
)

// Options is what a database needs in addition to its file.
type Options struct {
	Log *slog.Logger     // required
	Now func() time.Time // required

	// WaitForDisk makes each commit wait until it would survive a power cut.
	WaitForDisk bool

	// KeepIdle is how long a token's state stays in memory after its last use; 0 means 15 minutes.
	KeepIdle time.Duration
	// MaxStates is how many states are in memory at most; 0 means two million. Beyond it, the longest
	// unused are evicted early.
	MaxStates int

	flushBytes int // how much journal starts a flush; 0 means flushBytes
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	tenantTable
	installationTable
	addressTable

	write *sql.DB // one connection
	read  *sql.DB // a pool of connections that cannot write

	file string
	opt  Options

	writer       *writer
	checkpointer *checkpointer
	used         usagesum.Tokens // what all tokens' states count
	close        func() error
}

type (
	tenantTable       = tenanttable.Table
	installationTable = installation.Table
	addressTable      = addresslist.Table
)

// Open opens the file. It creates a missing file, and updates an old schema. The caller must ensure
// that no other process has the file open.
func Open(ctx context.Context, file string, opt Options) (_ *DB, err error) {
	if err := create(file); err != nil {
		return nil, err
	}
	opt.KeepIdle = cmp.Or(opt.KeepIdle, 15*time.Minute)
	opt.MaxStates = cmp.Or(opt.MaxStates, 2_000_000)
	opt.flushBytes = cmp.Or(opt.flushBytes, flushBytes)
	db := &DB{write: openWriter(file, opt.WaitForDisk), read: OpenReaders(file), file: file, opt: opt}
	db.tenantTable = tenanttable.Table{DB: db}
	db.installationTable = installation.Table{DB: db}
	db.addressTable = addresslist.Table{DB: db}
	db.checkpointer = startCheckpointer(db)
	db.close = sync.OnceValue(db.closeAll)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open %s: %w", file, err), db.Close())
		}
	}()
	if err := migration.Run(ctx, db, migration.Steps()); err != nil {
		return nil, err
	}
	if err := db.readSums(ctx); err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	w := newWriter(db)
	if err := w.loadJournal(ctx); err != nil {
		return nil, err
	}
	if err := db.listOld(ctx); err != nil {
		return nil, err
	}
	w.start()
	db.writer = w
	return db, nil
}

// create creates the file if it is missing, readable only by its owner, since it contains
// addresses. SQLite gives the files next to it the same permissions.
func create(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Close completes the steps that wait, writes what is not written yet, and closes the file. A later
// Update returns [ErrClosed].
func (db *DB) Close() error { return db.close() }

func (db *DB) closeAll() (err error) {
	if db.writer != nil {
		err = db.writer.stop()
	}
	// The writing connection is closed last: it copies the log into the file.
	return errors.Join(err, db.read.Close(), db.checkpointer.stop(), db.write.Close())
}

// tx runs fn in a transaction on the writing connection, and commits unless fn fails. It must be
// short, a few milliseconds at most, since all calls wait for it.
func (db *DB) tx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	db.checkpointer.wrote(3) // an estimate
	return nil
}
