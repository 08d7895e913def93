package sqlite

import (
	"context"
	"database/sql"

	"stile.example/stile/store/tables/tokenlist"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/listing"
)

// Write runs fn in a transaction on the writing connection, and commits unless fn fails. It is for
// the packages below this one, which keep tables of their own. A transaction must take a few
// milliseconds at most, since all calls wait for it: split a larger change.
func (db *DB) Write(ctx context.Context, fn func(*sql.Tx) error) error { return db.tx(ctx, fn) }

// Reader returns a pool of connections that can only read, and never wait for the writer.
func (db *DB) Reader() *sql.DB { return db.read }

// Wrote notes that a transaction of [DB.Write] has written about that many pages, so that the
// write-ahead log is copied into the file in time.
func (db *DB) Wrote(pages int) { db.checkpointer.wrote(pages) }

// Checkpoint copies the write-ahead log into the file now. It is for whoever has held a transaction
// of [DB.Reader] open during many writes: the log could not be overwritten meanwhile.
func (db *DB) Checkpoint() error { return db.checkpointer.checkpoint() }

// EachState calls fn for the state of each token that is not in the ledger. tx is a transaction of
// [DB.Reader], in which the ledger and the states are of one moment.
func (db *DB) EachState(ctx context.Context, tx *sql.Tx, fn func(tokens.ID, tokens.State)) error {
	return EachState(ctx, tx, fn)
}

// TokenList returns the list of the tokens.
func (db *DB) TokenList() listing.Store { return tokenlist.Table{DB: db} }
