package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stile.example/stile/corpus/library"
	"stile.example/stile/datadir"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/sqlite/inspect"
)

// Write writes a backup of an open data directory, and returns its manifest. Calls continue
// meanwhile, and imports are refused.
func Write(ctx context.Context, d *datadir.Dir, out io.Writer) (m Manifest, err error) {
	release, err := d.Store.HoldImports() // the database names the corpus file that belongs to it
	if err != nil {
		return m, err
	}
	defer release()
	data := d.Settings().Data
	dir, err := makeCopyDir(data)
	if err != nil {
		return m, fmt.Errorf("create a directory for the copy: %w", err)
	}
	defer os.RemoveAll(dir)
	database := filepath.Join(dir, "stile.db")
	if err := d.Store.Backup(ctx, database); err != nil {
		return m, fmt.Errorf("copy the database: %w", err)
	}
	m = Manifest{Format: format, Version: version(), MadeAt: d.Now().UTC().Truncate(time.Second)}
	if err := m.count(ctx, database, d.Store.CorpusFile()); err != nil {
		return m, err
	}
	others, err := datadir.BackupFiles(data)
	if err != nil {
		return m, fmt.Errorf("list the files for the backup: %w", err)
	}
	w := &writer{ctx: ctx, tar: tar.NewWriter(out), manifest: &m}
	w.file("stile.db", database)
	w.file(filepath.Base(d.Store.CorpusFile()), d.Store.CorpusFile())
	for _, name := range others {
		w.file(name, filepath.Join(data, filepath.FromSlash(name)))
	}
	return m, w.close()
}

// copyDir begins the names of directories in a data directory for the copy of the database.
const copyDir = "backup-copy-"

// makeCopyDir makes such a directory. It removes those of backups that were killed: there is only
// one backup of a data directory at a time.
func makeCopyDir(data string) (string, error) {
	entries, err := os.ReadDir(data)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), copyDir) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(data, e.Name())); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(data, copyDir)
}

// count counts the rows and items of what is copied.
func (m *Manifest) count(ctx context.Context, database, corpus string) (err error) {
	db := sqlite.OpenReaders(database)
	m.Rows, err = inspect.Rows(ctx, db)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	m.Items, err = inspect.Items(ctx, corpus)
	return err
}

// writer adds files to an archive, until one fails.
type writer struct {
	ctx      context.Context
	tar      *tar.Writer
	manifest *Manifest
	err      error
}

// file adds a file, which must not change meanwhile. A certificate may be removed meanwhile.
func (w *writer) file(name, from string) {
	if w.err != nil {
		return
	}
	f, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) && filepath.Base(name) != name {
		return
	}
	if err == nil {
		err = errors.Join(w.add(name, f), f.Close())
	}
	if err != nil {
		w.err = fmt.Errorf("write %s to the backup: %w", name, err)
	}
}

func (w *writer) add(name string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.tar.WriteHeader(w.header(name, info.Size())); err != nil {
		return err
	}
	sum := sha256.New()
	from := io.TeeReader(io.LimitReader(f, info.Size()), sum)
	if _, err := io.Copy(w.tar, library.ReaderOf(w.ctx, from)); err != nil {
		return err
	}
	w.manifest.Files = append(w.manifest.Files, File{name, info.Size(), hex.EncodeToString(sum.Sum(nil))})
	return nil
}

func (w *writer) header(name string, size int64) *tar.Header {
	return &tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: w.manifest.MadeAt}
}

// close adds the manifest, and ends the archive.
func (w *writer) close() error {
	if w.err != nil {
		return w.err
	}
	text, err := json.MarshalIndent(w.manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := w.tar.WriteHeader(w.header(manifestName, int64(len(text)))); err != nil {
		return err
	}
	if _, err := w.tar.Write(text); err != nil {
		return err
	}
	return w.tar.Close()
}
