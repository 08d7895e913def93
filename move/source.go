package move

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/store"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/sqlite/migration"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/signing"
)

// source is a data directory that is locked and read as it is: opening it as the server does would
// change it.
type source struct {
	dir         string
	db          *sql.DB
	keys        *signing.Keys
	fingerprint string // of the keys: it identifies the installation
	release     func() error
}

func openSource(ctx context.Context, dir string, now time.Time) (_ *source, err error) {
	release, err := datadir.Hold(dir)
	if errors.Is(err, datadir.ErrHeld) {
		return nil, fmt.Errorf("%s is open in another process: stop that server or command first. Calls that it answers during a move would be lost", dir)
	}
	if err != nil {
		return nil, err
	}
	s := &source{dir: dir, db: sqlite.OpenReaders(store.File(dir)), release: release}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := s.checkVersion(ctx); err != nil {
		return nil, err
	}
	if s.keys, err = signing.ReadKeys(datadir.KeyFile(dir), now); err != nil {
		return nil, err
	}
	if s.fingerprint, err = s.keys.Fingerprint(); err != nil {
		return nil, err
	}
	stored, err := identity(ctx, s.db, "secret_key")
	if err == nil && stored != s.fingerprint {
		err = fmt.Errorf("%s belongs to another database than %s: restore both from the same backup", datadir.KeyFile(dir), store.File(dir))
	}
	return s, err
}

func (s *source) close() error { return errors.Join(s.db.Close(), s.release()) }

// checkVersion returns an error unless this version has written the database.
func (s *source) checkVersion(ctx context.Context) error {
	file := store.File(s.dir)
	missing, err := migration.Missing(ctx, s.db)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s was written by an older version of stile: start this version on it once, with `stile serve`, and then move it", file)
	}
	return nil
}

// identity returns what a database belongs to, by name; "" if nothing is stored under it.
func identity(ctx context.Context, q rows.Querier, name string) (value string, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM identity WHERE name = ?`, name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read identity: %w", err)
	}
	return value, nil
}

// rowsView runs fn in a transaction that can only read.
func rowsView(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	return rows.View(ctx, db, fn)
}

// eachToken calls fn for the state of each token, until it returns an error. A token that was swept
// has none.
func (s *source) eachToken(ctx context.Context, tx *sql.Tx, fn func(tokens.ID, tokens.State) error) (err error) {
	each := sqlite.EachState(ctx, tx, func(id tokens.ID, state tokens.State) {
		if err == nil && state != (tokens.State{}) {
			err = fn(id, state)
		}
	})
	return errors.Join(err, each)
}

// corpusFile returns the path of the file of a generation.
func (s *source) corpusFile(generation int64) string {
	return filepath.Join(s.dir, fmt.Sprintf("corpus-%d.db", generation))
}

// changeFile returns the path of the file that says what the change to a generation was.
func (s *source) changeFile(generation int64) string {
	return filepath.Join(s.dir, fmt.Sprintf("corpus-%d.json", generation))
}

// numbers returns the largest number that each table has ever given to a row.
func (s *source) numbers(ctx context.Context, tx *sql.Tx) (map[string]int64, error) {
	largest := map[string]int64{}
	err := rows.Each(ctx, tx, func(r rows.Row) error {
		var table string
		var n int64
		err := r.Scan(&table, &n)
		largest[table] = n
		return err
	}, `SELECT name, seq FROM sqlite_sequence`)
	return largest, err
}
