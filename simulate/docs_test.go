package simulate_test

import (
	"flag"
	"os"
	"runtime"
	"strings"
	"testing"

	. "stile.example/stile/simulate"
)

var update = flag.Bool("update", false, "write the figures into docs/policy.md")

// TestDocs checks that the figures in docs/policy.md are those of the default policy.
func TestDocs(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors fuse products and sums, which leads to other random numbers")
	}
	const file, begin, end = "../docs/policy.md", "<!-- figures -->\n```\n", "```\n<!-- /figures -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/policy.md lacks the markers of the figures")
	}
	want := run(t, Default()).Text()
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if have != want {
		t.Errorf("docs/policy.md has\n%swant\n%s\nto update: go test ./simulate -run TestDocs -update", have, want)
	}
}
