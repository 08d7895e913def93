package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stile.example/stile/settings"
	"stile.example/stile/store"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/tokens/signing"
)

// The names of what the database stores about the files and settings that belong to it.
const (
	secretKeyName  = "secret_key" // signing.Keys.Fingerprint
	signingKeyName = "signing_key"
	publicURLName  = "public_url"
)

// newKeysCost says what new keys cost.
const newKeysCost = "all live tokens and all tenants' secrets are then invalid, and each tenant needs `stile tenant rotate-secret`"

// KeyFile returns the path of the keys in a data directory.
func KeyFile(data string) string { return filepath.Join(data, "keys.json") }

// MissingFiles returns the names of the files that a server needs at its next start, and that are
// no longer in its data directory. A running server does not notice that.
func MissingFiles(data string) (names []string) {
	for _, file := range []string{store.File(data), KeyFile(data)} {
		if !exists(file) {
			names = append(names, file)
		}
	}
	entries, err := os.ReadDir(data)
	if err == nil && !slices.ContainsFunc(entries, isCorpus) {
		names = append(names, filepath.Join(data, "corpus-N.db"))
	}
	return names
}

// isCorpus reports whether a file is that of a corpus, by its name.
func isCorpus(e fs.DirEntry) bool {
	return strings.HasPrefix(e.Name(), "corpus-") && strings.HasSuffix(e.Name(), ".db")
}

// IsOwn reports whether a file is one that stile keeps in a data directory, by its directory and
// name. Whether it exists does not matter.
func IsOwn(data, file string) bool {
	dir, err := os.Stat(filepath.Dir(file))
	if err != nil {
		return false
	}
	if info, err := os.Stat(data); err != nil || !os.SameFile(dir, info) {
		return false
	}
	name := filepath.Base(file)
	return name == filepath.Base(KeyFile(data)) || strings.HasPrefix(name, filepath.Base(store.File(data))) ||
		strings.HasPrefix(name, "corpus-") || name == lockFile || name == "stile.sock"
}

// ErrNoData means that a data directory does not exist, or has no database and no keys.
var ErrNoData = errors.New("no data")

// noData returns the error for a command that only looks and finds no data.
func noData(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w directory at %s: start the server with `stile serve`, or name another directory with --data", ErrNoData, dir)
	}
	return fmt.Errorf("%w in the directory %s: start the server with `stile serve`, or name another directory with --data", ErrNoData, dir)
}

// HasData reports whether a directory has files of a data directory, or may have: it can't be read.
func HasData(dir string) bool {
	left, err := filesOfDatabase(dir)
	return err != nil || len(left) > 0 || exists(store.File(dir))
}

// exists reports whether a file exists. A file that can't be examined exists: only a file that is
// certainly missing may be created.
func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

// checkDatabase returns an error if there is no database, but other files that belong to one. The
// database would be created, empty, and nothing would refer to these files any longer.
func checkDatabase(ctx context.Context, data string, create bool) error {
	file := store.File(data)
	isNew, err := sqlite.IsNew(ctx, file)
	if err != nil || !isNew {
		return err
	}
	left, err := filesOfDatabase(data)
	switch {
	case err != nil:
		return err
	case len(left) == 0 && !create:
		return noData(data)
	case len(left) == 0:
		return nil
	}
	what := "is missing"
	if exists(file) {
		what = "is empty, or was copied without stile.db-wal"
	}
	return fmt.Errorf("%s %s, but %s in the same directory: restore all files from a backup. To start without tenants and corpus, move %s away", file, what, listed(left), them(left))
}

// ErrOld means that the database was written by an older version.
var ErrOld = errors.New("was written by an older version")

// checkCurrent returns [ErrOld] if opening the database would migrate it.
func checkCurrent(ctx context.Context, data string) error {
	old, err := sqlite.IsOld(ctx, store.File(data))
	if err == nil && old {
		err = fmt.Errorf("%s %w: the next start or command migrates the database, and that version can't open it then; make a backup with that version first", data, ErrOld)
	}
	return err
}

// filesOfDatabase returns the names of the keys and of published corpora.
func filesOfDatabase(data string) (names []string, err error) {
	entries, err := os.ReadDir(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if isCorpus(e) && e.Name() != "corpus-0.db" || e.Name() == filepath.Base(KeyFile(data)) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func listed(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, ", ") + " are"
}

func them(names []string) string {
	if len(names) == 1 {
		return "it"
	}
	return "them"
}

// openKeys reads the keys. It creates them if there are none and nothing depends on them. The
// database must be open if they are missing.
func (d *Dir) openKeys(ctx context.Context, s *settings.Settings, how opening) (err error) {
	file := KeyFile(s.Data)
	if !exists(file) {
		if err := d.checkNewKeys(ctx, file, how); err != nil {
			return err
		}
	}
	if how.create || how.newKeys {
		d.Keys, err = signing.OpenKeys(file, d.Now())
	} else { // the mode of the file is not changed either
		d.Keys, err = signing.ReadKeys(file, d.Now())
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return err
	case err != nil:
		return fmt.Errorf("%w. Restore it from a backup. Without a backup, move it away and run `stile serve --new-keys`: %s", err, newKeysCost)
	}
	return nil
}

// checkNewKeys returns an error unless new keys may be created.
func (d *Dir) checkNewKeys(ctx context.Context, file string, how opening) error {
	if how.newKeys {
		return nil
	}
	all, err := d.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		if !how.create {
			return fmt.Errorf("%s is missing; the server creates it: start it with `stile serve`", file)
		}
		return nil
	}
	return fmt.Errorf("%s is missing, but the database has tenants (%d). Restore it from a backup. Without a backup, run `stile serve --new-keys`: %s", file, len(all), newKeysCost)
}

