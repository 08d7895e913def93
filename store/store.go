// Package store opens what stile stores: the database that a setting names, and the corpus next to
// it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/corpus/library"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/listing"
	"stile.example/stile/usage"
)

// ErrCorpus means that the file of the corpus is missing or damaged.
var ErrCorpus = library.ErrCorpus

// DB is an open database of any engine.
type DB interface {
	rows.DB
	tokens.Store
	addresses.Store
	usage.Store
	tenants.Store
	library.Numbers

	// TenantNumber returns the number of a tenant, or [tenants.ErrNotFound].
	TenantNumber(ctx context.Context, clientID string) (uint32, error)
	// TokenList returns the list of the tokens.
	TokenList() listing.Store
	// EachState calls fn for the state of each token that is not in the ledger. tx is a transaction
	// of Reader, in which the ledger and the states are of one moment.
	EachState(ctx context.Context, tx *sql.Tx, fn func(tokens.ID, tokens.State)) error
	// Recount returns what all tenants used as Usage does, but reads every state.
	Recount(ctx context.Context) ([]usage.Line, error)
	// Sweep moves the usage of tokens that expired long ago to the ledger, and removes the tokens.
	Sweep(ctx context.Context, now time.Time) error
	// Live returns how many tokens are in memory, and are not dead.
	Live() int
	// Identity returns what the database belongs to, by name; "" if nothing is stored under it.
	Identity(ctx context.Context, name string) (string, error)
	// SetIdentity stores what the database belongs to.
	SetIdentity(ctx context.Context, name, value string) error
	// Ready returns an error if the database can't be read and written.
	Ready(ctx context.Context) error
	// Wrote notes that a transaction has written about that many pages.
	Wrote(pages int)
	// Checkpoint is called after a transaction of Reader was open during many writes.
	Checkpoint() error
	// Backup writes a copy of the database, as it is at one moment, to a file that must not exist.
	Backup(ctx context.Context, to string) error
	Close() error
}

// Store is an open database with its corpus.
type Store struct {
	DB
	*library.Library
	Shared *Shared // nil: only one process has it open
}

// Open opens the store that the setting names, in the data directory.
func Open(ctx context.Context, name, data string, opt sqlite.Options) (*Store, error) {
	return open(ctx, name, data, opt, library.Options{Now: opt.Now, Log: opt.Log})
}

func open(
	ctx context.Context, name, data string, opt sqlite.Options, of library.Options,
) (*Store, error) {
	if name != "sqlite" {
		return nil, fmt.Errorf("unknown store %q: must be sqlite; see OpenShared for others", name)
	}
	file := File(data)
	db, err := sqlite.Open(ctx, file, opt)
	if err != nil {
		return nil, err
	}
	l, err := library.Open(ctx, data, db, of)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", file, err), db.Close())
	}
	return &Store{DB: db, Library: l}, nil
}

// File returns the path of the database in a data directory.
func File(data string) string { return filepath.Join(data, "stile.db") }

// Close completes what waits to be written, and closes the corpus and the database.
func (s *Store) Close() error { return errors.Join(s.DB.Close(), s.Library.Close()) }

// RemoveTenant removes a tenant with its items. The items are removed first: if that fails, or the
// process is killed in between, the tenant still exists and can be removed again.
func (s *Store) RemoveTenant(ctx context.Context, clientID string) error {
	number, err := s.DB.TenantNumber(ctx, clientID)
	if err == nil {
		err = s.RemoveAll(ctx, number)
	}
	if err != nil {
		return fmt.Errorf("remove tenant %s: %w", clientID, err)
	}
	return s.DB.RemoveTenant(ctx, clientID)
}
