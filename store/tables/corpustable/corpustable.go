// Package corpustable stores the manifests of the corpus's generations, and the chunks unless they
// are elsewhere, in the database that all nodes share.
package corpustable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/corpus/replica"
	"stile.example/stile/store/tables/rows"
)

// Catalog implements [replica.Catalog].
type Catalog struct{ DB rows.DB }

// Present implements [replica.Catalog].
func (c Catalog) Present(ctx context.Context) (p replica.Present, err error) {
	err = c.DB.Reader().QueryRowContext(ctx, `SELECT generation, id, undo FROM corpus_present`).Scan(&p.Generation, &p.ID, &p.Undo)
	if err != nil {
		err = fmt.Errorf("read the present generation of the corpus: %w", err)
	}
	return p, err
}

// Manifest implements [replica.Catalog].
func (c Catalog) Manifest(ctx context.Context, generation int64) (m replica.Manifest, err error) {
	b, err := c.read(ctx, `SELECT manifest FROM corpus_generations WHERE generation = ?`, generation)
	if err != nil {
		return m, err
	}
	return replica.DecodeManifest(b)
}

// Patch implements [replica.Catalog].
func (c Catalog) Patch(ctx context.Context, generation int64) ([]byte, error) {
	return c.read(ctx, `SELECT patch FROM corpus_generations WHERE generation = ?`, generation)
}

func (c Catalog) read(ctx context.Context, query string, generation int64) (b []byte, err error) {
	err = c.DB.Reader().QueryRowContext(ctx, query, generation).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		err = replica.ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("generation %d of the corpus: %w", generation, err)
	}
	return b, nil
}

// Commit implements [replica.Catalog].
func (c Catalog) Commit(ctx context.Context, m replica.Manifest, patch []byte) error {
	b, err := m.Encode()
	if err != nil {
		return err
	}
	undo := int64(-1)
	if m.Change != nil {
		undo = m.Change.Previous
	}
	return c.DB.Write(ctx, func(tx *sql.Tx) error {
		n, err := rows.Affected(tx.ExecContext(ctx, `UPDATE corpus_present SET generation = ?, id = ?, undo = ? WHERE generation = ?`,
			m.Generation, m.ID, undo, m.Parent))
		if err != nil {
			return err
		}
		if n == 0 {
			return replica.ErrOvertaken
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO corpus_generations (generation, published, manifest, patch) VALUES (?, ?, ?, ?)
			ON CONFLICT (generation) DO UPDATE SET published = excluded.published, manifest = excluded.manifest, patch = excluded.patch`,
			m.Generation, rows.Millis(m.At), b, patch)
		return err
	})
}

// Forget implements [replica.Catalog].
func (c Catalog) Forget(ctx context.Context, since time.Time) (kept []replica.Manifest, err error) {
	err = c.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM corpus_generations WHERE published < ?
			AND generation NOT IN (SELECT generation FROM corpus_present) AND generation NOT IN (SELECT undo FROM corpus_present)`, rows.Millis(since))
		if err != nil {
			return err
		}
		kept, err = rows.All(ctx, tx, func(r rows.Row) (replica.Manifest, error) {
			var b []byte
			if err := r.Scan(&b); err != nil {
				return replica.Manifest{}, err
			}
			return replica.DecodeManifest(b)
		}, `SELECT manifest FROM corpus_generations ORDER BY generation`)
		return err
	})
	return kept, err
}

// ForgetUndo implements [replica.Catalog].
func (c Catalog) ForgetUndo(ctx context.Context, generation int64) error {
	return c.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE corpus_present SET undo = -1 WHERE generation = ?`, generation); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM corpus_generations WHERE generation < ?`, generation)
		return err
	})
}