// checkKeys returns an error if the keys belong to another database. Without tenants, nothing
// depends on the keys. It stores which keys belong to this one.
func (d *Dir) checkKeys(ctx context.Context, s *settings.Settings, how opening) error {
	mine, err := d.Keys.Fingerprint()
	if err != nil {
		return err
	}
	stored, err := d.Store.Identity(ctx, secretKeyName)
	switch {
	case err != nil:
		return err
	case stored != mine && (stored == "" || len(d.Tenants.List()) == 0 || how.newKeys):
		if stored != "" { // the old key is lost, and its seals with it
			err = d.Audit.SealAgain(ctx)
		}
		return errors.Join(err, d.Store.SetIdentity(ctx, secretKeyName, mine), d.noteSigningKey(ctx))
	case stored != mine && d.Nodes != nil:
		return errors.New("the keys in PostgreSQL belong to another installation than its tenants, whose secrets and live tokens would be invalid: the rows of the table sealed were changed; restore the database from a backup")
	case stored != mine:
		return fmt.Errorf("%s belongs to another database than %s: tenants' secrets and live tokens would be invalid. Restore both from the same backup. Without a backup, move it away and run `stile serve --new-keys`: %s",
			KeyFile(s.Data), store.File(s.Data), newKeysCost)
	}
	return d.checkSigningKey(ctx, s)
}

// checkSigningKey warns if the key that signed last is not among the keys, as after restoring an
// older keys.json alone.
func (d *Dir) checkSigningKey(ctx context.Context, s *settings.Settings) error {
	last, err := d.Store.Identity(ctx, signingKeyName)
	if err != nil {
		return err
	}
	for _, k := range d.Keys.List() {
		if k.KID == last {
			return d.noteSigningKey(ctx)
		}
	}
	if last != "" {
		d.Log.Warn("the key that signed last is not in the file of keys, so its tokens are refused; restore all files from the same backup",
			"kid", last, "file", KeyFile(s.Data))
	}
	return d.noteSigningKey(ctx)
}

// noteSigningKey stores which key signs, unless it is stored already.
func (d *Dir) noteSigningKey(ctx context.Context) error {
	if d.Nodes != nil {
		return nil // the key is in the database itself
	}
	signs := d.Keys.List()[0].KID
	if last, err := d.Store.Identity(ctx, signingKeyName); err != nil || last == signs {
		return err
	}
	return d.Store.SetIdentity(ctx, signingKeyName, signs)
}

// RotateKey makes a new key sign, and stores which one it is.
func (d *Dir) RotateKey(ctx context.Context, alg string) (signing.KeyInfo, error) {
	if d.Nodes != nil {
		return d.rotateShared(ctx, alg)
	}
	k, err := d.Keys.Rotate(d.Now(), alg, MaxLifetime)
	if err != nil {
		return k, err
	}
	return k, d.noteSigningKey(ctx)
}

// OtherURL returns the public URL that the directory was last served under, if it is not the one in
// the settings. It is "" if either is unknown.
func (d *Dir) OtherURL(ctx context.Context) (string, error) {
	mine := publicURL(d.Settings())
	last, err := d.Store.Identity(ctx, publicURLName)
	if err != nil || mine == "" || last == mine {
		return "", err
	}
	return last, nil
}

// ServeURL stores the public URL that the directory is served under from now on. It warns if it was
// another one: issued tokens name it, so they are refused.
func (d *Dir) ServeURL(ctx context.Context) error {
	mine := publicURL(d.Settings())
	if mine == "" {
		return nil
	}
	last, err := d.OtherURL(ctx)
	if err != nil {
		return err
	}
	if last != "" {
		d.Log.Warn("the data directory was served under another public_url; tokens that were issued under it are refused",
			"before", last, "public_url", mine, "data", d.Settings().Data)
	}
	return d.Store.SetIdentity(ctx, publicURLName, mine)
}

// publicURL returns the public URL if the settings determine it; a URL that only follows the
// listener says nothing about the directory.
func publicURL(s *settings.Settings) string {
	if s.PublicURL == "" && len(s.TLS.Domains) == 0 {
		return ""
	}
	return s.Origin(s.Listen)
}

// corpusPlace returns where nodes store the corpus for one another.
func corpusPlace(s *settings.Settings) string {
	if s.CorpusStore.Word() == "" {
		return s.CorpusStore.String()
	}
	return s.Store.String()
}

// explainDamage adds the way out to an error of a corpus or a database that can't be read.
func explainDamage(s *settings.Settings, err error) error {
	switch {
	case errors.Is(err, store.ErrCorpus) && s.Postgres():
		return fmt.Errorf("%w. The corpus is in %s: check that the data directory has space for a copy and can be written, and start again. If chunks are lost, start a node that has a copy: it stores them again", err, corpusPlace(s))
	case errors.Is(err, store.ErrCorpus):
		return fmt.Errorf("%w. Without a backup, run `stile serve --new-corpus`, which starts with an empty corpus, and import it again", err)
	case sqlite.IsDamaged(err):
		return fmt.Errorf("%w. Restore all files from the same backup. Without a backup, move them away and run `stile serve`: tenants, usage and the address list are then lost, and the corpus must be imported again", err)
	}
	return err
}
