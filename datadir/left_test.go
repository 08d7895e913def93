package datadir

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestRemoveLeft: a command removes the temporary directory of one that was killed, and none that
// is in use, that is new, or that is not its own kind.
func TestRemoveLeft(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	create := func() (*lock, string) {
		held, dir, err := takeTemporary()
		if err != nil {
			t.Fatal(err)
		}
		return held, dir
	}
	inUse, used := create()
	killed, left := create()
	young, fresh := create()
	foreign := filepath.Join(os.TempDir(), temporaryPrefix+"without-lock")
	linked := filepath.Join(os.TempDir(), temporaryPrefix+"link")
	kept := t.TempDir()
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(kept, linked); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*lock{killed, young} { // the kernel does the same
		if err := l.file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{kept, left} {
		if err := os.WriteFile(filepath.Join(dir, lockFile), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	for _, dir := range []string{used, left, foreign, kept} {
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	next, _ := create()
	if exists(left) {
		t.Error("what a killed command left is still there")
	}
	for _, dir := range []string{used, fresh, foreign, kept, linked} {
		if !exists(dir) {
			t.Errorf("%s was removed", dir)
		}
	}
	for _, l := range []*lock{inUse, next} {
		if err := l.release(); err != nil {
			t.Error(err)
		}
	}
}
