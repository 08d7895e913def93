package synonyms_test

import (
	"strings"
	"testing"

	"stile.example/stile/corpus/synonyms"
)

// FuzzParse checks that groups that are accepted have at least two names that are not blank, and
// that they can be used.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"holland,netherlands,the netherlands\n", "# comment\n\na,b\n", "\"a,b\",c", "a\n", ",,\n", "a,\"b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		groups, err := synonyms.Parse("file.csv", text)
		if err != nil {
			return
		}
		for _, g := range groups {
			if len(g) < 2 {
				t.Errorf("%q: a group of %q", text, g)
			}
			for _, name := range g {
				if strings.TrimSpace(name) == "" {
					t.Errorf("%q: a blank name in %q", text, g)
				}
			}
		}
		synonyms.New(groups)
	})
}
