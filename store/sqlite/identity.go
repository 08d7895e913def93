package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mattn/go-sqlite3"

	"stile.example/stile/store/sqlite/migration"
)

// IsNew reports whether [Open] would start with an empty database: the file is missing or empty, or
// has no tables, as when it was copied without its log. No other process may have the file open.
func IsNew(ctx context.Context, file string) (bool, error) {
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if info.Size() == 0 {
		return true, nil
	}
	db := OpenReaders(file)
	var tables int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'`).Scan(&tables)
	if err = errors.Join(err, db.Close()); err != nil {
		return false, fmt.Errorf("open %s: %w", file, err)
	}
	return tables == 0, nil
}

// IsOld reports whether [Open] would migrate the database of a file that has one.
func IsOld(ctx context.Context, file string) (bool, error) {
	db := OpenReaders(file)
	missing, err := migration.Missing(ctx, db)
	if err = errors.Join(err, db.Close()); err != nil {
		return false, fmt.Errorf("open %s: %w", file, err)
	}
	return len(missing) > 0, nil
}

// IsDamaged reports whether an error says that a file is not a database, or is damaged.
func IsDamaged(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && (e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt)
}
