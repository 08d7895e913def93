// Package chosen stores in a corpus file what was chosen at import for the items of its owners. It
// derives from it how items are indexed and labelled.
package chosen

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"stile.example/stile/content/options"
	"stile.example/stile/corpus/synonyms"
	"stile.example/stile/corpus/terms"
)

// Reader is a database or a transaction.
type Reader interface {
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

// Read returns what was chosen for an owner. In a file of an older format, that is nothing.
func Read(ctx context.Context, db Reader, owner uint32) (o options.Options, err error) {
	var exists bool
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'options'`).Scan(&exists)
	if err != nil || !exists {
		return o, err
	}
	var searchable, labels []byte
	err = db.QueryRowContext(ctx, `SELECT searchable, synonyms, labels, url FROM options WHERE owner = ?`, owner).
		Scan(&searchable, &o.Synonyms, &labels, &o.URL)
	if errors.Is(err, sql.ErrNoRows) {
		return o, nil
	}
	if err == nil {
		err = errors.Join(json.Unmarshal(searchable, &o.Searchable), json.Unmarshal(labels, &o.Labels))
	}
	if err != nil {
		return o, fmt.Errorf("read the options of owner %d: %w", owner, err)
	}
	return o, nil
}

// Write stores what was chosen for an owner.
func Write(tx *sql.Tx, owner uint32, o options.Options) error {
	if o.Equal(options.Options{}) {
		_, err := tx.Exec(`DELETE FROM options WHERE owner = ?`, owner)
		return err
	}
	searchable, err := json.Marshal(o.Searchable)
	if err != nil {
		return err
	}
	labels, err := json.Marshal(o.Labels)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		INSERT OR REPLACE INTO options (owner, searchable, synonyms, labels, url) VALUES (?, ?, ?, ?, ?)`,
		owner, string(searchable), o.Synonyms, string(labels), o.URL)
	return err
}

// Index returns how items are indexed.
func Index(o options.Options) (terms.Index, error) {
	x := terms.Index{Searchable: o.Searchable}
	if o.Synonyms == "" {
		return x, nil
	}
	groups, err := synonyms.Parse("synonyms", o.Synonyms)
	if err != nil {
		return x, fmt.Errorf("read the options: %w", err)
	}
	x.Synonyms = synonyms.New(groups)
	return x, nil
}
