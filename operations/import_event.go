package operations

import (
	"context"
	"errors"
	"iter"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/build"
	"stile.example/stile/corpus/library"
	"stile.example/stile/datadir"
	"stile.example/stile/events"
)

// importReported imports items, and reports the outcome to webhooks. That an import begins is
// stored before, so that its end is reported even if this process does not live to see it.
func importReported(ctx context.Context, d *datadir.Dir, tenant string, with imports.Options, items iter.Seq2[content.Item, error]) (imports.Result, error) {
	begun, err := d.Watch.ImportBegins(ctx, tenant)
	if err != nil {
		return imports.Result{}, err
	}
	var wrong error // that the source returned last
	r, err := d.Store.Import(ctx, with, func(yield func(content.Item, error) bool) {
		for it, err := range items {
			if err != nil {
				wrong = err
			}
			if !yield(it, err) {
				return
			}
		}
	})
	if err != nil {
		return r, errors.Join(err, begun.Failed(ctx, importReason(ctx, err, wrong), err.Error()))
	}
	return r, begun.Finished(ctx, events.ImportResult{Added: r.Added, Updated: r.Updated, Unchanged: r.Unchanged, Removed: r.Removed})
}

// importReason returns the reason of [events.ImportFailure] for an error.
func importReason(ctx context.Context, err, wrong error) string {
	_, unconfirmed := errors.AsType[build.UnconfirmedError](err)
	_, moved := errors.AsType[build.MovedError](err)
	switch {
	case unconfirmed:
		return "unconfirmed"
	case ctx.Err() != nil:
		return "cancelled"
	case errors.Is(err, library.ErrImporting), errors.Is(err, library.ErrOvertaken):
		return "busy"
	case moved || wrong != nil && errors.Is(err, wrong),
		errors.Is(err, build.ErrRepeated), errors.Is(err, build.ErrTaken), errors.Is(err, build.ErrNoItems):
		return "invalid"
	}
	return "error"
}
