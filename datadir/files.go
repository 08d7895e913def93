package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stile.example/stile/settings"
	"stile.example/stile/store"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/sqlite/inspect"
	"stile.example/stile/tokens/signing"
)

// OpenFiles is [OpenCurrent] without opening the database and the keys, so that damaged ones can be
// checked too. Of the Dir, only Now, Log, Settings, Announce, Inspect and Close can be used.
func OpenFiles(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (*Dir, error) {
	return open(ctx, s, now, log, opening{locked: true})
}

// ErrInspecting means that the files of the directory are being checked already.
var ErrInspecting = errors.New("the data is being checked already; wait until that is done")

// Inspect checks the files of the directory, whether it is open or not. progress is called
// repeatedly: see [inspect.Data]. A check reads everything, so there is only one at a time: another
// returns [ErrInspecting].
func (d *Dir) Inspect(ctx context.Context, progress func(part string, rows int64)) (r inspect.Report, err error) {
	if !d.inspecting.TryLock() {
		return r, ErrInspecting
	}
	defer d.inspecting.Unlock()
	if d.Nodes != nil {
		return d.inspectShared(ctx, progress)
	}
	data := d.Settings().Data
	if d.Settings().Postgres() {
		return r, fmt.Errorf("the data is in PostgreSQL, which can't be checked unless it can be opened")
	}
	what := inspect.Data{Dir: data, Now: d.Now(), Progress: progress, Keys: func() (string, []byte, error) { return readKeys(data, d.Now()) }}
	if d.Store != nil {
		what.DB = d.Store.Reader()
		return inspect.Check(ctx, what)
	}
	if !exists(store.File(data)) {
		return r, fmt.Errorf("%s is missing: restore all files from a backup with `stile restore`", store.File(data))
	}
	what.DB = sqlite.OpenReaders(store.File(data))
	r, err = inspect.Check(ctx, what)
	return r, errors.Join(err, what.DB.Close())
}

// readKeys returns the fingerprint of the keys in a data directory, and their secret key.
func readKeys(data string, now time.Time) (fingerprint string, secret []byte, err error) {
	if !exists(KeyFile(data)) {
		return "", nil, fmt.Errorf("%s is missing", KeyFile(data))
	}
	keys, err := signing.ReadKeys(KeyFile(data), now)
	if err != nil {
		return "", nil, err
	}
	fingerprint, err = keys.Fingerprint()
	return fingerprint, keys.SecretKey(), err
}

// certificates is the directory of the account and the certificates of an ACME authority.
const certificates = "acme"

// CertificatePrefix begins the names of its files. Nodes share them under the same names.
const CertificatePrefix = certificates + "/"

// BackupFiles returns the names of the files in a data directory that a backup has, in addition to
// the database and the corpus. Names are relative, with slashes.
func BackupFiles(data string) ([]string, error) {
	names := []string{filepath.Base(KeyFile(data))}
	entries, err := os.ReadDir(filepath.Join(data, certificates))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if name := CertificatePrefix + e.Name(); e.Type().IsRegular() && IsBackupFile(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// IsBackupFile reports whether a backup may have a file of that name.
func IsBackupFile(name string) bool {
	if name == "stile.db" || name == "keys.json" {
		return true
	}
	if n, ok := strings.CutPrefix(name, "corpus-"); ok {
		n, ok = strings.CutSuffix(n, ".db")
		return ok && n != "" && len(n) <= 18 && strings.Trim(n, "0123456789") == ""
	}
	n, ok := strings.CutPrefix(name, CertificatePrefix)
	return ok && n != "" && len(n) <= 200 && n[0] != '.' && strings.Trim(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+_@-") == ""
}

// EmptyDir locks an existing directory that has no data, for files to be put into it. It returns
// [ErrHeld] if another process has it open. It removes the files that an interrupted restore left.
func EmptyDir(dir string) (release func() error, err error) {
	held, err := takeLock(dir, false)
	if err != nil {
		return nil, err
	}
	if err := isEmpty(dir); err != nil {
		return nil, errors.Join(err, held.release())
	}
	return held.release, nil
}

// Staging begins the names of directories for files of a restore that is not complete.
const Staging = "restore-"

// isEmpty returns an error if a directory has other files than one without data may have.
func isEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		switch {
		case slices.Contains([]string{lockFile, "stile.sock", "lost+found"}, e.Name()):
		case e.IsDir() && strings.HasPrefix(e.Name(), Staging):
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		default:
			names = append(names, e.Name())
		}
	}
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("%d more", len(names)-3))
	}
	if len(names) > 0 {
		return fmt.Errorf("%s is not empty (%s), and a restore overwrites nothing: move its files away, or name a new directory with --data", dir, strings.Join(names, ", "))
	}
	return nil
}
