// Package backups writes a consistent copy of all data as a tar file.
package backups

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"stile.example/stile/corpus/library"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
)

// Written is how much was written.
type Written struct {
	Bytes int64 `json:"bytes"`
}

// Write writes the tar file. The result counts the bytes of the files in it.
func Write(ctx context.Context, d *datadir.Dir, out io.Writer) (w Written, err error) {
	release, err := d.Store.HoldImports() // the database names the corpus file that belongs to it
	if err != nil {
		if errors.Is(err, library.ErrImporting) {
			err = failure.Of(failure.Conflict, err)
		}
		return w, err
	}
	defer release()
	dir, err := os.MkdirTemp(d.Settings().Data, "backup-")
	if err != nil {
		return w, fmt.Errorf("create a directory for the copy: %w", err)
	}
	defer os.RemoveAll(dir)
	database := filepath.Join(dir, "stile.db")
	if err := d.Store.Backup(ctx, database); err != nil {
		return w, fmt.Errorf("copy the database: %w", err)
	}
	t := tar.NewWriter(out)
	for _, file := range []string{database, d.Store.CorpusFile(), filepath.Join(d.Settings().Data, "keys.json")} {
		n, err := addFile(ctx, t, file, d.Now())
		if err != nil {
			return w, fmt.Errorf("write %s to the backup: %w", filepath.Base(file), err)
		}
		w.Bytes += n
	}
	return w, t.Close()
}

// addFile adds a file to the archive. The file must not change meanwhile.
func addFile(ctx context.Context, t *tar.Writer, file string, now time.Time) (int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	err = t.WriteHeader(&tar.Header{Name: filepath.Base(file), Mode: 0o600, Size: info.Size(), ModTime: now})
	if err != nil {
		return 0, err
	}
	for { // in steps, so that a cancelled command ends
		n, err := io.CopyN(t, f, 1<<20)
		switch {
		case err == io.EOF:
			return info.Size(), ctx.Err()
		case err != nil:
			return 0, err
		case ctx.Err() != nil || n == 0:
			return 0, ctx.Err()
		}
	}
}
