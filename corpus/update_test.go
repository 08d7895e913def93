package corpus

import (
	"errors"
	"testing"

	"stile.example/stile/content"
)

// TestFailedUpdateClosesTheFile: after an update that failed or changed nothing, no connection to
// the file is open.
func TestFailedUpdateClosesTheFile(t *testing.T) {
	c := newCorpus(t)
	fault := errors.New("a fault")
	for _, want := range []error{fault, nil} {
		var b *Builder
		err := c.update(t, 0, func(builder *Builder) error {
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
	put(t, c, 0, content.Item{ID: "a", Title: "A"})
}
