package datadir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Moved says where the data of a directory was moved to by `stile move`.
type Moved struct {
	To string    `json:"to"` // the store, without a password
	At time.Time `json:"at"`
}

// ErrMoved means that the data of a directory was moved to another store. Only that has the changes
// since then.
var ErrMoved = errors.New("was moved")

// movedFile is the name of the file that says where the data was moved to.
const movedFile = "moved.json"

// Hold locks a data directory that has data, so that no server and no command can use it.
// It returns [ErrHeld] if another process has it open.
func Hold(dir string) (release func() error, err error) {
	if !HasData(dir) {
		return nil, noData(dir)
	}
	held, err := takeLock(dir, false)
	if err != nil {
		return nil, err
	}
	return held.release, nil
}

// MarkMoved makes a directory say where its data was moved to. The caller holds the directory.
func MarkMoved(dir string, m Moved) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, movedFile)
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return errors.Join(os.Rename(name+".new", name), giveBack(dir))
}

// MovedTo returns where the data of a directory was moved to. ok is false if it was not.
func MovedTo(dir string) (m Moved, ok bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, movedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, false, fmt.Errorf("read where the data was moved to: %w", err)
	}
	return m, true, nil
}

// checkMoved returns [ErrMoved] if the data of a directory was moved.
func checkMoved(dir string) error {
	m, moved, err := MovedTo(dir)
	if err != nil || !moved {
		return err
	}
	return fmt.Errorf("the data in %s %w to %s on %s: set store to that URL. The directory lacks all changes since then; to serve it nevertheless, run `stile serve --use-moved`",
		dir, ErrMoved, m.To, m.At.Format(time.RFC3339))
}

// UseMoved makes a directory usable again whose data was moved.
func UseMoved(dir string) (m Moved, err error) {
	m, moved, err := MovedTo(dir)
	if err == nil && !moved {
		err = fmt.Errorf("the data in %s was not moved, so start without --use-moved", dir)
	}
	if err != nil {
		return m, err
	}
	release, err := Hold(dir)
	if err != nil {
		return m, err
	}
	return m, errors.Join(os.Remove(filepath.Join(dir, movedFile)), release())
}

// Incoming is what a database of nodes knows about a move to it.
type Incoming struct {
	Installation string    `json:"installation"` // fingerprint of the keys of the source
	Complete     bool      `json:"complete"`
	At           time.Time `json:"at"`
	Source       string    `json:"source,omitempty"` // identifies what the source had then
}

// IncomingName is the name under which the identity of a database has [Incoming].
const IncomingName = "move"

// ErrIncomplete means that a database is the target of a move that is not complete.
var ErrIncomplete = errors.New("a move to this database is not complete: repeat `stile move`, or drop the database and create it again")

// ParseIncoming reads what is stored; "" means that nothing was moved to the database.
func ParseIncoming(text string) (m Incoming, exists bool, err error) {
	if text == "" {
		return m, false, nil
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return m, false, fmt.Errorf("read what was moved to the database: %w", err)
	}
	return m, true, nil
}

// CheckIncoming returns [ErrIncomplete] if a database is the target of a move that is not complete.
// Nodes must not start on it.
func CheckIncoming(ctx context.Context, db interface {
	Identity(ctx context.Context, name string) (string, error)
}) error {
	text, err := db.Identity(ctx, IncomingName)
	if err != nil {
		return err
	}
	m, exists, err := ParseIncoming(text)
	if err == nil && exists && !m.Complete {
		err = ErrIncomplete
	}
	return err
}
