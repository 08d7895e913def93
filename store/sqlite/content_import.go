package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"stile.example/stile/content"
)

var _ content.Corpus = (*DB)(nil)

// progressEvery is how often an import tells how far it is, in items.
const progressEvery = 1000

// Import implements [content.Corpus]. It gives [ErrImporting] while another
// one runs. Between two items it looks whether ctx is done.
func (db *DB) Import(ctx context.Context, o content.ImportOptions, items iter.Seq2[content.Item, error]) (content.Result, error) {
	var r content.Result
	err := db.rebuild(ctx, o.Tenant, func(b *builder) error {
		for it, err := range items {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := b.put(it); err != nil {
				return fmt.Errorf("item %s: %w", it.ID, err)
			}
			if n := b.seen.len(); o.Progress != nil && n%progressEvery == 0 {
				o.Progress(n)
			}
		}
		if o.Prune {
			if err := b.prune(); err != nil {
				return fmt.Errorf("prune: %w", err)
			}
		}
		var err error
		r, err = b.result()
		return err
	})
	if err != nil {
		return content.Result{}, err
	}
	if o.Progress != nil {
		o.Progress(r.Added + r.Updated + r.Unchanged)
	}
	return r, nil
}

// Remove removes items of an owner, all of them or none, and returns how many.
// An id that the owner does not have is [content.ErrNotFound].
func (db *DB) Remove(ctx context.Context, owner uint32, ids []string) (removed int, err error) {
	err = db.rebuild(ctx, owner, func(b *builder) error {
		for _, id := range ids {
			if err := b.remove(id); err != nil {
				return fmt.Errorf("item %s: %w", id, err)
			}
		}
		removed = b.removed
		return nil
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

// removeItemsOf removes all items of an owner, who goes.
func (db *DB) removeItemsOf(ctx context.Context, owner uint32) error {
	c := db.acquire()
	defer db.release(c)
	if c.items[owner] == 0 {
		return nil
	}
	return db.rebuild(ctx, owner, (*builder).removeAll)
}

// rebuild makes the next generation by letting fn change a copy of this one,
// and publishes it if anything did change. Whatever goes wrong, this one stays.
func (db *DB) rebuild(ctx context.Context, owner uint32, fn func(*builder) error) (err error) {
	if !db.importing.TryLock() {
		return ErrImporting
	}
	defer db.importing.Unlock()
	now := db.acquire()
	defer db.release(now)
	file := db.corpusFile(now.n + 1)
	published := false
	defer func() {
		if !published {
			err = errors.Join(err, removeIfThere(file))
		}
	}()
	if err := copyFile(ctx, file, now.file); err != nil {
		return fmt.Errorf("copy corpus: %w", err)
	}
	changed, err := build(ctx, file, owner, fn)
	if err != nil || !changed {
		return err
	}
	if err := db.publish(ctx, now.n+1); err != nil {
		return fmt.Errorf("publish corpus: %w", err)
	}
	published = true
	return nil
}

// build lets fn change the file, and puts it on the disk.
func build(ctx context.Context, file string, owner uint32, fn func(*builder) error) (changed bool, err error) {
	b, err := newBuilder(ctx, file, owner)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := fn(b); err != nil {
		return false, err
	}
	if !b.changed() {
		return false, nil
	}
	if err := b.finish(); err != nil {
		return false, fmt.Errorf("write corpus: %w", err)
	}
	return true, syncFile(file)
}

func copyFile(ctx context.Context, to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, readerOf(ctx, in))
	return errors.Join(err, out.Close())
}

// syncFile puts a file and its name on the disk: from the commit on that
// names it, it must be there after a power cut too.
func syncFile(file string) error {
	for _, name := range []string{file, filepath.Dir(file)} {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func removeIfThere(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// makeEmpty makes the file of a corpus without items.
func makeEmpty(ctx context.Context, file string) error {
	db := openBuilder(file)
	_, err := db.ExecContext(ctx, fmt.Sprintf("BEGIN; %s; PRAGMA user_version = %d; COMMIT", corpusSchema, corpusFormat))
	return errors.Join(err, db.Close())
}

// readerOf reads from r until ctx is done.
func readerOf(ctx context.Context, r io.Reader) io.Reader {
	return reader(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

type reader func([]byte) (int, error)

func (f reader) Read(p []byte) (int, error) { return f(p) }
