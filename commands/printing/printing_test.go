package printing

import "testing"

func TestSafe(t *testing.T) {
	for text, want := range map[string]string{
		"Käse 日本": "Käse 日本", "a\x1b[31m": `"a\x1b[31m"`, "a\tb": `"a\tb"`, "a\nb\x00": "a\n" + `"b\x00"`, "\u202eb": `"\u202eb"`, "\xff": `"\xff"`,
	} {
		if got := Safe(text); got != want {
			t.Errorf("%q is printed as %s", text, got)
		}
	}
}
