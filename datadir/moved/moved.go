// Package moved has the marks of a move: that in a data directory, which says where its data is,
// and that in a database of nodes, which says whether the move to it is complete.
package moved

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"stile.example/stile/durable"
)

// Place says where the data of a directory was moved to by `stile move`.
type Place struct {
	To string    `json:"to"` // the store, without a password
	At time.Time `json:"at"`
}

// ErrMoved means that the data of a directory was moved to another store. Only that has the changes
// since then.
var ErrMoved = errors.New("was moved")

// name is the name of the file that says where the data was moved to.
const name = "moved.json"

// Mark makes a directory say where its data was moved to. The caller holds the directory.
func Mark(dir string, m Place) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, name)
	if err := durable.Replace(file, append(text, '\n')); err != nil {
		return err
	}
	return giveToOwner(file, dir)
}

// giveToOwner gives a file of root to the owner of the directory, whose server must read it.
func giveToOwner(file, dir string) error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		return os.Lchown(file, int(owner.Uid), int(owner.Gid))
	}
	return nil
}

// To returns where the data of a directory was moved to. ok is false if it was not.
func To(dir string) (m Place, ok bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
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

// Check returns [ErrMoved] if the data of a directory was moved.
func Check(dir string) error {
	m, moved, err := To(dir)
	if err != nil || !moved {
		return err
	}
	return fmt.Errorf("the data in %s %w to %s on %s: set store to that URL. The directory lacks all changes since then; to serve it nevertheless, run `stile serve --use-moved` once",
		dir, ErrMoved, m.To, m.At.Format(time.RFC3339))
}

// Forget makes a directory usable again whose data was moved.
func Forget(dir string) error { return os.Remove(filepath.Join(dir, name)) }

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
