package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"stile.example/stile/tokens"
)

// The journal is the truth about what changed lately: each of its rows holds
// the new states of one batch, whole. A state newer than its row in tokens is
// dirty, and is in memory. When the journal has become long, a fold writes the
// rows of all that is dirty, a few with each commit, and then deletes what the
// journal held when the fold began. That is always the journal's beginning: so
// a replay ends at the newest state of each token, and a replay of what was
// folded already changes nothing.
//
// Rows are folded in the order of ids, which is theirs in the file: ids are
// hashes, and in the order of calls each row would cost a page.

// commit makes what the batch changed durable, or undoes it.
func (w *writer) commit() error {
	if len(w.changes) == 0 && len(w.addrs.changed) == 0 {
		return nil
	}
	w.startFlush(w.db.opt.foldBytes)
	if err := w.write(w.encodeChanges(), max(foldRows, len(w.changes))); err != nil {
		w.undo()
		return fmt.Errorf("commit: %w", err)
	}
	for _, c := range w.changes {
		w.slot(c).touched = false
	}
	w.changes = w.changes[:0]
	w.addrs.written()
	return nil
}

// write writes, in one transaction, a row of the journal, if there is one, the
// rows of the addresses that the batch changed, and about as many rows of dirty
// states as asked for, if a fold is under way.
func (w *writer) write(row []byte, rows int) error {
	due, done := w.fold.due(w.mem, rows)
	err := w.commitRows(row, due, done)
	w.report(err)
	if err != nil {
		return err
	}
	w.db.checkpointer.wrote(len(due)/4 + len(w.addrs.changed) + len(row)/pageSize)
	w.wrote(row)
	w.fold.advance(w.mem, due, done)
	return nil
}

// commitRows is the transaction of write. Mostly there is only the journal's
// row: then the one statement is a transaction by itself, and two less cross
// over to SQLite.
func (w *writer) commitRows(row []byte, due []tokens.ID, done bool) error {
	if len(due) == 0 && !done && len(w.addrs.changed) == 0 {
		w.db.checkpointer.wrote(3) // as db.tx has it
		return addToJournal(w.db.write, w.seq+1, row)
	}
	return w.db.tx(context.Background(), func(tx *sql.Tx) error {
		if err := addToJournal(tx, w.seq+1, row); err != nil {
			return err
		}
		if err := w.addrs.write(tx, w.db.opt.Now()); err != nil {
			return err
		}
		for _, id := range due {
			if err := writeToken(tx, id, w.mem.find(id).state); err != nil {
				return err
			}
		}
		if !done {
			return nil
		}
		_, err := tx.Exec(`DELETE FROM journal WHERE seq <= ?`, w.fold.upTo)
		return err
	})
}

// wrote notes that a row was added to the journal, if there was one.
func (w *writer) wrote(row []byte) {
	if row != nil {
		w.seq++
		w.journal += len(row)
	}
}

// execer is a transaction, or a connection on which each statement is one.
type execer interface {
	Exec(query string, args ...any) (sql.Result, error)
}

func addToJournal(to execer, seq int64, row []byte) error {
	if row == nil {
		return nil
	}
	_, err := to.Exec(`INSERT INTO journal (seq, batch) VALUES (?, ?)`, seq, row)
	return err
}

// encodeChanges is the batch as a row of the journal, nil if it has no tokens.
func (w *writer) encodeChanges() []byte {
	if len(w.changes) == 0 {
		return nil
	}
	w.row = w.row[:0]
	for _, c := range w.changes {
		w.row = appendRecord(w.row, c.id, w.slot(c).state)
	}
	return w.row
}

// appendRecord appends what a journal's row says of one token. The zero State
// says that it is forgotten.
func appendRecord(b []byte, id tokens.ID, s tokens.State) []byte {
	return tokens.AppendState(append(b, id[:]...), s)
}

// records reads a journal's row into states: the later record wins.
func records(states map[tokens.ID]tokens.State, row []byte) error {
	for len(row) > 0 {
		if len(row) < len(tokens.ID{}) {
			return fmt.Errorf("a record of %d bytes", len(row))
		}
		id := tokens.ID(row)
		s, rest, err := tokens.CutState(row[len(id):])
		if err != nil {
			return err
		}
		states[id], row = s, rest
	}
	return nil
}
