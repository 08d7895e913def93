package datadir

import (
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

// ErrMoved means that the data of a directory was moved to another store. What happened since is
// only there.
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
	return fmt.Errorf("the data in %s %w to %s on %s: set store to that URL. What happened since is not in the directory; to serve it nevertheless, run `stile serve --use-moved`",
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
