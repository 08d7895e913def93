package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tokens"
)

// loadJournal reads the journal into memory, before the writer runs. Its states are dirty: a flush,
// which begins now, writes their rows. Waiting for that would take ten times as long.
func (w *writer) loadJournal(ctx context.Context) error {
	w.at = w.now()
	var packed []byte
	err := eachJournal(ctx, w.db.read, func(seq int64, batch, sums []byte) error {
		w.seq, w.journal = seq, w.journal+len(batch)
		if err := w.db.used.Set(sums); err != nil {
			return err
		}
		return records(batch, func(id tokens.ID, s *tokens.State) {
			packed = tokens.AppendPacked(packed[:0], s)
			w.mem.set(id, packed, isAlive(s), w.at).setDirty(true)
		})
	})
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	w.startFlush(1)
	return nil
}

// eachJournal calls fn with each row of the journal, in order. A row that is damaged or missing is
// an error: tokens would go back to earlier states.
func eachJournal(ctx context.Context, q rows.Querier, fn func(seq int64, batch, sums []byte) error) error {
	return EachRow(ctx, q, func(r JournalRow) error {
		err := r.Fault()
		if err == nil {
			err = fn(r.Seq, r.Batch, r.sums)
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", r.Seq, err)
		}
		return nil
	})
}

// JournalRow is a row of the journal as it is stored.
type JournalRow struct {
	Seq      int64
	Batch    sql.RawBytes // valid until the next row
	sums     sql.RawBytes
	checksum sql.NullInt64 // of a row of an older version it is missing
	before   int64         // the number of the row before; 0: there is none, or it has no checksum
}

// Errors of [JournalRow.Fault].
var (
	ErrDamaged = errors.New("it differs from its checksum; `stile fsck` says more")
	ErrMissing = errors.New("the row before it is missing; `stile fsck` says more")
)

// Fault returns what is wrong with the row, or nil. Only the first rows of the journal are ever
// removed, so the others follow each other.
func (r JournalRow) Fault() error {
	switch {
	case !r.checksum.Valid:
		return nil
	case r.checksum.Int64 != Checksum(r.Seq, r.Batch, r.sums):
		return ErrDamaged
	case r.before != 0 && r.before != r.Seq-1:
		return ErrMissing
	}
	return nil
}

// EachRow calls fn with each row of the journal, in order, also with those that are damaged.
func EachRow(ctx context.Context, q rows.Querier, fn func(JournalRow) error) error {
	var r JournalRow
	return rows.Each(ctx, q, func(row rows.Row) error {
		if r.before = r.Seq; !r.checksum.Valid {
			r.before = 0
		}
		if err := row.Scan(&r.Seq, &r.Batch, &r.sums, &r.checksum); err != nil {
			return err
		}
		return fn(r)
	}, `SELECT seq, batch, usage, checksum FROM journal ORDER BY seq`)
}

// readJournal returns the newest states in the journal.
func readJournal(ctx context.Context, tx *sql.Tx) (states map[tokens.ID]tokens.State, err error) {
	states = map[tokens.ID]tokens.State{}
	err = eachJournal(ctx, tx, func(_ int64, batch, _ []byte) error {
		return records(batch, func(id tokens.ID, s *tokens.State) { states[id] = *s })
	})
	return states, err
}
