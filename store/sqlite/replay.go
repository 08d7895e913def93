package sqlite

import (
	"context"
	"database/sql"
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

// eachJournal calls fn with each row of the journal, in order.
func eachJournal(ctx context.Context, q rows.Querier, fn func(seq int64, batch, sums []byte) error) error {
	return rows.Each(ctx, q, func(r rows.Row) error {
		var seq int64
		var batch, sums sql.RawBytes
		if err := r.Scan(&seq, &batch, &sums); err != nil {
			return err
		}
		if err := fn(seq, batch, sums); err != nil {
			return fmt.Errorf("row %d: %w", seq, err)
		}
		return nil
	}, `SELECT seq, batch, usage FROM journal ORDER BY seq`)
}

// readJournal returns the newest states in the journal.
func readJournal(ctx context.Context, tx *sql.Tx) (states map[tokens.ID]tokens.State, err error) {
	states = map[tokens.ID]tokens.State{}
	err = eachJournal(ctx, tx, func(_ int64, batch, _ []byte) error {
		return records(batch, func(id tokens.ID, s *tokens.State) { states[id] = *s })
	})
	return states, err
}
