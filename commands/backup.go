package commands

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) backupCommand() *cobra.Command {
	return p.prints(&cobra.Command{Use: "backup FILE", Short: "write a consistent copy of all data",
		Long: `Writes a tar file with the database, the corpus and the keys, as they are at one
moment; the server goes on meanwhile. It holds secrets: it is made readable for
its owner alone. To restore it, unpack it into an empty data directory while no
server runs.`,
		Example: "  stile backup stile-2026-11-22.tar\n  mkdir data && tar -xf stile-2026-11-22.tar -C data",
		Args:    takes(1, 1, "one FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			var size int64
			err := writeFile(args[0], func(w io.Writer) error {
				return p.stream(c.Context(), "backup", none{}, &size, nil, w)
			})
			if err != nil {
				return err
			}
			if p.json {
				return writeJSON(p.out, map[string]any{"file": args[0], "bytes": size})
			}
			_, err = fmt.Fprintf(p.out, "%.1f MB in %s\n", float64(size)/1e6, printable(args[0]))
			return err
		}})
}

// writeBackup writes the tar file, and returns how many bytes of data are in it.
func writeBackup(ctx context.Context, a *app, _ none, out io.Writer) (size int64, err error) {
	release, err := a.db.HoldImports() // the database says which corpus is its own
	if err != nil {
		return 0, err
	}
	defer release()
	dir, err := os.MkdirTemp(a.settings().Data, "backup-")
	if err != nil {
		return 0, fmt.Errorf("make room for the copy: %w", err)
	}
	defer os.RemoveAll(dir)
	database := filepath.Join(dir, "stile.db")
	if err := a.db.Backup(ctx, database); err != nil {
		return 0, fmt.Errorf("copy the database: %w", err)
	}
	t := tar.NewWriter(out)
	for _, file := range []string{database, a.db.CorpusFile(), filepath.Join(a.settings().Data, "keys.json")} {
		n, err := addFile(ctx, t, file, a.now())
		if err != nil {
			return 0, fmt.Errorf("write %s to the backup: %w", filepath.Base(file), err)
		}
		size += n
	}
	return size, t.Close()
}

// addFile adds a file that does not change.
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
	for { // in steps, so that a command that is given up ends
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
