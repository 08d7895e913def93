// Package backups writes a consistent copy of all data as a tar file.
package backups

import (
	"context"
	"errors"
	"io"

	"stile.example/stile/backup"
	"stile.example/stile/corpus/library"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/store/postgres"
)

// Written is how much was written.
type Written struct {
	Bytes int64 `json:"bytes"`
}

// Write writes the tar file. The result counts the bytes of the files in it.
func Write(ctx context.Context, d *datadir.Dir, out io.Writer) (w Written, err error) {
	if d.Nodes != nil {
		return w, failure.Of(failure.Conflict, postgres.ErrBackup)
	}
	m, err := backup.Write(ctx, d, out)
	if errors.Is(err, library.ErrImporting) {
		err = failure.Of(failure.Conflict, err)
	}
	for _, f := range m.Files {
		w.Bytes += f.Bytes
	}
	return w, err
}
