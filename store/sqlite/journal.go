package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"stile.example/stile/tokens"
)

// The journal is the truth about what changed lately: each of its rows holds
// the new states of one batch, whole. A state that is dirty, newer than its
// row in tokens, is in the backlog; its row is written behindRows batches
// later, with all that has come since, so that a busy token costs a row now
// and then. Then the journal's rows before the oldest dirty state say nothing
// new, and are deleted. Always a prefix: so a replay ends at the newest state
// of each token, and doing it twice changes nothing.
const (
	behindRows = 1024
	foldRows   = 256 // of a commit, if the batch itself has no more
	trimRows   = 64  // to be deleted at once
)

// commit makes what the batch changed durable, or undoes it.
func (w *writer) commit() error {
	if len(w.changes) == 0 {
		return nil
	}
	due := w.backlog.before(w.seq+1-behindRows, max(foldRows, len(w.changes)))
	err := w.write(due, w.encodeChanges(), trimRows)
	if err != nil {
		w.undo()
		return fmt.Errorf("commit: %w", err)
	}
	for _, c := range w.changes {
		w.mem.find(c.id).touched = false
		if !c.dirty {
			w.backlog.push(entry{c.id, w.seq})
		}
	}
	w.changes = w.changes[:0]
	w.settle(len(due))
	return nil
}

// write writes, in a transaction: a row of the journal, if there is one, the
// rows of the due entries, and the end of what the journal no longer needs,
// if that is at least trim rows.
func (w *writer) write(due []entry, row []byte, trim int64) error {
	oldest := w.backlog.after(len(due), w.seq+1)
	trims := oldest-w.trimmed >= trim
	err := w.db.tx(context.Background(), func(tx *sql.Tx) error {
		if err := addToJournal(tx, w.seq+1, row); err != nil {
			return err
		}
		for _, e := range due {
			if err := writeToken(tx, e.id, w.mem.find(e.id).state); err != nil {
				return err
			}
		}
		if !trims {
			return nil
		}
		_, err := tx.Exec(`DELETE FROM journal WHERE seq < ?`, oldest)
		return err
	})
	w.report(err)
	if err != nil {
		return err
	}
	w.db.checkpointer.wrote(len(due) + len(row)/pageSize)
	if row != nil {
		w.seq++
	}
	if trims {
		w.trimmed = oldest
	}
	return nil
}

func addToJournal(tx *sql.Tx, seq int64, row []byte) error {
	if row == nil {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO journal (seq, batch) VALUES (?, ?)`, seq, row)
	return err
}

// settle notes that the rows of the n oldest entries are written.
func (w *writer) settle(n int) {
	for _, e := range w.backlog.first(n) {
		w.mem.find(e.id).dirty = false
	}
	w.backlog.pop(n)
}

// foldIdle writes some rows and returns when to come again. While calls come
// in all the time it does little, and commit does the rest.
func (w *writer) foldIdle() time.Duration {
	if err := w.fold(idleRows); err != nil || w.backlog.len() == 0 || len(w.queue) > 0 {
		return idleAfter
	}
	return 0
}

// foldAll leaves nothing in the journal.
func (w *writer) foldAll() error {
	for w.trimmed <= w.seq {
		if err := w.fold(4 * idleRows); err != nil {
			return fmt.Errorf("write tokens: %w", err)
		}
	}
	return nil
}

// fold writes the rows of the n oldest entries.
func (w *writer) fold(n int) error {
	if w.trimmed > w.seq {
		return nil
	}
	due := w.backlog.first(n)
	if err := w.write(due, nil, 1); err != nil {
		return err
	}
	w.settle(len(due))
	return nil
}

func (w *writer) encodeChanges() []byte {
	w.blob = w.blob[:0]
	for _, c := range w.changes {
		w.blob = appendRecord(w.blob, c.id, w.mem.find(c.id).state)
	}
	return w.blob
}

// appendRecord appends what a journal's row says of one token. The zero State
// says that it is forgotten.
func appendRecord(b []byte, id tokens.ID, s tokens.State) []byte {
	return appendState(append(b, id[:]...), s)
}

// records reads a journal's row into states: the later record wins.
func records(states map[tokens.ID]tokens.State, row []byte) error {
	for len(row) > 0 {
		if len(row) < len(tokens.ID{}) {
			return fmt.Errorf("a record of %d bytes", len(row))
		}
		id := tokens.ID(row)
		s, rest, err := cutState(row[len(id):])
		if err != nil {
			return err
		}
		states[id], row = s, rest
	}
	return nil
}
