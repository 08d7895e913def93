package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrHeld means that another process has the data directory open.
var ErrHeld = errors.New("held by another process")

// lock is held by the one process that has a data directory open. The kernel releases it when the
// process ends, however it ends, so a lock is never stale.
type lock struct{ file *os.File }

// lockFile is the name of the file that is locked. It contains what [Dir.Announce] writes.
const lockFile = "stile.lock"

// takeLock creates the data directory if it does not exist, and locks it.
func takeLock(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrHeld
		}
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := f.Truncate(0); err != nil { // what a process that was killed announced
		return nil, errors.Join(fmt.Errorf("lock the data directory: %w", err), f.Close())
	}
	return &lock{f}, nil
}

func (l *lock) release() error { return l.file.Close() }
