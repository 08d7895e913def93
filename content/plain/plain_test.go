package plain_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stile.example/stile/content/plain"
	_ "stile.example/stile/stiletest/repeatable"
)

// TestKeep checks that what is kept is not stripped, and that only the joiner is added.
func TestKeep(t *testing.T) {
	parts := []string{"<b>", "</b>", "<dialog>", "<", ">", " ", "=", "<!--", "-->", "<br>", "a", "\u2060", "<x ", "\"", "<P>", "</", "<?"}
	rapid.Check(t, func(rt *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 12).Draw(rt, "text"), "")
		kept := plain.Keep(s)
		if plain.Strip(kept) != kept {
			rt.Errorf("%q: %q is stripped to %q", s, kept, plain.Strip(kept))
		}
		if strings.ReplaceAll(kept, "\u2060", "") != strings.ReplaceAll(s, "\u2060", "") {
			rt.Errorf("%q: %q has lost text", s, kept)
		}
		once := plain.Strip(s)
		if twice := plain.Strip(once); twice != once {
			rt.Errorf("%q: %q, then %q", s, once, twice)
		}
	})
}
