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

// UseMoved makes a directory usable again, permanently, whose data was moved. isMoved is false if
// it was not moved, or is usable again already: a unit file may have the flag at each start.
func UseMoved(dir string) (to moved.Place, isMoved bool, err error) {
	to, isMoved, err = moved.To(dir)
	if err != nil || !isMoved {
		return to, isMoved, err
	}
	release, err := Hold(dir)
	if err != nil {
		return to, true, err
	}
	return to, true, errors.Join(moved.Forget(dir), release())
}
