package build

import (
	"errors"
	"iter"
	"path/filepath"
	"testing"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
)

func ptr[T any](v T) *T { return &v }

// newFile makes a file without items.
func newFile(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "corpus.db")
	if err := Create(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return name
}

// change changes an owner's options, and imports items.
func change(
	t testing.TB, name string, owner uint32, ch options.Change, items ...content.Item,
) {
	t.Helper()
	_, err := Update(name, owner, func(b *Builder) error {
		_, err := b.Import(t.Context(), imports.Options{Tenant: owner, Options: ch}, itemsOf(items...))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func itemsOf(items ...content.Item) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		for _, it := range items {
			if !yield(it, nil) {
				return
			}
		}
	}
}

// TestFailedUpdateClosesTheFile: after an update that failed or changed nothing, no connection to
// the file is open.
func TestFailedUpdateClosesTheFile(t *testing.T) {
	fault := errors.New("a fault")
	for _, want := range []error{fault, nil} {
		var b *Builder
		_, err := Update(newFile(t), 0, func(builder *Builder) error {
			b = builder
			if want == nil {
				return nil
			}
			return errors.Join(b.put(content.Item{ID: "a", Title: "A"}), want)
		})
		if !errors.Is(err, want) {
			t.Errorf("err = %v, want %v", err, want)
		}
		if n := b.db.Stats().OpenConnections; n != 0 {
			t.Errorf("%d connections are open after %v", n, want)
		}
	}
}
