package datadir

import (
	"os"
	"path/filepath"
	"syscall"
	"time"

	"stile.example/stile/datadir/access"
)

const (
	temporaryPrefix = "stile-look-"
	maxLeft         = 20          // directories that one command examines
	leftAfter       = time.Minute // a younger one may not be locked yet
)

// removeLeft removes temporary directories of commands that were killed: those of this user that
// nobody has locked. A command does not fail because of one that can't be removed.
func removeLeft() {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), temporaryPrefix+"*"))
	for _, dir := range found[:min(len(found), maxLeft)] {
		info, err := os.Lstat(dir)
		if err == nil && info.IsDir() && access.OwnerOf(info) == os.Geteuid() && time.Since(info.ModTime()) > leftAfter {
			removeUnlocked(dir)
		}
	}
}

// removeUnlocked removes a temporary directory unless a process has it locked.
func removeUnlocked(dir string) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if lockAlone(f) == nil {
		_ = os.RemoveAll(dir)
	}
}
