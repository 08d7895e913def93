package operations

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"syscall"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
	"stile.example/stile/corpus/build"
	"stile.example/stile/corpus/library"
	"stile.example/stile/corpus/preview"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
)

// ImportOptions says whose items are imported.
type ImportOptions struct {
	Tenant string `json:"tenant,omitempty"` // client_id; empty: the shared corpus
	// Remove items that are missing from the collections that the import touches.
	Prune bool `json:"prune,omitempty"`
	// Confirmed is how many items Prune may remove although they are most of what exists.
	Confirmed int `json:"confirmed,omitempty"`
	// Say what would be changed, and change nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// Source names the source and the process that reads it, for the message to other imports.
	Source string `json:"source,omitempty"`
	// Collection is that of the items that name none. They must not move to it from another.
	Collection string `json:"collection,omitempty"`
	// Omit items whose ids belong to other owners or collections, instead of failing.
	SkipInvalid bool `json:"skip_invalid,omitempty"`
	// Options changes what is chosen for all items of the owner.
	Options options.Change `json:"options,omitzero"`
}

// progressEvery is how often the log reports that items are indexed again, in items.
const progressEvery = 20_000

func importItems(ctx context.Context, d *datadir.Dir, o ImportOptions, items iter.Seq2[content.Item, error]) (imports.Result, error) {
	tenant, err := lookup.Number(d, o.Tenant)
	if err != nil {
		return imports.Result{}, err
	}
	before, err := d.Store.Options(ctx, tenant)
	if err != nil {
		return imports.Result{}, err
	}
	if _, err := o.Options.Apply(before); err != nil {
		return imports.Result{}, failure.Of(failure.Invalid, err)
	}
	with := imports.Options{
		Tenant: tenant, Prune: o.Prune, Confirmed: o.Confirmed, Collection: o.Collection,
		SkipInvalid: o.SkipInvalid, Source: shorten(o.Source), Options: o.Options,
		Indexing: func(done int) {
			if done%progressEvery == 0 {
				d.Log.Info("items are indexed again with the changed options", "done", done)
			}
		},
	}
	if o.DryRun {
		r, err := d.Store.Preview(ctx, with, items)
		return r, explainImport(err)
	}
	r, err := importReported(ctx, d, o.Tenant, with, items)
	if large, ok := errors.AsType[build.UnconfirmedError](err); ok {
		return imports.Result{Unconfirmed: &large.Removal}, nil
	}
	if err != nil {
		return r, explainImport(err)
	}
	return r, d.UpdateAddressPolicy(ctx)
}

// PreviewWithoutData is `content import` with DryRun where there is no data directory yet.
func PreviewWithoutData(ctx context.Context, o ImportOptions, items iter.Seq2[content.Item, error]) (imports.Result, error) {
	if o.Tenant != "" {
		return imports.Result{}, lookup.Unknown(o.Tenant)
	}
	with := imports.Options{Prune: o.Prune, SkipInvalid: o.SkipInvalid, Options: o.Options}
	r, err := preview.Import(ctx, "", with, items)
	return r, explainImport(err)
}

// explainImport adds to an error of which kind it is, and what to do.
func explainImport(err error) error {
	_, isLine := errors.AsType[content.LineError](err)
	_, areLines := errors.AsType[content.LineErrors](err)
	_, isCutOff := errors.AsType[content.CutOffError](err)
	_, isMoved := errors.AsType[build.MovedError](err)
	switch {
	case isLine || areLines || isCutOff || errors.Is(err, build.ErrRepeated):
		return failure.Of(failure.Invalid, err)
	case isMoved || errors.Is(err, build.ErrTaken) || errors.Is(err, library.ErrImporting), errors.Is(err, library.ErrOvertaken):
		return failure.Of(failure.Conflict, err)
	case errors.Is(err, build.ErrNoItems):
		return failure.New(failure.Invalid, "%w, so --prune can't know the collection to remove from; `stile content remove --collection NAME` removes a collection", build.ErrNoItems)
	case errors.Is(err, syscall.ENOSPC), err != nil && strings.Contains(err.Error(), "disk is full"):
		// The second is SQLite's text.
		return fmt.Errorf("%w; make space: a change of the corpus needs as much as the corpus has", err)
	}
	return err
}

// shorten bounds a text that a command sends to be shown to others.
func shorten(text string) string {
	const most = 300
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
