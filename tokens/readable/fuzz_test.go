package readable_test

import (
	"strings"
	"testing"

	"stile.example/stile/tokens/readable"
)

// FuzzText checks that a text from a caller is short in a log, and has no control characters.
func FuzzText(f *testing.F) {
	for _, s := range []string{"word", "https://a.example/x", "a b", "\x1b[31m", strings.Repeat("é", 100), "\xff\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := readable.Text(s)
		if len(text) > 64+len("…") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' && r != '…' }) {
			t.Errorf("%q is shown as %q", s, text)
		}
	})
}
