package corpustable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stile.example/stile/corpus/replica"
	"stile.example/stile/store/tables/rows"
)

// Chunks implements [replica.Chunks].
type Chunks struct {
	DB  rows.DB
	Now func() time.Time
}

// maxHashes is how many hashes are in one statement.
const maxHashes = 500

// Missing implements [replica.Chunks].
func (c Chunks) Missing(ctx context.Context, hashes []replica.Hash) (missing []replica.Hash, err error) {
	stored := map[replica.Hash]bool{}
	for some := range slices.Chunk(hashes, maxHashes) {
		list, args := listOf(some)
		err := rows.Each(ctx, c.DB.Reader(), func(r rows.Row) error {
			h, err := scanHash(r)
			stored[h] = true
			return err
		}, `SELECT hash FROM corpus_chunks WHERE hash IN (`+list+`)`, args...)
		if err != nil {
			return nil, err
		}
	}
	for _, h := range hashes {
		if !stored[h] {
			missing = append(missing, h)
		}
	}
	return missing, nil
}

// Put implements [replica.Chunks].
func (c Chunks) Put(ctx context.Context, h replica.Hash, packed []byte) error {
	return c.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO corpus_chunks (hash, stored, packed) VALUES (?, ?, ?)
			ON CONFLICT (hash) DO UPDATE SET stored = excluded.stored, packed = excluded.packed`, h[:], rows.Millis(c.Now()), packed)
		return err
	})
}

// Get implements [replica.Chunks].
func (c Chunks) Get(ctx context.Context, h replica.Hash) (packed []byte, err error) {
	err = c.DB.Reader().QueryRowContext(ctx, `SELECT packed FROM corpus_chunks WHERE hash = ?`, h[:]).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		err = replica.ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("read chunk %s from the database: %w", h, err)
	}
	return packed, nil
}

// Before implements [replica.Chunks].
func (c Chunks) Before(ctx context.Context, stored time.Time, after *replica.Hash, limit int) (old []replica.Hash, next *replica.Hash, err error) {
	from := []byte{}
	if after != nil {
		from = after[:]
	}
	old, err = rows.All(ctx, c.DB.Reader(), scanHash,
		`SELECT hash FROM corpus_chunks WHERE hash > ? AND stored < ? ORDER BY hash LIMIT ?`, from, rows.Millis(stored), limit)
	if len(old) == limit {
		next = &old[limit-1]
	}
	return old, next, err
}

// Remove implements [replica.Chunks].
func (c Chunks) Remove(ctx context.Context, hashes []replica.Hash) error {
	list, args := listOf(hashes)
	return c.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM corpus_chunks WHERE hash IN (`+list+`)`, args...)
		return err
	})
}

// listOf returns hashes as a list of parameters.
func listOf(hashes []replica.Hash) (list string, args []any) {
	for i := range hashes {
		args = append(args, hashes[i][:])
	}
	return strings.Repeat(", ?", len(hashes))[2:], args
}

func scanHash(r rows.Row) (h replica.Hash, err error) {
	var b []byte
	if err := r.Scan(&b); err != nil {
		return h, err
	}
	if copy(h[:], b) != len(h) || len(b) != len(h) {
		return h, fmt.Errorf("hash of %d bytes: %w", len(b), replica.ErrDamaged)
	}
	return h, nil
}
