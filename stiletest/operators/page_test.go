// Package operators executes docs/first-day.md: its commands, in order, and its configurations of
// nginx, Caddy and systemd in the real programs. Only paths, ports, host names and certificates are
// replaced. It also checks deploy, and the metrics and traces of the real program.
//
// It contains only tests.
package operators

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "stile.example/stile/commands" // so that a change of the program invalidates cached test results
	"stile.example/stile/stiletest"
)

var binary string

func TestMain(m *testing.M) { os.Exit(stiletest.Main(m, &binary)) }

// block is a code block of the page.
type block struct {
	kind string // sh, yaml, ini, nginx, caddy
	file string // the path in the first line's comment, if there is one
	text string
}

// added marks a block that is appended to its file.
const added = "added to "

// firstDay returns the blocks of the first day, in order.
func firstDay(t testing.TB) []block {
	t.Helper()
	all := blocksOf(t, "first-day.md")
	if len(all) < 20 {
		t.Fatalf("the first day has only %d blocks", len(all))
	}
	return all
}

// blocksOf returns the blocks of a page that name their language, in order.
func blocksOf(t testing.TB, name string) (all []block) {
	t.Helper()
	page, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")
	first := regexp.MustCompile(`^# ((?:` + added + `)?/\S+)\n`)
	for _, m := range fence.FindAllStringSubmatch(string(page), -1) {
		b := block{kind: m[1], text: m[2]}
		if m := first.FindStringSubmatch(b.text); m != nil {
			b.file = m[1]
		}
		all = append(all, b)
	}
	return all
}

// contentOf returns the block that is the content of a file.
func contentOf(t testing.TB, file string) string {
	t.Helper()
	for _, b := range firstDay(t) {
		if b.file == file {
			return b.text
		}
	}
	t.Fatalf("no block of the first day is %s", file)
	return ""
}

// replace replaces each of the texts, in pairs, and fails if one is not there.
func replace(t testing.TB, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the configuration does not contain %q:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

func write(t testing.TB, file, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return file
}
