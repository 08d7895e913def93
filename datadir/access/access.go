// Package access examines who may read the files of a data directory, and says how to run a command
// as the user whose directory it is.
package access

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
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
// nothing for a directory that does not exist. command is the one to run again as another user.
func Exposures(dir, command string) (found []Exposure, err error) {
	top, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	owner := OwnerOf(top)
	if me := os.Geteuid(); owner != me && me != 0 { // what root creates is given to the owner
		found = append(found, Exposure{File: dir, Problem: fmt.Sprintf("belongs to the user %s, but this process runs as %s", UserName(owner), UserName(me)),
			Fix: otherUser(dir, dir, owner, command)})
	}
	passable := top.Mode().Perm()&0o011 != 0
	if top.Mode().Perm()&0o077 != 0 {
		found = append(found, openToOthers(dir, top.Mode(), 0o700))
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
		want := fs.FileMode(0o600)
		if mode.IsDir() {
			want = 0o700
		}
		e := openToOthers(file, mode, want)
		e.Open = passable
		found = append(found, e)
	}
	if own := OwnerOf(info); own != owner {
		found = append(found, Exposure{File: file, Problem: fmt.Sprintf("belongs to the user %s, but the directory to %s", UserName(own), UserName(owner)),
			Fix: fmt.Sprintf("chown %s %s", UserName(owner), file)})
	}
	return found
}

// ExposedSecret examines the file of a secret outside the data directory, and reports whether more
// users can read or change it than must. server is the user id of the server. It reads a file of
// another user as a member of the file's group.
func ExposedSecret(file string, server int) (e Exposure, exposed bool) {
	info, err := os.Stat(file)
	if err != nil {
		return e, false // whoever reads the file reports it
	}
	want := fs.FileMode(0o600)
	if owner := OwnerOf(info); owner == 0 || owner != server {
		want = 0o640
	}
	return openToOthers(file, info.Mode(), want), info.Mode().Perm()&0o077&^want != 0
}

// openToOthers says that a file has a mode that admits other users.
func openToOthers(file string, mode, want fs.FileMode) Exposure {
	return Exposure{File: file, Problem: fmt.Sprintf("is open to other users (mode %04o)", mode.Perm()), Fix: fmt.Sprintf("chmod %o %s", want, file)}
}

// OwnerOf returns the user id of a file's owner.
func OwnerOf(info fs.FileInfo) int {
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
			return OwnerOf(info), at
		}
		if at == filepath.Dir(at) {
			return os.Geteuid(), at
		}
	}
}

// Log logs what [Exposures] finds.
func Log(dir, command string, log *slog.Logger) {
	found, err := Exposures(dir, command)
	if err != nil {
		log.Warn("can't examine the modes of the data directory", "err", err)
	}
	for _, e := range found {
		log.Warn("the data directory is not protected", "file", e.File, "problem", e.Problem, "fix", e.Fix)
	}
}

// Explain adds to an error about the permissions of a data directory whose directory it is,
// and how to run the command, which is complete with its flags, as that user.
func Explain(command, dir string, err error) error {
	if err == nil || !errors.Is(err, fs.ErrPermission) || !concerns(err, dir) {
		return err
	}
	owner, at := Owner(dir)
	if owner == os.Geteuid() {
		return fmt.Errorf("%w. %s belongs to you; look at its mode and at the owners of the files in it: ls -la %s", err, at, at)
	}
	return fmt.Errorf("%w. %s belongs to the user %s: %s", err, at, UserName(owner), otherUser(dir, at, owner, command))
}

// concerns reports whether an error is about a data directory, a file in it, or a directory above
// it. Others are about a port, a certificate or a file of a secret.
func concerns(err error, dir string) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Net == "unix"
	}
	path, ok := errors.AsType[*fs.PathError](err)
	return !ok || within(path.Path, dir) || within(dir, path.Path)
}

// within reports whether a path is dir or below it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(absolute(dir), absolute(path))
	return err == nil && filepath.IsLocal(rel)
}

// otherUser says how to use a data directory if it, or the nearest directory above it, at, belongs
// to another user. The server must not run as root, so it gets a directory of root.
func otherUser(dir, at string, owner int, command string) string {
	me := UserName(os.Geteuid())
	switch {
	case owner != 0:
		return "run the command as that user: " + AsUser(owner, command)
	case at == dir:
		return fmt.Sprintf("run the command as root: sudo %s; or, if the server runs as %s, give it the directory: sudo chown -R %s: %s", command, me, me, dir)
	case !exists(dir):
		return fmt.Sprintf("create the directory as root: sudo install -d -m 700 -o %s %s; or choose another --data", me, dir)
	}
	return "run the command as root: sudo " + command
}

// AsUser returns a command that runs command as a user. A root process needs no sudo, which may not
// be installed. A user without a name is written as sudo wants it.
func AsUser(id int, command string) string {
	_, err := user.LookupId(strconv.Itoa(id))
	switch {
	case err != nil:
		return fmt.Sprintf("sudo -u '#%d' %s", id, command)
	case os.Geteuid() == 0:
		return fmt.Sprintf("runuser -u %s -- %s", UserName(id), command)
	}
	return fmt.Sprintf("sudo -u %s %s", UserName(id), command)
}

// GiveBack gives files that root has created to the owner of the directory. Otherwise the server,
// which runs as that user, could not open them after a command that root has run.
func GiveBack(dir string) error {
	top, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 || OwnerOf(top) == 0 {
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

// exists reports whether a file exists, or can't be examined.
func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

// absolute returns a path that does not depend on the working directory, if it is known.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}
