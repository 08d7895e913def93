package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// Backup writes a copy of the database to a file that must not be there yet:
// all as it was at one moment, while calls go on.
func (db *DB) Backup(ctx context.Context, to string) error {
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	err = db.vacuumInto(ctx, to)
	if err == nil {
		err = f.Sync() // SQLite leaves that to us
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(to)
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func (db *DB) vacuumInto(ctx context.Context, to string) error {
	conn := open(dsn(db.file, url.Values{"mode": {"ro"}}), 1)
	_, err := conn.ExecContext(ctx, `VACUUM INTO ?`, to)
	return errors.Join(err, conn.Close())
}
