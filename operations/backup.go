package operations

import (
	"context"
	"io"

	"stile.example/stile/backup"
	"stile.example/stile/datadir"
)

// Written is how much an operation wrote.
type Written struct {
	Bytes int64 `json:"bytes"`
}

// writeBackup writes the tar file. The result counts the bytes of the files in it.
func writeBackup(ctx context.Context, d *datadir.Dir, _ None, out io.Writer) (w Written, err error) {
	m, err := backup.Write(ctx, d, out)
	for _, f := range m.Files {
		w.Bytes += f.Bytes
	}
	return w, err
}
