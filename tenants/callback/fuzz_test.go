package callback

import (
	"regexp"
	"testing"
)

// FuzzCallback checks that only plain ASCII names are valid, whatever the pattern.
func FuzzCallback(f *testing.F) {
	for _, s := range []string{"cb", "a.b", "a.b.c", "a.x.c", "this", "$", "\u2028", "a\n"} {
		for _, p := range []string{"a.b", "a.*.c", "*", "*.c", "a*", "a.*b"} {
			f.Add(s, p)
		}
	}
	name := regexp.MustCompile(`\A[A-Za-z_$][0-9A-Za-z_$]{0,63}\z`)
	dotted := regexp.MustCompile(`\A([A-Za-z_$][0-9A-Za-z_$]{0,63}\.)+[A-Za-z_$][0-9A-Za-z_$]{0,63}\z`)
	f.Fuzz(func(t *testing.T, s, pattern string) {
		if got, want := IsValid(s, nil), name.MatchString(s) && !reserved[s]; got != want {
			t.Errorf("%q: %v", s, got)
		}
		if !IsValid(s, []string{pattern}) {
			return
		}
		if !name.MatchString(s) && (!dotted.MatchString(s) || len(s) > 128) {
			t.Errorf("%q passes with %q", s, pattern)
		}
	})
}
