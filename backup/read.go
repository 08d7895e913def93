package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stile.example/stile/corpus/library"
	"stile.example/stile/datadir"
)

// The bounds of an archive. The database and the corpus can't be larger than the archive itself.
const (
	maxFiles = 1000
	maxSmall = 1 << 20 // bytes of any file but the database and the corpus
)

// archive is a backup that was read and checked completely.
type archive struct {
	file     *os.File
	files    []File
	manifest *Manifest // nil: the backup is of a version that wrote none
}

// open opens a backup, and checks all that can be checked without writing a file.
func open(ctx context.Context, name string) (_ *archive, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	a := &archive{file: f}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("must be a regular file")
	default:
		err = a.read(ctx, info.Size())
	}
	if err == nil {
		err = a.check()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w; nothing was restored", name, err), f.Close())
	}
	return a, nil
}

// read reads all files, which must have at most most bytes together. A sparse file could be larger
// than its archive.
func (a *archive) read(ctx context.Context, most int64) error {
	return a.each(ctx, func(h *tar.Header, from io.Reader) error {
		switch {
		case h.Typeflag != tar.TypeReg:
			return fmt.Errorf("%q is not a regular file: not a backup of stile", h.Name)
		case len(a.files) == maxFiles:
			return fmt.Errorf("more than %d files: not a backup of stile", maxFiles)
		case h.Name != manifestName && !datadir.IsBackupFile(h.Name):
			return fmt.Errorf("%q is not a file of a backup: not a backup of stile, or one of a newer version", h.Name)
		case a.manifest != nil:
			return fmt.Errorf("%q follows the manifest, which must be the last file", h.Name)
		case slices.ContainsFunc(a.files, func(f File) bool { return f.Name == h.Name }):
			return fmt.Errorf("%q is there twice", h.Name)
		case !isDatabase(h.Name) && h.Size > maxSmall:
			return fmt.Errorf("%q has %d bytes, which is too many", h.Name, h.Size)
		case h.Size > most:
			return fmt.Errorf("%q has %d bytes, which is more than the archive has: it is cut off", h.Name, h.Size)
		}
		most -= h.Size
		if h.Name == manifestName {
			return a.readManifest(from)
		}
		sum, start := sha256.New(), &beginning{}
		if _, err := io.Copy(io.MultiWriter(sum, start), from); err != nil {
			return fmt.Errorf("read %s: the archive is cut off or can't be read: %w", h.Name, err)
		}
		if isDatabase(h.Name) && !bytes.HasPrefix(start.b, []byte("SQLite format 3\x00")) {
			return fmt.Errorf("%s is not a database", h.Name)
		}
		a.files = append(a.files, File{h.Name, h.Size, hex.EncodeToString(sum.Sum(nil))})
		return nil
	})
}

// each calls fn for each file of the archive, from its beginning.
func (a *archive) each(ctx context.Context, fn func(*tar.Header, io.Reader) error) error {
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for r := tar.NewReader(a.file); ; {
		h, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, tar.ErrHeader):
			return errors.New("is not an archive that `stile backup` wrote, or is damaged")
		case errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the archive is cut off")
		case err != nil:
			return fmt.Errorf("read the archive: %w", err)
		}
		if err := fn(h, library.ReaderOf(ctx, r)); err != nil {
			return err
		}
	}
}

func (a *archive) readManifest(from io.Reader) error {
	text, err := io.ReadAll(from) // at most maxSmall
	if err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	if m.Format < 1 || m.Format > format {
		return fmt.Errorf("the manifest has the format %d, and this version reads up to %d: use the newer version of stile", m.Format, format)
	}
	a.manifest = &m
	return nil
}

// check checks that no file is missing, and that each is as it was written.
func (a *archive) check() error {
	has := func(is func(string) bool) int {
		n := 0
		for _, f := range a.files {
			if is(f.Name) {
				n++
			}
		}
		return n
	}
	for _, name := range []string{"stile.db", "keys.json"} {
		if has(func(n string) bool { return n == name }) == 0 {
			return fmt.Errorf("%s is missing: the archive is cut off, or not a backup of stile", name)
		}
	}
	if n := has(isCorpus); n != 1 {
		return fmt.Errorf("%d corpus files instead of one: the archive is cut off, or not a backup of stile", n)
	}
	if a.manifest == nil {
		return nil
	}
	for i, want := range a.manifest.Files {
		if i >= len(a.files) || a.files[i] != want {
			return fmt.Errorf("%s is not as it was written: the backup was changed or damaged; use another one", want.Name)
		}
	}
	if len(a.files) > len(a.manifest.Files) {
		return fmt.Errorf("%s is not in the manifest: the backup was changed", a.files[len(a.manifest.Files)].Name)
	}
	return nil
}

// size returns how many bytes the files have together.
func (a *archive) size() (n int64) {
	for _, f := range a.files {
		n += f.Bytes
	}
	return n
}

func isCorpus(name string) bool   { return strings.HasPrefix(name, "corpus-") }
func isDatabase(name string) bool { return name == "stile.db" || isCorpus(name) }

// extract writes the files into a directory, durably. They must be as they were when they were
// checked.
func (a *archive) extract(ctx context.Context, dir string) error {
	n := 0
	return a.each(ctx, func(h *tar.Header, from io.Reader) error {
		if h.Name == manifestName {
			return nil
		}
		if n == len(a.files) || a.files[n].Name != h.Name {
			return fmt.Errorf("the archive was changed meanwhile")
		}
		want := a.files[n]
		n++
		file := filepath.Join(dir, filepath.FromSlash(h.Name)) // a name that datadir.IsBackupFile allows
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		sum := sha256.New()
		if err := writeFile(file, io.TeeReader(io.LimitReader(from, want.Bytes), sum)); err != nil {
			return err
		}
		if hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
			return fmt.Errorf("the archive was changed meanwhile")
		}
		return nil
	})
}

func writeFile(name string, from io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// beginning stores the first bytes that are written to it.
type beginning struct{ b []byte }

func (s *beginning) Write(b []byte) (int, error) {
	s.b = append(s.b, b[:min(len(b), 16-len(s.b))]...)
	return len(b), nil
}
