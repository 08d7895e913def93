package library

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
	"stile.example/stile/corpus/build"
	_ "stile.example/stile/stiletest/repeatable"
)

// TestPreviewIsTheImport previews random imports, then runs them: the results are the same, and the
// preview changed nothing.
func TestPreviewIsTheImport(t *testing.T) {
	l := newLibrary(t)
	rapid.Check(t, func(t *rapid.T) {
		o := imports.Options{
			Tenant: rapid.SampledFrom([]uint32{0, 0, 7}).Draw(t, "tenant"),
			Prune:  rapid.Bool().Draw(t, "prune"), SkipInvalid: rapid.Bool().Draw(t, "skip"),
			Confirmed: rapid.SampledFrom([]int{0, 100}).Draw(t, "confirmed"),
		}
		if rapid.Bool().Draw(t, "changes options") {
			url := rapid.SampledFrom([]string{"", "https://p.example/{id}", "https://p.example/{collection}/{id}"}).Draw(t, "url")
			names := rapid.SampledFrom([][]string{{}, {"code"}}).Draw(t, "searchable")
			o.Options = options.Change{URL: &url, Searchable: &names}
		}
		items := rapid.SliceOfNDistinct(rapid.Custom(randomItem), 0, 25, func(it content.Item) string { return it.ID }).Draw(t, "items")
		before, _ := l.Stats(t.Context())
		want, wantErr := l.Preview(t.Context(), o, itemsOf(items...))
		if after, _ := l.Stats(t.Context()); after != before {
			t.Fatalf("the preview changed %+v to %+v", before, after)
		}
		got, err := l.Import(t.Context(), o, itemsOf(items...))
		if large, ok := errors.AsType[build.UnconfirmedError](err); ok {
			if wantErr != nil || want.Unconfirmed == nil || *want.Unconfirmed != large.Removal {
				t.Fatalf("%+v, preview %+v, %v", large, want, wantErr)
			}
			return
		}
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%v, preview %v", err, wantErr)
		}
		if err == nil && (!want.DryRun || want.Unconfirmed != nil) {
			t.Fatalf("preview %+v", want)
		}
		if got.DryRun = err == nil; !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, preview %+v", got, want)
		}
	})
}

func randomItem(t *rapid.T) content.Item {
	it := content.Item{
		ID:         rapid.StringMatching(`[ab][0-9]`).Draw(t, "id"),
		Collection: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "collection"),
		Title:      rapid.SampledFrom([]string{"One", "Two"}).Draw(t, "title"),
		URL:        rapid.SampledFrom([]string{"", "", "https://own.example/"}).Draw(t, "url"),
	}
	if rapid.Bool().Draw(t, "has attribute") {
		it.Attributes = map[string]any{"code": "x"}
	}
	return it
}

// TestLargeRemoval: an import removes most of a collection only if that is confirmed, and never all
// of it because the import is empty.
func TestLargeRemoval(t *testing.T) {
	l := newLibrary(t)
	put(t, l, 0, many("a", 30)...)
	put(t, l, 0, many("b", 30)...)
	prune := func(confirmed int, items ...content.Item) (imports.Result, error) {
		return l.Import(t.Context(), imports.Options{Prune: true, Confirmed: confirmed}, itemsOf(items...))
	}
	if _, err := prune(100); !errors.Is(err, build.ErrNoItems) {
		t.Errorf("an empty import: %v", err)
	}
	for _, confirmed := range []int{0, 19} {
		large, ok := errors.AsType[build.UnconfirmedError](func() error { _, err := prune(confirmed, many("a", 10)...); return err }())
		if !ok || large.Removal != (imports.Removal{Items: 20, Of: 30}) {
			t.Errorf("confirmed %d: %+v", confirmed, large)
		}
	}
	if r, err := prune(0, many("a", 15)...); err != nil || r.Removed != 15 {
		t.Errorf("half of them: %+v, %v", r, err)
	}
	if r, err := prune(0, many("a", 6)...); err != nil || r.Removed != 9 {
		t.Errorf("few of them: %+v, %v", r, err)
	}
	if r, err := prune(29, many("b", 1)...); err != nil || r.Removed != 29 {
		t.Errorf("confirmed: %+v, %v", r, err)
	}
}

// TestOmissions: an import continues after the items that are omitted, counts them, and lists the
// first. It removes nothing then.
func TestOmissions(t *testing.T) {
	l := newLibrary(t)
	put(t, l, 0, many("a", 3)...)
	put(t, l, 7, content.Item{ID: "own", Title: "Own"})
	items := func(yield func(content.Item, error) bool) {
		for n := range 150 {
			if !yield(content.Item{}, content.LineError{File: "f", Line: n + 1, Problem: "bad"}) || !yield(content.Item{}, content.LeftOut{Where: fmt.Sprint("g:", n), Why: "draft"}) {
				return
			}
		}
		_ = yield(content.Item{ID: "own", Title: "Mine"}, nil) && yield(many("a", 1)[0], nil)
	}
	r, err := l.Import(t.Context(), imports.Options{Prune: true, SkipInvalid: true}, items)
	if err != nil || r.Skipped.Count != 151 || len(r.Skipped.First) != 100 || r.LeftOut.Count != 150 || len(r.LeftOut.First) != 100 ||
		!r.NotPruned || r.Removed != 0 || r.Unchanged != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if got := fmt.Sprint(r.Skipped.First[1], r.LeftOut.First[1]); got != "{f:2 bad} {g:1 draft}" {
		t.Error(got)
	}
	if got := slices.Collect(maps.Keys(r.Collections)); !slices.Equal(got, []string{"a"}) {
		t.Errorf("collections %q", got)
	}
	if _, err := l.Import(t.Context(), imports.Options{}, items); !errors.Is(err, build.ErrTaken) {
		t.Errorf("without SkipInvalid: %v", err)
	}
}

// TestBusy: the error says what is running and since when, and the next import runs when that has
// ended, however it has.
func TestBusy(t *testing.T) {
	l := newLibrary(t)
	during := func(yield func(content.Item, error) bool) {
		_, err := l.Import(t.Context(), imports.Options{}, itemsOf())
		if !errors.Is(err, ErrImporting) || !strings.HasPrefix(err.Error(), "another import is running: a.csv, process 7, since 20") || !strings.HasSuffix(err.Error(), " UTC; try again when that is done") {
			t.Errorf("a second import: %v", err)
		}
		panic("a parser panics")
	}
	func() {
		defer func() { recover() }()
		l.Import(t.Context(), imports.Options{Source: "a.csv, process 7"}, during)
	}()
	wantOneFile(t, l)
	release, err := l.HoldImports()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Remove(t.Context(), 0, []string{"a0"}); !errors.Is(err, ErrImporting) || !strings.HasPrefix(err.Error(), "a backup is being made, since ") {
		t.Errorf("during a backup: %v", err)
	}
	release()
	put(t, l, 0, many("a", 1)...)
}
