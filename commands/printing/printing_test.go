package printing

import (
	"strings"
	"testing"
)

func TestSafe(t *testing.T) {
	for text, want := range map[string]string{
		"Käse 日本": "Käse 日本", "a\x1b[31m": `"a\x1b[31m"`, "a\tb": `"a\tb"`, "a\nb\x00": "a\n" + `"b\x00"`, "\u202eb": `"\u202eb"`, "\xff": `"\xff"`,
	} {
		if got := Safe(text); got != want {
			t.Errorf("%q is printed as %s", text, got)
		}
	}
}

// TestCells checks that the text of a cell can't look like another row.
func TestCells(t *testing.T) {
	var b strings.Builder
	if err := Table(&b, "RANGE NOTE", [][]string{{"192.0.2.1", "school\n192.0.2.2  allow"}}); err != nil {
		t.Fatal(err)
	}
	if want := "RANGE      NOTE\n192.0.2.1  \"school\\n192.0.2.2  allow\"\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
