package titles

import (
	"strconv"
	"testing"

	"stile.example/stile/tokens"
)

// TestTitles checks that a title counts once for each token, and that what is stored is bounded.
func TestTitles(t *testing.T) {
	shown := New()
	ids := []string{"a", "b", "c"}
	for _, c := range []struct {
		token byte
		ids   []string
		want  int
	}{{1, ids, 3}, {1, ids, 0}, {1, append(ids, "d"), 1}, {2, ids, 3}, {1, ids, 0}} {
		for range 2 { // a refused request, and its repetition
			if n := shown.New(tokens.ID{c.token}, c.ids); n != c.want {
				t.Errorf("%d of %v are new to token %d, want %d", n, c.ids, c.token, c.want)
			}
		}
		shown.Add(tokens.ID{c.token}, c.ids)
	}
	for n := range titlesShown {
		shown.Add(tokens.ID{1}, []string{strconv.Itoa(n)})
	}
	if n := shown.New(tokens.ID{1}, ids); n != 3 {
		t.Errorf("%d titles are new after %d others, want 3", n, titlesShown)
	}
	for n := range 2 * maxShown {
		shown.Add(tokens.ID{3, byte(n), byte(n >> 8), byte(n >> 16)}, ids)
	}
	if n := shown.tokens.Len(); n > maxShown {
		t.Errorf("%d tokens are stored, want at most %d", n, maxShown)
	}
}
