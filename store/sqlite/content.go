package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// corpora is the corpus from import to import. Each generation of it is a
// file of its own, corpus-N.db beside the database, which never changes once
// it is read from. So an import takes as long as it must without holding up
// the writer of tokens, questions go on being answered from the generation
// before, and all or nothing is one number in the database.
type corpora struct {
	dir       string // that the files are in
	times     times
	turns     lanes      // of questions to it
	importing sync.Mutex // held by the one import that runs

	mu  sync.Mutex
	now *corpus
}

// ErrImporting says that the corpus is being changed already.
var ErrImporting = errors.New("another import is running: try again when it is done")

// openCorpus opens the current generation, and removes what killed imports
// left behind. It must be called once, by Open.
func (db *DB) openCorpus(ctx context.Context, file string) error {
	db.dir, db.times = filepath.Dir(file), searchTimes
	db.turns.open(cores)
	n, err := db.generation(ctx)
	if err != nil {
		return fmt.Errorf("read corpus generation: %w", err)
	}
	if err := db.removeOthers(n); err != nil {
		return err
	}
	if n == 0 {
		if err := makeEmpty(ctx, db.corpusFile(0)); err != nil {
			return fmt.Errorf("make corpus: %w", err)
		}
	}
	c, err := openGeneration(ctx, db.corpusFile(n), n)
	if err != nil {
		return fmt.Errorf("open corpus: %w", err)
	}
	db.now = c
	return nil
}

func (db *DB) closeCorpus() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.now == nil {
		return nil
	}
	return db.now.close()
}

func (db *DB) generation(ctx context.Context) (n int64, err error) {
	return n, db.read.QueryRowContext(ctx, `SELECT generation FROM corpus`).Scan(&n)
}

func (db *DB) corpusFile(n int64) string {
	return filepath.Join(db.dir, fmt.Sprintf("corpus-%d.db", n))
}

// CorpusFile is the file that holds the corpus now. The next import replaces it.
func (db *DB) CorpusFile() string {
	c := db.acquire()
	defer db.release(c)
	return c.file
}

// HoldImports keeps imports out until release is called: a backup takes the
// database and its CorpusFile, and the one must be what the other asks for. It
// gives ErrImporting where an import is running.
func (db *DB) HoldImports() (release func(), err error) {
	if !db.importing.TryLock() {
		return nil, ErrImporting
	}
	return db.importing.Unlock, nil
}

// removeOthers removes all generations but n. Generation 0 is empty, and made anew.
func (db *DB) removeOthers(n int64) error {
	files, err := filepath.Glob(filepath.Join(globEscape(db.dir), "corpus-*.db"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if f == db.corpusFile(n) && n != 0 {
			continue
		}
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return nil
}

func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

// acquire is the corpus of this moment; it stays open until it is released.
func (db *DB) acquire() *corpus {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.now.users++
	return db.now
}

func (db *DB) release(c *corpus) {
	db.mu.Lock()
	c.users--
	last := c.users == 0 && c != db.now
	db.mu.Unlock()
	if last {
		c.discard()
	}
}

// publish makes generation n, whose file is complete and on the disk, the
// corpus. The old file goes with its last reader.
func (db *DB) publish(ctx context.Context, n int64) error {
	next, err := openGeneration(ctx, db.corpusFile(n), n)
	if err != nil {
		return err
	}
	err = db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE corpus SET generation = ?`, n)
		return err
	})
	if err != nil {
		return errors.Join(err, next.close())
	}
	old := db.acquire()
	db.mu.Lock()
	db.now = next
	db.mu.Unlock()
	db.release(old)
	return nil
}
