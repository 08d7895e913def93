package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stile.example/stile/store/postgres/migration"
)

// OpenAsIs connects to the database of a URL, and changes nothing in it. missing has the names of
// the steps by which [Open] would migrate it; nil: it is new.
func OpenAsIs(ctx context.Context, url string) (db *DB, missing []string, err error) {
	cfg, err := Config(url)
	if err != nil {
		return nil, nil, err
	}
	db = openPools(cfg, Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err = db.checkVersion(ctx); err == nil {
		missing, err = db.missing(ctx)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, missing, nil
}

func (db *DB) missing(ctx context.Context) (names []string, err error) {
	isNew, err := migration.IsNew(ctx, db.read)
	if err != nil || isNew {
		return nil, err
	}
	return migration.Missing(ctx, db.read)
}

// MayCreate returns an error if the account may not create tables.
func (db *DB) MayCreate(ctx context.Context) error {
	err := db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `CREATE TABLE stile_check (one bigint)`); err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return fmt.Errorf("create a table: %w", err)
}

// errUndo ends a transaction that is not to be committed.
var errUndo = errors.New("undo")
