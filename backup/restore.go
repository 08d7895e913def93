package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"stile.example/stile/audit"
	"stile.example/stile/corpus/library"
	"stile.example/stile/datadir"
	"stile.example/stile/durable"
	"stile.example/stile/settings"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/sqlite/inspect"
)

// Options says what [Restore] does. All fields are required.
type Options struct {
	File     string             // the backup
	Settings *settings.Settings // the data directory in them is the one that is made
	Now      func() time.Time
	Log      *slog.Logger
	By       audit.Entry // who restores: Actor, Role and Credential
}

// Restored says what was restored.
type Restored struct {
	File     string           `json:"file"`
	Data     string           `json:"data"`     // the data directory
	MadeAt   *time.Time       `json:"made_at"`  // null: the backup has no manifest
	Version  string           `json:"version"`  // that wrote it; "" without a manifest
	Counts   map[string]int64 `json:"counts"`   // of each of [Parts]
	Bytes    int64            `json:"bytes"`    // of all files
	Migrated bool             `json:"migrated"` // an older version wrote it
}

// Parts lists what is counted of a restored data directory.
var Parts = []string{"tenants", "items", "tokens", "ledger", "addresses", "address list", "refusals", "statements", "admins", "webhooks", "audit log"}

// tableOf has the tables of parts that are not named as their tables.
var tableOf = map[string]string{"addresses": "scopes", "address list": "address_list", "audit log": "audit"}

// Restore restores a backup into a data directory that does not exist yet, or is empty. It checks
// the archive, then writes to a directory of its own, checks what it has written, and only then
// renames it. So after an error or a kill there is a complete data directory, or one that can't
// be mistaken for complete.
func Restore(ctx context.Context, o Options) (r Restored, err error) {
	t, err := openTarget(o.Settings.Data)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	a, err := open(ctx, o.File)
	if err != nil {
		return r, err
	}
	defer a.file.Close() // it was only read
	r = Restored{File: o.File, Data: o.Settings.Data, Bytes: a.size()}
	if m := a.manifest; m != nil {
		r.MadeAt, r.Version = &m.MadeAt, m.Version
	}
	if err := t.stage(r.Bytes); err != nil {
		return r, err
	}
	if err := a.extract(ctx, t.staging); err != nil {
		return r, fmt.Errorf("write the files of %s: %w; nothing was restored", o.File, err)
	}
	if err := r.examine(ctx, t.staging, a.manifest); err != nil {
		return r, fmt.Errorf("%s: %w; nothing was restored", o.File, err)
	}
	if err := r.tryOpen(ctx, t.staging, o); err != nil {
		return r, fmt.Errorf("%s can't be used: %w; nothing was restored", o.File, err)
	}
	return r, t.publish()
}

// examine checks the files that were written, as they are.
func (r *Restored) examine(ctx context.Context, dir string, m *Manifest) (err error) {
	db := sqlite.OpenReaders(filepath.Join(dir, "stile.db"))
	defer func() { err = errors.Join(err, db.Close()) }()
	problems, err := inspect.Integrity(ctx, db)
	if err != nil || len(problems) > 0 {
		return fmt.Errorf("stile.db is damaged: %w", errors.Join(err, first(problems)))
	}
	foreign, err := inspect.ForeignObjects(ctx, db)
	if err != nil {
		return err
	}
	if len(foreign) > 0 {
		return fmt.Errorf("stile.db has a trigger or a view that this version of stile does not make: %s; use another backup", foreign[0])
	}
	file, err := inspect.CorpusFile(ctx, db, dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("its database belongs to %s, which it does not have", filepath.Base(file))
	}
	problems, err = inspect.CorpusIntegrity(ctx, file)
	if err != nil || len(problems) > 0 {
		return fmt.Errorf("%s is damaged: %w", filepath.Base(file), errors.Join(err, first(problems)))
	}
	if m == nil {
		return nil
	}
	rows, err := inspect.Rows(ctx, db)
	if err != nil {
		return err
	}
	if why := differ(m.Rows, rows); why != "" {
		return errors.New(why)
	}
	items, err := inspect.Items(ctx, file)
	if err == nil && items != m.Items {
		err = fmt.Errorf("%d items in the corpus, and the manifest has %d", items, m.Items)
	}
	return err
}

func first(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return errors.New(problems[0])
}

