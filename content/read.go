package content

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Source says what to import.
type Source struct {
	Path       string              // a file, a folder or a URL; with Reader, its name in messages
	Reader     io.Reader           // if set, read instead of Path
	Format     Format              // Auto detects it
	Collection string              // for the items that name none
	Exclude    []string            // patterns of names in a folder that are not read
	Now        time.Time           // leaves out pages that are published later; zero: none
	Progress   func(done Progress) // if set, called every 100 items and at the end
}

// Progress is how much of a source has been read.
type Progress struct {
	Items       int
	Bytes, Size int64 // Size is 0 if it is unknown
}

// Read yields the items of a source, cleaned and checked, one after another. Only a few are in
// memory at a time. After the first invalid one it yields no more items. It reads on only to find
// further errors, and yields [LineErrors] as the last and only error, so that all can be corrected
// together. If a source can't be read to its end, it yields that error too.
//
// Items are decoded on all processors, in parallel to the caller's loop.
func Read(ctx context.Context, src Source) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		in, err := open(ctx, src)
		if err != nil {
			yield(Item{}, err)
			return
		}
		defer in.close()
		in.now = src.Now
		r := reader{src: src, in: in, seen: newIDSet(in.folder)}
		if stopped := r.items(ctx, yield); stopped {
			return
		}
		if r.progress(); len(r.faults) > 0 || r.broken != nil {
			yield(Item{}, r.err())
		}
	}
}

// reader is one run of Read.
type reader struct {
	src    Source
	in     *input
	seen   idSet
	count  int
	faults LineErrors
	broken error // why the source can't be read further
}

// items yields valid items until the first error, and reports whether the caller stopped.
func (r *reader) items(ctx context.Context, yield func(Item, error) bool) (stopped bool) {
	for d := range decodeParallel(ctx, r.in.records(ctx), r.src.Collection) {
		if d.err == nil {
			d.err = r.seen.add(d.item.ID, d.place)
		}
		if d.err == nil {
			if len(r.faults) == 0 && !yield(d.item, nil) {
				return true
			}
			if r.count++; r.count%100 == 0 {
				r.progress()
			}
			continue
		}
		if _, ok := errors.AsType[LeftOut](d.err); ok {
			continue
		}
		if r.broken = r.fault(d); r.broken != nil || len(r.faults) == maxLineErrors {
			return false
		}
	}
	r.broken = ctx.Err()
	return false
}

// fault records the error in a record, or returns an error that is not in a record.
func (r *reader) fault(d decoded) error {
	if _, ok := errors.AsType[brokenError](d.err); ok {
		return d.err
	}
	if at, ok := errors.AsType[atLine](d.err); ok {
		d.place.line = at.line
	}
	r.faults = append(r.faults, LineError{File: d.place.file, Line: d.place.line, Problem: d.err.Error()})
	return nil
}

func (r *reader) err() error {
	switch {
	case len(r.faults) == 0:
		return r.broken
	case r.broken == nil:
		return r.faults
	}
	return errors.Join(r.faults, r.broken)
}

func (r *reader) progress() {
	if r.src.Progress != nil {
		r.src.Progress(Progress{Items: r.count, Bytes: r.in.read.Load(), Size: r.in.size})
	}
}

// brokenError says that a source can't be read further.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

// atLine is an error on another line than the first of its record.
type atLine struct {
	line int
	error
}

func (e atLine) Unwrap() error { return e.error }
