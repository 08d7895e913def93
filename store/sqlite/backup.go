package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// Backup writes a copy of the database to a file that must not exist yet. The copy is consistent:
// it shows one moment. Calls continue meanwhile.
func (db *DB) Backup(ctx context.Context, to string) error {
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	err = db.vacuumInto(ctx, to)
	if err == nil {
		err = f.Sync() // SQLite does not do that
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
