package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"stile.example/stile/corpus/build"
	"stile.example/stile/corpus/replica"
)

// KeepPrevious is how long the generation before the last change is kept, so that the change can be
// undone. It takes as much space as the corpus. Only one is kept: the next change replaces it.
const KeepPrevious = 7 * 24 * time.Hour

// ErrNoUndo means that the last change can't be undone any more, or that there was none.
var ErrNoUndo = errors.New("there is no change that can be undone")

// ChangedLaterError means that the change to be undone is not the last one.
type ChangedLaterError struct{ Last Change }

func (e ChangedLaterError) Error() string {
	return fmt.Sprintf("the corpus was changed later: generation %d, at %s", e.Last.Generation, e.Last.At.UTC().Format(time.RFC3339))
}

// Change is a change of the corpus, which published a generation.
type Change = replica.Change

// LastChange returns the last change, and until when it can be undone. ok is false if nothing can
// be undone.
func (l *Library) LastChange() (c Change, until time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		return Change{}, time.Time{}, false
	}
	until = l.last.At.Add(KeepPrevious)
	return *l.last, until, l.opt.Now().Before(until)
}

// Undo publishes the generation before the last change again, as a new one, and returns the change
// that it undid. If generation is not 0, the last change must be the one that published it. To undo
// an undo redoes the change.
func (l *Library) Undo(ctx context.Context, generation int64) (undone Change, err error) {
	ctx, end, err := l.begin(ctx, "the last change is being undone")
	if err != nil {
		return Change{}, err
	}
	defer end()
	undone, _, ok := l.LastChange()
	switch {
	case !ok:
		return Change{}, ErrNoUndo
	case generation != 0 && generation != undone.Generation:
		return Change{}, ChangedLaterError{undone}
	}
	g := l.acquire()
	defer l.release(g)
	if err := g.check(ctx); err != nil {
		return Change{}, err
	}
	redo := Change{Kind: "undo", Owner: undone.Owner, Source: undone.Source, Added: undone.Removed, Updated: undone.Updated, Removed: undone.Added}
	if l.shared != nil && undone.Previous != 0 {
		return undone, l.repeatShared(ctx, g, undone.Previous, &redo)
	}
	file := l.fileName(g.n + 1)
	if err := l.repeat(ctx, file, undone.Previous); err != nil {
		return Change{}, fmt.Errorf("copy the generation before: %w", err)
	}
	if err := l.publish(ctx, g, &redo); err != nil {
		return Change{}, fmt.Errorf("publish corpus: %w", errors.Join(err, removeIfExists(file)))
	}
	return undone, nil
}

// repeat makes a file with the items of an earlier generation. Files of generations never change,
// so it is the same file under another name, where the file system allows that.
func (l *Library) repeat(ctx context.Context, file string, n int64) error {
	if err := removeIfExists(file); err != nil {
		return err
	}
	if n == 0 { // the empty corpus
		return build.Create(ctx, file)
	}
	if os.Link(l.fileName(n), file) == nil {
		return nil
	}
	return copyFile(ctx, file, l.fileName(n))
}

// ForgetOld removes the generation before the last change when it has been kept long enough.
func (l *Library) ForgetOld() error {
	l.mu.Lock()
	old := l.last != nil && !l.opt.Now().Before(l.last.At.Add(KeepPrevious))
	l.mu.Unlock()
	if !old {
		return nil
	}
	return l.forgetPrevious()
}

// forgetPrevious removes the generation before the last change, so that it can't be undone.
func (l *Library) forgetPrevious() error {
	l.mu.Lock()
	last := l.last
	l.last = nil
	if l.shared != nil {
		l.mu.Unlock()
		return l.forgetShared()
	}
	inUse := last != nil && l.inUse[last.Previous] // then its last user removes it
	l.mu.Unlock()
	if last == nil {
		return nil
	}
	err := removeIfExists(l.changeFile(last.Generation))
	if last.Previous == 0 || inUse {
		return err
	}
	return errors.Join(err, removeIfExists(l.fileName(last.Previous)))
}

// isKept reports whether the file of a generation must stay although it is not current. l.mu must
// be held.
func (l *Library) isKept(n int64) bool { return n != 0 && l.last != nil && l.last.Previous == n }

func (l *Library) changeFile(n int64) string {
	return filepath.Join(l.dir, fmt.Sprintf("corpus-%d.json", n))
}

// writeChange stores what the change to a generation was, next to its file.
func (l *Library) writeChange(c Change) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(l.changeFile(c.Generation), text, 0o600)
}

// readChange reads what the change to the current generation was. It returns nil if that is not
// known, or if the generation before is gone: then it can't be undone.
func (l *Library) readChange(n int64) *Change {
	text, err := os.ReadFile(l.changeFile(n))
	if err != nil {
		return nil
	}
	var c Change
	if json.Unmarshal(text, &c) != nil || c.Generation != n || c.Previous >= n || c.Previous < 0 {
		return nil
	}
	if _, err := os.Stat(l.fileName(c.Previous)); c.Previous != 0 && err != nil {
		return nil
	}
	return &c
}