// tryOpen opens the new directory as the server does. That checks that the keys belong to the
// database, writes what is in the journal to the rows, and migrates an older database and corpus.
// The audit log gets an entry.
func (r *Restored) tryOpen(ctx context.Context, dir string, o Options) (err error) {
	old, err := sqlite.IsOld(ctx, filepath.Join(dir, "stile.db"))
	if err != nil {
		return err
	}
	s := *o.Settings
	s.Data = dir
	d, err := datadir.OpenExisting(ctx, &s, o.Now, o.Log)
	if errors.Is(err, library.ErrCorpus) {
		return fmt.Errorf("its corpus can't be read: %w", err)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, d.Close()); err == nil {
			err = r.countTokens(ctx, filepath.Join(dir, "stile.db"))
		}
	}()
	r.Migrated = old
	if err := r.count(ctx, d); err != nil {
		return err
	}
	entry := o.By
	entry.At, entry.Operation, entry.Subject = o.Now(), "restore", filepath.Base(o.File)
	_, err = d.Audit.Record(ctx, entry)
	return err
}

// count counts the parts of the opened directory.
func (r *Restored) count(ctx context.Context, d *datadir.Dir) error {
	rows, err := inspect.Rows(ctx, d.Store.Reader())
	if err != nil {
		return err
	}
	r.Counts = map[string]int64{}
	for _, part := range Parts {
		r.Counts[part] = rows[cmp.Or(tableOf[part], part)]
	}
	r.Counts["items"], err = inspect.Items(ctx, d.Store.CorpusFile())
	return err
}

// countTokens counts the tokens of the closed directory, in which no journal waits any more.
func (r *Restored) countTokens(ctx context.Context, file string) (err error) {
	db := sqlite.OpenReaders(file)
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := inspect.Rows(ctx, db)
	if err == nil {
		r.Counts["tokens"] = rows["tokens"]
	}
	return err
}

// target is where a backup is restored.
type target struct {
	dir      string
	staging  string       // a new directory next to dir, or in it; "" while there is none
	isInside bool         // dir exists and is empty: its files are renamed one by one
	release  func() error // of the lock of an existing dir
}

// openTarget checks that a directory may become a data directory.
func openTarget(dir string) (*target, error) {
	dir = filepath.Clean(dir)
	t := &target{dir: dir, release: func() error { return nil }}
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	t.isInside = true
	t.release, err = datadir.EmptyDir(dir)
	if errors.Is(err, datadir.ErrHeld) {
		return nil, fmt.Errorf("%s is in use by a running server or command; stop it and move its data away, or name a new directory with --data", dir)
	}
	return t, err
}

// stage makes the staging directory, if so many bytes fit on its disk.
func (t *target) stage(bytes int64) (err error) {
	parent, pattern := filepath.Dir(t.dir), filepath.Base(t.dir)+"."+datadir.Staging
	if t.isInside {
		parent, pattern = t.dir, datadir.Staging
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(parent, &disk); err != nil {
		return fmt.Errorf("%s: %w; create the directory above the data directory first", parent, err)
	}
	if free := int64(disk.Bavail) * int64(disk.Bsize); free < bytes+bytes/8 {
		return fmt.Errorf("%s: %.1f MB are free, and the backup needs %.1f MB; free space, or name another directory with --data", parent, float64(free)/1e6, float64(bytes+bytes/8)/1e6)
	}
	t.staging, err = os.MkdirTemp(parent, pattern)
	return err
}

// publish renames what was staged. The database is renamed last: without it, the others are
// refused.
func (t *target) publish() error {
	if !t.isInside {
		if err := os.Rename(t.staging, t.dir); err != nil {
			return fmt.Errorf("%w; nothing was restored", err)
		}
		return durable.SyncDir(filepath.Dir(t.dir))
	}
	if err := t.giveAway(); err != nil {
		return fmt.Errorf("%w; nothing was restored", err)
	}
	entries, err := os.ReadDir(t.staging)
	if err != nil {
		return err
	}
	names := []string{}
	for _, e := range entries {
		if e.Name() != "stile.db" {
			names = append(names, e.Name())
		}
	}
	for _, name := range append(names, "stile.db") {
		if err := os.Rename(filepath.Join(t.staging, name), filepath.Join(t.dir, name)); err != nil {
			return fmt.Errorf("%w; the restore is not complete: empty %s and restore again", err, t.dir)
		}
	}
	return durable.SyncDir(t.dir)
}

// giveAway gives what root has staged to the owner of an existing directory: the server runs as
// that user.
func (t *target) giveAway() error {
	info, err := os.Stat(t.dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if os.Geteuid() != 0 || !ok || owner.Uid == 0 {
		return nil
	}
	return filepath.WalkDir(t.staging, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, int(owner.Uid), int(owner.Gid))
	})
}

// close removes what was staged and not published.
func (t *target) close() (err error) {
	if t.staging != "" {
		err = os.RemoveAll(t.staging)
	}
	return errors.Join(err, t.release())
}
