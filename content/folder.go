package content

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxFolders is the maximum nesting of folders.
const maxFolders = 16

// openFolder reads the .md and .markdown files of a folder and its subfolders. Names that begin
// with a dot are skipped. Links are not followed, and nothing outside can be reached (os.Root).
// closed is the error of closing the handle by which the folder was recognised.
func openFolder(src Source, closed error) (*input, error) {
	root, err := os.OpenRoot(src.Path)
	if err = errors.Join(closed, err); err != nil {
		return nil, err
	}
	in := &input{folder: true, close: root.Close}
	f := &folder{root: root, dir: src.Path, named: src.Collection != "", in: in}
	in.records = func(ctx context.Context) iter.Seq[record] {
		return func(yield func(record) bool) { f.walk(ctx, ".", 0, yield) }
	}
	return in, nil
}

type folder struct {
	root  *os.Root
	dir   string // as the operator wrote it
	named bool   // the collection is given, so folders do not name it
	in    *input
}

// walk yields the files of a folder. It reads a limited number of names at a time.
func (f *folder) walk(ctx context.Context, dir string, depth int, yield func(record) bool) (more bool) {
	at := sourcePos{file: f.display(dir)}
	if depth > maxFolders {
		return yield(bad(at, fmt.Errorf("must be at most %d folders deep", maxFolders)))
	}
	d, err := f.root.Open(dir)
	if err != nil {
		return yield(bad(at, brokenError{err}))
	}
	defer d.Close()
	for ctx.Err() == nil {
		entries, err := d.ReadDir(256)
		slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		for _, e := range entries {
			if !f.entry(ctx, path.Join(dir, e.Name()), e, depth, yield) {
				return false
			}
		}
		if err == io.EOF {
			return true
		}
		if err != nil {
			return yield(bad(at, brokenError{err}))
		}
	}
	return false
}

func (f *folder) entry(ctx context.Context, name string, e os.DirEntry, depth int, yield func(record) bool) (more bool) {
	switch {
	case strings.HasPrefix(e.Name(), "."):
		return true
	case e.IsDir():
		return f.walk(ctx, name, depth+1, yield)
	case !isMarkdown(name):
		return true
	case !e.Type().IsRegular():
		return yield(bad(sourcePos{file: f.display(name)}, errors.New("must be a regular file: links are not followed; copy the file instead")))
	}
	return yield(f.record(name))
}

func isMarkdown(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".md" || ext == ".markdown"
}

// record returns a record that reads a file of the folder when it is decoded.
func (f *folder) record(name string) record {
	display := f.display(name)
	return record{sourcePos{file: display, line: 1}, func() (Item, error) {
		file, err := f.root.Open(name)
		if err != nil {
			return Item{}, err
		}
		defer file.Close()
		it, err := markdownFile(display, name, &counter{file, &f.in.read}).decode()
		if first, _, inside := strings.Cut(name, "/"); inside && it.Collection == "" && !f.named {
			it.Collection = first
		}
		return it, err
	}}
}

func (f *folder) display(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }
