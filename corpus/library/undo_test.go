package library

import (
	"errors"
	"os"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
)

var inOrder = content.Query{Sort: content.ByTitle}

// undo undoes the last change, which must be possible.
func undo(t *testing.T, l *Library, generation int64) Change {
	t.Helper()
	c, err := l.Undo(t.Context(), generation)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestUndo checks that the last change can be undone, also the first one and after a restart, and
// that an undo can be undone.
func TestUndo(t *testing.T) {
	dir := t.TempDir()
	l := openLibrary(t, dir)
	if _, err := l.Undo(t.Context(), 0); !errors.Is(err, ErrNoUndo) {
		t.Errorf("of nothing: %v", err)
	}
	put(t, l, 0, many("a", 2)...)
	if undone := undo(t, l, 0); undone.Kind != "import" || undone.Added != 2 || finds(t, l, "", inOrder) != "" {
		t.Errorf("of the first import: %+v, %q", undone, finds(t, l, "", inOrder))
	}
	undo(t, l, 0)
	put(t, l, 0, many("b", 1)...)
	if _, err := l.Import(t.Context(), imports.Options{Prune: true}, itemsOf(many("a", 1)...)); err != nil {
		t.Fatal(err)
	}
	after := finds(t, l, "", inOrder)
	for range 2 {
		l.Close()
		l = openLibrary(t, dir)
		c, until, ok := l.LastChange()
		if !ok || until.Before(c.At.Add(KeepPrevious)) {
			t.Fatalf("after a restart: %+v, %v, %v", c, until, ok)
		}
		undo(t, l, c.Generation)
		if got := finds(t, l, "", inOrder); got == after {
			t.Errorf("nothing was undone: %q", got)
		} else {
			after = got
		}
		wantOneFile(t, l)
	}
	if after != "a0 b0" {
		t.Errorf("after undo and redo: %q", after)
	}
	l.Close()
}

// TestUndoRefused checks that only the last change is undone, while nothing else changes the corpus
// and as long as the generation before it is kept.
func TestUndoRefused(t *testing.T) {
	l := newLibrary(t)
	now := time.Now()
	l.opt.Now = func() time.Time { return now }
	put(t, l, 0, many("a", 2)...)
	first, _, _ := l.LastChange()
	put(t, l, 0, many("b", 2)...)
	later, is := errors.AsType[ChangedLaterError](second(l.Undo(t.Context(), first.Generation)))
	if !is || later.Last.Generation != first.Generation+1 {
		t.Errorf("of an earlier change: %+v", later)
	}
	release, err := l.HoldImports()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Undo(t.Context(), 0); !errors.Is(err, ErrImporting) {
		t.Errorf("during another: %v", err)
	}
	release()
	before := finds(t, l, "", inOrder)
	now = now.Add(KeepPrevious)
	if _, err := l.Undo(t.Context(), 0); !errors.Is(err, ErrNoUndo) {
		t.Errorf("too late: %v", err)
	}
	if err := l.ForgetOld(); err != nil {
		t.Fatal(err)
	}
	wantOneFile(t, l)
	if got := finds(t, l, "", inOrder); got != before {
		t.Errorf("after the refusals: %q, was %q", got, before)
	}
}

func second[A, B any](_ A, b B) B { return b }

// TestUndoForgetsTenant checks that nothing of a removed tenant can be brought back.
func TestUndoForgetsTenant(t *testing.T) {
	for _, last := range []uint32{0, 7} { // who owns what was imported last
		l := newLibrary(t)
		put(t, l, 7, content.Item{ID: "seven", Title: "Seven"})
		if last == 7 {
			if _, err := l.Remove(t.Context(), 7, []string{"seven"}); err != nil {
				t.Fatal(err)
			}
		}
		c, _, _ := l.LastChange()
		if err := l.RemoveAll(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Undo(t.Context(), 0); !errors.Is(err, ErrNoUndo) {
			t.Errorf("%v", err)
		}
		if _, err := os.Stat(l.fileName(c.Previous)); c.Previous != 0 && err == nil {
			t.Error("the file is still there")
		}
		wantOneFile(t, l)
	}
}

// TestAtGeneration checks that a change for a generation is made only while that one is current.
func TestAtGeneration(t *testing.T) {
	l := openLibrary(t, t.TempDir())
	put(t, l, 0, many("a", 2)...)
	stats, err := l.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old, now := AtGeneration(t.Context(), stats.Generation-1), AtGeneration(t.Context(), stats.Generation)
	if _, err := l.Import(old, imports.Options{}, itemsOf(many("b", 1)...)); !errors.Is(err, ErrStale) {
		t.Errorf("an import: %v", err)
	}
	if _, err := l.Remove(old, 0, []string{"a0"}); !errors.Is(err, ErrStale) {
		t.Errorf("a removal: %v", err)
	}
	if _, err := l.Undo(old, 0); !errors.Is(err, ErrStale) {
		t.Errorf("an undo: %v", err)
	}
	wantOneFile(t, l)
	if _, err := l.Undo(now, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Import(now, imports.Options{}, itemsOf(many("b", 1)...)); !errors.Is(err, ErrStale) {
		t.Errorf("after the undo: %v", err)
	}
}
