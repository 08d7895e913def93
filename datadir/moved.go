package datadir

import (
	"errors"

	"stile.example/stile/datadir/moved"
)

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

// UseMoved makes a directory usable again whose data was moved.
func UseMoved(dir string) (to moved.Place, err error) {
	to, isMoved, err := moved.To(dir)
	if err == nil && !isMoved {
		err = errors.New("the data in " + dir + " was not moved, so start without --use-moved")
	}
	if err != nil {
		return to, err
	}
	release, err := Hold(dir)
	if err != nil {
		return to, err
	}
	return to, errors.Join(moved.Forget(dir), release())
}
