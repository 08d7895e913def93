package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrHeld means that another process has the data directory open.
var ErrHeld = errors.New("held by another process")

// lock is held by the one process that has a data directory open. The kernel releases it when the
// process ends, however it ends, so a lock is never stale.
type lock struct {
	file    *os.File
	remove  bool // the file did not exist, and was created to look only
	created bool // the directory did not exist

	temporary string // the directory, which is removed with the lock; "": it stays
}

// lockFile is the name of the file that is locked. It contains what [Dir.Announce] writes.
const lockFile = "stile.lock"

// takeLock locks a data directory. If create is set, it creates the directory if it does not exist.
// Otherwise it leaves no lock file where there was none.
func takeLock(dir string, create bool) (*lock, error) {
	created := create && !exists(dir)
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("create the data directory: %w", err)
		}
	}
	name := filepath.Join(dir, lockFile)
	isNew := !exists(name)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := lockAlone(f); err != nil {
		f.Close()
		return nil, err
	}
	return &lock{file: f, remove: isNew && !create, created: created}, nil
}

// takeTemporary creates and locks a directory that exists as long as its lock. It removes those of
// processes that were killed.
func takeTemporary() (held *lock, dir string, err error) {
	removeLeft()
	if dir, err = os.MkdirTemp("", temporaryPrefix); err != nil {
		return nil, "", fmt.Errorf("create a temporary directory: %w", err)
	}
	if held, err = takeLock(dir, true); err != nil {
		return nil, "", errors.Join(err, os.RemoveAll(dir))
	}
	held.temporary = dir
	return held, dir, nil
}

// lockAlone locks an open file, and empties it of what a process that was killed announced. A file
// that another process has removed meanwhile would lock nothing.
func lockAlone(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrHeld
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err != nil {
		return fmt.Errorf("lock the data directory: %w", err)
	}
	mine, err := f.Stat()
	if err != nil {
		return fmt.Errorf("lock the data directory: %w", err)
	}
	if there, err := os.Stat(f.Name()); err != nil || !os.SameFile(mine, there) {
		return ErrHeld
	}
	return nil
}

// release ends the lock. A file that is removed is removed first: see [lockAlone].
func (l *lock) release() (err error) {
	if l.remove {
		if err = os.Remove(l.file.Name()); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	err = errors.Join(err, l.file.Close())
	if l.temporary != "" {
		err = errors.Join(err, os.RemoveAll(l.temporary))
	}
	return err
}
