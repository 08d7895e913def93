package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Exposure is a file whose mode or owner is not what the server needs.
type Exposure struct {
	File    string
	Problem string
	Fix     string // a command
	// Open says that other users can read the file now: no directory mode protects it.
	Open bool
}

func (e Exposure) String() string { return fmt.Sprintf("%s %s: %s", e.File, e.Problem, e.Fix) }

// maxExposures is how many files are reported. A recursive chmod or chown affects all of them.
const maxExposures = 12

// Exposures examines the modes and owners of a data directory and of the files in it. It returns
// nothing for a directory that does not exist.
func Exposures(dir string) (found []Exposure, err error) {
	top, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	owner := ownerOf(top)
	if me := os.Geteuid(); owner != me {
		found = append(found, Exposure{File: dir, Problem: fmt.Sprintf("belongs to the user %s, but this process runs as %s", UserName(owner), UserName(me)),
			Fix: fmt.Sprintf("run it as that user (sudo -u %s …), or chown -R %s %s", UserName(owner), UserName(me), dir)})
	}
	passable := top.Mode().Perm()&0o011 != 0
	if top.Mode().Perm()&0o077 != 0 {
		found = append(found, Exposure{File: dir, Problem: fmt.Sprintf("is open to other users (mode %04o)", top.Mode().Perm()), Fix: "chmod 700 " + dir})
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return found, err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && len(found) < maxExposures { // it may be gone already
			found = append(found, exposuresOf(filepath.Join(dir, e.Name()), info, owner, passable)...)
		}
	}
	return found, nil
}

// exposuresOf examines one file of a directory that belongs to owner.
func exposuresOf(file string, info fs.FileInfo, owner int, passable bool) (found []Exposure) {
	mode := info.Mode()
	if mode&fs.ModeSymlink != 0 {
		return nil // its own mode means nothing
	}
	if mode.Perm()&0o077 != 0 {
		want := "600"
		if mode.IsDir() {
			want = "700"
		}
		found = append(found, Exposure{File: file, Problem: fmt.Sprintf("is open to other users (mode %04o)", mode.Perm()),
			Fix: "chmod " + want + " " + file, Open: passable})
	}
	if own := ownerOf(info); own != owner {
		found = append(found, Exposure{File: file, Problem: fmt.Sprintf("belongs to the user %s, but the directory to %s", UserName(own), UserName(owner)),
			Fix: fmt.Sprintf("chown %s %s", UserName(owner), file)})
	}
	return found
}

// ownerOf returns the user id of a file's owner.
func ownerOf(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return os.Geteuid()
}

// UserName returns the name of a user, or the number if the system does not know it.
func UserName(id int) string {
	if u, err := user.LookupId(strconv.Itoa(id)); err == nil {
		return u.Username
	}
	return strconv.Itoa(id)
}

// Owner returns the user id of the owner of a path, or of the nearest directory above it that can
// be examined, and which path that is.
func Owner(path string) (id int, at string) {
	for at = filepath.Clean(path); ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil {
			return ownerOf(info), at
		}
		if at == filepath.Dir(at) {
			return os.Geteuid(), at
		}
	}
}

// LogExposures logs what [Exposures] finds.
func LogExposures(dir string, log *slog.Logger) {
	found, err := Exposures(dir)
	if err != nil {
		log.Warn("can't examine the modes of the data directory", "err", err)
	}
	for _, e := range found {
		log.Warn("the data directory is not protected", "file", e.File, "problem", e.Problem, "fix", e.Fix)
	}
}

// ExplainAccess adds to an error about the permissions of a data directory whose directory it is,
// and how to run the command as that user.
func ExplainAccess(command, dir string, err error) error {
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	owner, at := Owner(dir)
	if owner == os.Geteuid() {
		return fmt.Errorf("%w. %s belongs to you; look at its mode and at the owners of the files in it: ls -la %s", err, at, at)
	}
	name := UserName(owner)
	return fmt.Errorf("%w. %s belongs to the user %s. Run the command as that user: sudo -u %s %s", err, at, name, name, command)
}

// giveBack gives files that root has created to the owner of the directory. Otherwise the server,
// which runs as that user, could not open them after a command that root has run.
func giveBack(dir string) error {
	top, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 || ownerOf(top) == 0 {
		return nil // a directory that is gone is the problem of whoever uses it next
	}
	to, ok := top.Sys().(*syscall.Stat_t)
	entries, err := os.ReadDir(dir)
	if err != nil || !ok {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			err = errors.Join(err, giveFile(filepath.Join(dir, e.Name()), int(to.Uid), int(to.Gid)))
		}
	}
	return err
}

// giveFile changes the owner of a file of root. The directory's owner could put a link to another
// file of root there, so links are left alone, and the file can't be replaced after the check.
func giveFile(file string, uid, gid int) error {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil // it is gone, or a link by now
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	own, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || own.Uid != 0 || own.Nlink != 1 {
		return nil
	}
	return f.Chown(uid, gid)
}
