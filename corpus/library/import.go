package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
	"stile.example/stile/corpus/build"
	"stile.example/stile/corpus/preview"
)

var _ imports.Corpus = (*Library)(nil)

// HoldImports makes imports return a [BusyError] until release is called: a backup copies both the
// database and its [Library.CorpusFile], which must belong together. If an import is running,
// HoldImports returns a BusyError itself.
func (l *Library) HoldImports() (release func(), err error) {
	_, release, err = l.begin(context.Background(), "a backup is being made")
	return release, err
}

// Import implements [imports.Corpus]. It returns a [BusyError] while another import runs. Between
// two items it checks whether ctx is done.
func (l *Library) Import(
	ctx context.Context, o imports.Options, items iter.Seq2[content.Item, error],
) (r imports.Result, err error) {
	what := "another import is running"
	if o.Source != "" {
		what += ": " + o.Source
	}
	change := Change{Kind: "import", Owner: o.Tenant, Source: o.Source}
	err = l.rebuild(ctx, what, &change, func(b *build.Builder) (err error) {
		r, err = b.Import(ctx, o, items)
		change.Added, change.Updated, change.Removed = r.Added, r.Updated+r.IndexedAgain, r.Removed
		return err
	})
	if err != nil {
		return imports.Result{}, err
	}
	if o.Progress != nil {
		o.Progress(r.Added + r.Updated + r.Unchanged)
	}
	return r, nil
}

// Preview returns the result that an import would have. It changes nothing, and other imports may
// run meanwhile.
func (l *Library) Preview(
	ctx context.Context, o imports.Options, items iter.Seq2[content.Item, error],
) (imports.Result, error) {
	g := l.acquire()
	defer l.release(g)
	return preview.Import(ctx, g.Name(), o, items)
}

// Remove removes items of an owner, all of them or none, and returns how many. An id that the owner
// does not have is [content.ErrNotFound].
func (l *Library) Remove(ctx context.Context, owner uint32, ids []string) (removed int, err error) {
	change := Change{Kind: "remove", Owner: owner}
	err = l.rebuild(ctx, removing, &change, func(b *build.Builder) (err error) {
		removed, err = b.Remove(ids)
		change.Removed = removed
		return err
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

// RemoveCollection removes a collection of an owner and returns how many items it had. See
// [build.Builder.RemoveCollection].
func (l *Library) RemoveCollection(
	ctx context.Context, owner uint32, name string, confirmed int,
) (removed int, err error) {
	change := Change{Kind: "remove", Owner: owner, Source: name}
	err = l.rebuild(ctx, removing, &change, func(b *build.Builder) (err error) {
		removed, err = b.RemoveCollection(ctx, name, confirmed)
		change.Removed = removed
		return err
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

const removing = "items are being removed"

// RemoveAll removes all items of an owner, and what was chosen for them. Nothing of them is kept:
// this and earlier changes can't be undone.
func (l *Library) RemoveAll(ctx context.Context, owner uint32) error {
	if err := l.CatchUp(ctx); err != nil {
		return err
	}
	g := l.acquire()
	defer l.release(g)
	chosen, err := g.Options(ctx, owner)
	if err != nil {
		return err
	}
	if g.Items(owner) == 0 && chosen.Equal(options.Options{}) {
		return l.forgetPrevious()
	}
	change := Change{Owner: owner}
	return l.rebuild(ctx, removing, &change, func(b *build.Builder) error { return b.RemoveAll(ctx) })
}

// rebuild makes the next generation by letting fn change a copy of the current one, and publishes
// it if fn changed anything. A change without a kind can't be undone. After an error, or if ctx is
// done before, the current generation stays. what says to others what is running.
func (l *Library) rebuild(
	ctx context.Context, what string, change *Change, fn func(*build.Builder) error,
) (err error) {
	ctx, end, err := l.begin(ctx, what)
	if err != nil {
		return err
	}
	defer end()
	g := l.acquire()
	defer l.release(g)
	if err := g.check(ctx); err != nil {
		return err
	}
	file := l.fileName(g.n + 1)
	published, isSame := false, false
	defer func() {
		if !published {
			err = errors.Join(err, l.discard(file, isSame))
		}
	}()
	if err := l.copyCurrent(ctx, file, g); err != nil {
		return fmt.Errorf("copy corpus: %w", err)
	}
	changed, err := build.Update(file, change.Owner, fn)
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())) {
		err = context.Cause(ctx)
	}
	if err != nil || !changed {
		isSame = err == nil
		return err
	}
	if g.IsOld() || change.Kind == "" {
		change = nil
	}
	if err := l.publish(ctx, g, change); err != nil {
		return fmt.Errorf("publish corpus: %w", err)
	}
	published = true
	return nil
}

// copyCurrent makes the file of the next generation, in the current format.
func (l *Library) copyCurrent(ctx context.Context, file string, g *generation) error {
	switch {
	case g.IsOld():
		return l.convert(ctx, file, g)
	case l.shared != nil && g.n != 0:
		return l.makeFile(ctx, file, g.manifest)
	}
	return copyFile(ctx, file, g.Name())
}

// copyStep is how much is copied between two looks at whether ctx is done.
const copyStep = 64 << 20

func copyFile(ctx context.Context, to, from string) error {
	return copySteps(ctx, to, from, copyStep, nil)
}

// copySteps copies a file step by step, and calls after for the copy after each step, unless it is
// nil.
func copySteps(ctx context.Context, to, from string, step int64, after func(*os.File) error) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	for n := step; n == step && err == nil; err = cmp.Or(err, ctx.Err()) {
		// Between two files the kernel copies, or lets both share the blocks if the file system can.
		if n, err = io.CopyN(out, in, step); err == io.EOF {
			err = nil
		}
		if err == nil && after != nil {
			err = after(out)
		}
	}
	return errors.Join(err, out.Close())
}

func removeIfExists(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// ReaderOf returns a reader of r that fails once ctx is done.
func ReaderOf(ctx context.Context, r io.Reader) io.Reader {
	return reader(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

type reader func([]byte) (int, error)

func (f reader) Read(p []byte) (int, error) { return f(p) }
