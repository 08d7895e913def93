package transport

import (
	"strings"
	"testing"
)

// FuzzPlainName checks that a name without brackets is itself, that one with brackets that is
// accepted is a known parameter, and that errors are short.
func FuzzPlainName(f *testing.F) {
	for _, s := range []string{"tag[]", "tag[0]", "attribute[a]", "attribute[a][]", "attribute.a[b]", "min.a[0]", "x[]", "tag[", "[]", "attribute[]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		plain, err := plainName(name)
		switch {
		case !strings.ContainsAny(name, "[]"):
			if err != nil || plain != name {
				t.Errorf("%q: %q, %v", name, plain, err)
			}
		case err != nil:
			if len(err.Error()) > 300 {
				t.Errorf("%q: an error of %d bytes", name, len(err.Error()))
			}
		case plain != "tag" && !strings.HasPrefix(plain, "attribute.") && !strings.HasPrefix(plain, "min.") && !strings.HasPrefix(plain, "max."):
			t.Errorf("%q is accepted as %q", name, plain)
		}
	})
}
