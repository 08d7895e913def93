// Package sqlite keeps all that stile must remember in one SQLite file.
//
// What changes with every call, the states of tokens, goes through one
// goroutine, the writer: it takes all steps that wait, applies them to states
// in memory, makes them durable with one row of a journal, and only then lets
// them be answered. Rows of the table tokens are written behind the journal,
// which is replayed at start. So one commit serves many calls, and no
// answered call is lost by a kill. The states of addresses, which only new
// tokens change, go the same way, but for the journal: their rows are written
// with the batch.
//
// All else is plain SQL: changes by the one writing connection, questions by
// a pool of connections that can only read and never wait for a writer.
//
// A commit is safe from the process being killed at any point. A power cut
// may take the last moments, but never leaves a broken file.
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
)

// Options is what a database needs beside its file.
type Options struct {
	Log *slog.Logger     // required
	Now func() time.Time // required

	// KeepIdle is how long a token's state stays in memory after it was last
	// used; 0 is 15 minutes.
	KeepIdle time.Duration
	// MaxStates is how many states are in memory at most; 0 is two million.
	// Beyond it the longest unused leave early.
	MaxStates int

	foldBytes int // of journal that start a fold; 0 is 32 MiB
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	write *sql.DB // one connection
	read  *sql.DB // a pool of connections that cannot write

	file string
	opt  Options

	writer       *writer
	checkpointer *checkpointer
	close        func() error
}

// Open opens the file, creating it and bringing its schema up to date. The
// caller sees to it that no other process has it open.
func Open(ctx context.Context, file string, opt Options) (_ *DB, err error) {
	if err := create(file); err != nil {
		return nil, err
	}
	opt.KeepIdle = cmp.Or(opt.KeepIdle, 15*time.Minute)
	opt.MaxStates = cmp.Or(opt.MaxStates, 2_000_000)
	opt.foldBytes = cmp.Or(opt.foldBytes, foldBytes)
	db := &DB{write: openWriter(file), read: openReaders(file), file: file, opt: opt}
	db.checkpointer = startCheckpointer(db)
	db.close = sync.OnceValue(db.closeAll)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open %s: %w", file, err), db.Close())
		}
	}()
	if err := db.migrate(ctx, migrations); err != nil {
		return nil, err
	}
	if err := db.replay(ctx); err != nil {
		return nil, err
	}
	db.writer = startWriter(db)
	return db, nil
}

// create makes the file, if it is not there, for its owner's eyes only: it
// holds addresses. SQLite gives the files beside it the same rights.
func create(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Close answers whoever waits, writes what is still to be written and closes
// the file. An Update after it is an error.
func (db *DB) Close() error { return db.close() }

func (db *DB) closeAll() (err error) {
	if db.writer != nil {
		err = db.writer.stop()
	}
	// The writing connection is the last: it copies the log into the file.
	return errors.Join(err, db.read.Close(), db.checkpointer.stop(), db.write.Close())
}

// tx runs fn in a transaction on the writing connection, and commits unless
// fn fails. It must be short, a few milliseconds at most: every call that is
// answered meanwhile waits for it.
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
	db.checkpointer.wrote(3) // more or less
	return nil
}
