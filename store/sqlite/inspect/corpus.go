package inspect

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	files "stile.example/stile/corpus/sqlite"
	"stile.example/stile/store/tables/rows"
)

const importAgain = "restore this file from the backup that the database is from; without a backup, run `stile serve --new-corpus` once, and import the corpus again"

// CorpusFile returns the path of the corpus that a database names.
func CorpusFile(ctx context.Context, db rows.Querier, dir string) (string, error) {
	var n int64
	err := rows.Each(ctx, db, func(r rows.Row) error { return r.Scan(&n) }, `SELECT generation FROM corpus`)
	if err != nil {
		return "", fmt.Errorf("read the generation of the corpus: %w", err)
	}
	return filepath.Join(dir, fmt.Sprintf("corpus-%d.db", n)), nil
}

// corpus checks the file of the current generation. Calls continue meanwhile, and an import may
// publish the next generation: then the file is gone, which is not a finding.
func (c *checker) corpus(ctx context.Context, tx *sql.Tx) error {
	c.begin("corpus")
	file, err := CorpusFile(ctx, tx, c.Dir)
	if err != nil {
		return err
	}
	if !exists(file) {
		return c.missing(ctx, file)
	}
	owners, err := c.owners(ctx, tx)
	if err != nil {
		return err
	}
	db := files.OpenReaders(file, 1)
	defer db.Close() // it was only read
	problems, err := Integrity(ctx, db)
	if err == nil && len(problems) == 0 {
		err = c.items(ctx, db, owners)
	}
	if err == nil {
		err = c.undo(file)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !exists(file): // an import has replaced it meanwhile
		return c.missing(ctx, file)
	case err != nil: // of a file that never changes
		c.found("the file is damaged, or is not a corpus", importAgain, "%s: %v", filepath.Base(file), err)
	}
	for _, p := range problems {
		c.found("the file is damaged", importAgain, "%s: %s", filepath.Base(file), p)
	}
	return nil
}

// undo checks the note about the last change, by which it can be undone.
func (c *checker) undo(file string) error {
	note := strings.TrimSuffix(file, ".db") + ".json"
	text, err := os.ReadFile(note)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var change struct{ Generation, Previous int64 }
	err = json.Unmarshal(text, &change)
	if err != nil || filepath.Base(file) != fmt.Sprintf("corpus-%d.db", change.Generation) {
		c.found("the note about the last change can't be read, so it can't be undone", "remove this file, and import the corpus again if the last change was wrong", "%s", filepath.Base(note))
		return nil
	}
	// Without the note, an import has replaced both meanwhile.
	previous := filepath.Join(c.Dir, fmt.Sprintf("corpus-%d.db", change.Previous))
	if change.Previous != 0 && !exists(previous) && exists(note) {
		c.found("the corpus before the last change is missing, so it can't be undone", "remove the note of the change, and import the corpus again if the last change was wrong", "%s, named by %s", filepath.Base(previous), filepath.Base(note))
	}
	return nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

// missing reports that the corpus does not exist, unless the database names another one by now.
func (c *checker) missing(ctx context.Context, file string) error {
	now, err := CorpusFile(ctx, c.DB, c.Dir)
	if err != nil {
		return err
	}
	if now == file && filepath.Base(file) != "corpus-0.db" { // which is made at each start
		c.found("the file is missing", importAgain, "%s", filepath.Base(file))
	}
	return nil
}

// owners returns the numbers of those who may have items: 0, for the shared corpus, and tenants.
func (c *checker) owners(ctx context.Context, tx *sql.Tx) (map[int64]bool, error) {
	owners := map[int64]bool{0: true}
	err := rows.Each(ctx, tx, func(r rows.Row) error {
		var n int64
		err := r.Scan(&n)
		owners[n] = true
		return err
	}, `SELECT number FROM tenants WHERE status <> 'removed'`)
	if err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	return owners, nil
}

// items checks the format of a corpus, the owners of its items, and that all are in the index.
func (c *checker) items(ctx context.Context, db *sql.DB, owners map[int64]bool) error {
	var format, indexed int64
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&format); err != nil {
		return err
	}
	if format < files.OldestFormat || format > files.Format {
		c.found("the corpus has a format that this version can't read", "use the version of stile that wrote it, or import the corpus again", "format %d", format)
		return nil
	}
	err := rows.Each(ctx, db, func(r rows.Row) error {
		var owner, items, misplaced int64
		if err := r.Scan(&owner, &items, &misplaced); err != nil {
			return err
		}
		c.report.Checked[c.part] += items
		if misplaced > 0 {
			c.found("items have the number of another owner", importAgain, "%d items of owner %d", misplaced, owner)
		}
		if !owners[owner] {
			c.found("items belong to a tenant that does not exist", "import the corpus again; these items are shown to nobody", "%d items of tenant number %d", items, owner)
		}
		return nil
	}, `SELECT owner, count(*), sum(owner <> item >> 40) FROM items GROUP BY owner`)
	if err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM search`).Scan(&indexed); err != nil {
		return err
	}
	if all := c.report.Checked[c.part]; indexed != all {
		c.found("the index does not have all items", importAgain, "%d of %d items", indexed, all)
	}
	return nil
}

// Items returns how many items a corpus file has.
func Items(ctx context.Context, file string) (n int64, err error) {
	db := files.OpenReaders(file, 1)
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM items`).Scan(&n)
	if err = errors.Join(err, db.Close()); err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

// CorpusIntegrity returns what SQLite finds wrong in a corpus file.
func CorpusIntegrity(ctx context.Context, file string) ([]string, error) {
	db := files.OpenReaders(file, 1)
	problems, err := Integrity(ctx, db)
	return problems, errors.Join(err, db.Close())
}
