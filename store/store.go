// Package store opens what stile stores: the database that a setting names, and the corpus next to
// it.
package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"stile.example/stile/corpus/library"
	"stile.example/stile/store/sqlite"
)

// ErrCorpus means that the file of the corpus is missing or damaged.
var ErrCorpus = library.ErrCorpus

// Store is an open database with its corpus.
type Store struct {
	*sqlite.DB
	*library.Library
}

// Open opens the store that the setting names, in the data directory.
func Open(ctx context.Context, name, data string, opt sqlite.Options) (*Store, error) {
	return open(ctx, name, data, opt, library.Options{Now: opt.Now, Log: opt.Log})
}

func open(
	ctx context.Context, name, data string, opt sqlite.Options, of library.Options,
) (*Store, error) {
	if name != "sqlite" {
		return nil, fmt.Errorf("unknown store %q: must be sqlite", name)
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
	return &Store{db, l}, nil
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
