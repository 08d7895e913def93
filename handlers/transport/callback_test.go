package transport

import (
	"regexp"
	"testing"
)

// FuzzCallback checks that only plain ASCII names are valid.
func FuzzCallback(f *testing.F) {
	for _, s := range []string{"cb", "a.b", "this", "$", "\u2028", "a\n"} {
		f.Add(s)
	}
	name := regexp.MustCompile(`\A[A-Za-z_$][0-9A-Za-z_$]{0,63}\z`)
	dotted := regexp.MustCompile(`\Aa\.b\.[A-Za-z_$][0-9A-Za-z_$]{0,63}\z`)
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := IsCallback(s, nil), name.MatchString(s) && !reserved[s]; got != want {
			t.Errorf("%q: %v", s, got)
		}
		if IsCallback(s, []string{"a.b"}) && !name.MatchString(s) && !dotted.MatchString(s) {
			t.Errorf("%q passes", s)
		}
	})
}
