package content

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"stile.example/stile/content/ids"
	"stile.example/stile/corpus/words"
)

// Source says what to import.
type Source struct {
	Path       string    // a file, a folder or a URL; with Reader, its name in messages
	Reader     io.Reader // if set, read instead of Path
	Format     Format    // Auto detects it
	Collection string    // for the items that name none
	Exclude    []string  // patterns of names in a folder that are not read
	Now        time.Time // leaves out pages that are published later; zero: none
	// SkipInvalid omits invalid items, unless all are invalid.
	SkipInvalid bool
	Progress    func(done Progress) // if set, called every 100 items and at the end
	Notice      func(Notice)        // if set, called for what is ignored, from one goroutine
}

func (s Source) notice(n Notice) {
	if s.Notice != nil {
		s.Notice(n)
	}
}

// Progress is how much of a source has been read.
type Progress struct {
	Items       int   // also those that are omitted
	Bytes, Size int64 // Size is 0 if it is unknown
}

// Read yields the items of a source, cleaned and checked, one after another. Only a few are in
// memory at a time. For an item that its file keeps from being published it yields [LeftOut], and
// continues.
//
// After the first invalid item it yields no more items. It reads on only to find further errors,
// and yields [LineErrors] as the last error, so that all can be corrected together. With
// SkipInvalid it yields a [LineError] for each invalid item instead, and continues; if no item is
// valid, LineErrors follow. If the next item can't be found after an error in the text, the last
// error is a [CutOffError] in both cases. If a source can't be read to its end, Read yields that
// error too.
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
		r := reader{src: src, in: in, seen: ids.New(in.folder)}
		if stopped := r.items(ctx, yield); stopped {
			return
		}
		if r.progress(); r.src.SkipInvalid && r.valid > 0 && !r.isCutOff {
			r.faults = nil
		}
		if len(r.faults) > 0 || r.broken != nil {
			yield(Item{}, r.err())
		}
	}
}

// reader is one run of Read.
type reader struct {
	src    Source
	in     *input
	seen   ids.Set
	count  int // items that were read
	valid  int
	faults LineErrors // the first
	broken error      // why the source can't be read further

	last     int  // line of the last record
	isCutOff bool // by the last of faults, after another record
}

// items yields valid and omitted items until the first error, and reports whether the caller
// stopped.
func (r *reader) items(ctx context.Context, yield func(Item, error) bool) (stopped bool) {
	for d := range decodeParallel(ctx, r.in.records, r.src.Collection) {
		if n, ok := errors.AsType[notice](d.err); ok {
			r.src.notice(Notice{d.place.file, d.place.line, string(n)})
			continue
		}
		if d.err == nil {
			d.err = r.checkRepeated(d)
		}
		if d.err == nil {
			r.valid++
		} else if d.err = r.fault(d); r.broken != nil || r.isCutOff {
			return false
		}
		r.last = d.place.line
		if r.count++; r.count%100 == 0 {
			r.progress()
		}
		switch {
		case len(r.faults) == 0 || r.src.SkipInvalid:
			if !yield(d.item, d.err) {
				return true
			}
		case len(r.faults) == maxLineErrors:
			return false
		}
	}
	r.broken = ctx.Err()
	return false
}

func (r *reader) checkRepeated(d decoded) error {
	file, line, item, repeated := r.seen.Add(d.item.ID, d.place.file, d.place.line, d.place.item)
	if !repeated {
		return nil
	}
	wayOut := ""
	if r.in.folder {
		wayOut = "; write another id: in the front matter of one, or leave out a folder, such as --exclude 'versioned_docs/**'"
	}
	if file != d.place.file && words.Name(file) == words.Name(d.place.file) { // they look alike
		wayOut = fmt.Sprintf(" (%+q and %+q are one name in two Unicode spellings)%s", d.place.file, file, wayOut)
	}
	first := sourcePos{file, line, item}
	return d.place.wrap(fmt.Errorf("id %s is repeated: %v has it already%s", quote(d.item.ID), first, wayOut))
}

// fault returns the error of a record, [LeftOut] or [LineError], and records it. An error that is
// not in a record sets broken.
func (r *reader) fault(d decoded) error {
	if left, ok := errors.AsType[LeftOut](d.err); ok {
		return left
	}
	if _, ok := errors.AsType[brokenError](d.err); ok {
		r.broken = d.err
		return d.err
	}
	if at, ok := errors.AsType[atLine](d.err); ok {
		d.place.line = at.line
	}
	e := LineError{File: d.place.file, Line: d.place.line, Problem: d.err.Error()}
	if _, ends := errors.AsType[restError](d.err); ends && r.count > 0 {
		r.isCutOff = true
		r.faults = r.faults[:min(len(r.faults), maxLineErrors-1)]
	}
	if len(r.faults) < maxLineErrors {
		r.faults = append(r.faults, e)
	}
	return e
}

func (r *reader) err() error {
	switch {
	case len(r.faults) == 0:
		return r.broken
	case r.isCutOff:
		return CutOffError{r.faults, r.last}
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
