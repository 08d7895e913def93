package commands

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lines returns n items of a collection as JSON lines.
func lines(collection string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"%s%03d","collection":"%s","title":"Item %d"}`+"\n", collection, i, collection, i)
	}
	return b.String()
}

// both runs a test with a server and without one.
func both(t *testing.T, fn func(t *testing.T, h *harness)) {
	for _, serving := range []bool{false, true} {
		t.Run(fmt.Sprintf("server=%t", serving), func(t *testing.T) {
			h := newHarness(t, "")
			if serving {
				h.serve()
			}
			fn(t, h)
		})
	}
}

// command is a command with what it must print.
type command struct {
	args     string
	code     int
	out, err string // parts
}

func (h *harness) check(commands ...command) {
	h.t.Helper()
	for _, c := range commands {
		out, err, code := h.run(strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(err, c.err) || c.err == "" && err != "" {
			h.t.Errorf("stile %s: exit %d\n%s%s\nwant exit %d\n%s\n%s", c.args, code, out, err, c.code, c.out, c.err)
		}
	}
}

// TestSkipInvalid: with --skip-invalid, the valid items are imported, the others are listed with
// where and why, and the exit code is 0. Without it, the error says that it exists.
func TestSkipInvalid(t *testing.T) {
	both(t, func(t *testing.T, h *harness) {
		file := h.write("i.jsonl", `{"id":"a","collection":"c","title":"Anna"}`+"\n"+`{"id":"b c","title":"B"}`+"\n"+`{"id":"a","title":"Again"}`+"\n"+`{"id":"own","title":"Mine"}`+"\n")
		own := h.write("own.jsonl", `{"id":"own","title":"Own"}`)
		bad := h.write("bad.jsonl", "{\"id\":\"\"}\n{\"id\":\"x\"}\n")
		h.must("tenant", "add", "acme")
		h.check(
			command{"content import " + own + " --tenant acme", 0, "added 1", ""},
			command{"content import " + file, 1, "", file + `:3: id "a" is repeated`},
			command{"content import " + file, 1, "", "stile: nothing was imported; fix the lines above and try again, or import the other items with --skip-invalid\n"},
			command{"content list", 0, "ID  COLLECTION  TITLE\n", ""},
			command{"content import " + file + " --skip-invalid --dry-run", 0, "would add 1, update 0, leave 0 unchanged, remove 0\nskipped 3 invalid\n", file + `:2: skipped: id "b c": must contain`},
			command{"content list", 0, "ID  COLLECTION  TITLE\n", ""},
			command{"content import " + file + " --skip-invalid", 0, "added 1, updated 0, unchanged 0, removed 0\nskipped 3 invalid\n", "item own: skipped: the id belongs to another owner's item\n"},
			command{"content import " + file + " --skip-invalid --prune", 0, "not pruned, because", "skipped"},
			command{"content import " + bad + " --skip-invalid", 1, "", bad + ":2: title is missing\nstile: nothing was imported, because no item is valid; fix the lines above\n"},
			command{"content list", 0, "a   c           Anna", ""},
		)
		want := `{"added":0,"updated":0,"unchanged":1,"removed":0,"collections":{"c":1},"skipped":{"count":3,"first":[{"where":"` + file + `:2","why":"id \"b c\": must contain only A-Z a-z 0-9 . _ -"},`
		if out := h.must("content", "import", file, "--skip-invalid", "--json"); !strings.HasPrefix(out, want) {
			t.Errorf("got %swant %s", out, want)
		}
		many := h.write("many.jsonl", lines("m", 1)+strings.Repeat("{}\n", 1334))
		_, err, code := h.run("content", "import", many, "--skip-invalid")
		if code != 0 || strings.Count(err, "\n") != 101 || !strings.HasSuffix(err, ":101: skipped: id is missing\n… and 1,234 more were skipped\n") {
			t.Errorf("exit %d: %s", code, err)
		}
	})
}

// TestDryRun: it says what an import would change, and creates nothing, not even a data directory.
func TestDryRun(t *testing.T) {
	h := newHarness(t, "")
	thirty, few, empty := h.write("thirty.jsonl", lines("c", 30)), h.write("few.jsonl", lines("c", 3)), h.write("empty.jsonl", "")
	h.check(
		command{"content import --dry-run " + thirty, 0, "dry run, nothing was changed: would add 30, update 0, leave 0 unchanged, remove 0\nCOLLECTION  ITEMS\nc           30\n", ""},
		command{"content import --dry-run --url https://p.example/{id}", 0, "would add 0", ""},
		command{"content import --dry-run --tenant acme " + thirty, 1, "", "the import would fail: there is no tenant acme"},
	)
	if left, err := os.ReadDir(filepath.Join(h.dir, "data")); !os.IsNotExist(err) {
		t.Errorf("it created the data directory: %v, %v", left, err)
	}
	lost := newHarness(t, "")
	lost.must("tenant", "add", "acme")
	if err := os.Remove(filepath.Join(lost.dir, "data", "stile.db")); err != nil {
		t.Fatal(err)
	}
	lost.check(
		command{"content import " + thirty, 1, "", "stile.db is missing, but keys.json is in the same directory"},
		command{"content import --dry-run " + thirty, 1, "", "stile.db is missing, but keys.json is in the same directory"},
		command{"content import --dry-run --url https://p.example/{id}", 1, "", "stile.db is missing, but keys.json is in the same directory"},
	)
	both(t, func(t *testing.T, h *harness) {
		h.must("content", "import", thirty)
		h.check(
			command{"content import --dry-run --prune " + few, 0, "would add 0, update 0, leave 3 unchanged, remove 27\nthe removal of 27 of 30 items needs --yes\nCOLLECTION  ITEMS\nc           3\n", ""},
			command{"content import --dry-run --prune --json " + few, 0, `{"added":0,"updated":0,"unchanged":3,"removed":27,"collections":{"c":3},"unconfirmed":{"items":27,"of":30},"dry_run":true}`, ""},
			command{"content import --dry-run --url https://p.example/{id}", 0, "indexed again 30", ""},
			command{"content import --dry-run --prune " + empty, 1, "", empty + ":1: the file has no items\nstile: the import would fail"},
			command{"content list --limit 1 --json", 0, `[{"id":"c000","collection":"c","title":"Item 0"}]`, "… and 29 more: --after c000 continues"},
		)
	})
}

// TestPruneOfMuch: an import that would remove most of a collection, or that has no items, changes
// nothing without --yes.
func TestPruneOfMuch(t *testing.T) {
	both(t, func(t *testing.T, h *harness) {
		thirty, few, empty := h.write("thirty.jsonl", lines("c", 1500)), h.write("few.jsonl", lines("c", 3)), h.write("empty.jsonl", "")
		h.must("content", "import", thirty)
		h.must("content", "import", h.write("seven.jsonl", lines("d", 17)))
		one := h.write("one.jsonl", `{"id":"e","title":"E","collection":"d"}`)
		both := h.write("both.jsonl", lines("c", 1500)+`{"id":"e","title":"E","collection":"d"}`)
		h.check(
			command{"content import --prune " + one, 1, "", "stile: --prune removes 17 of 17 items, which"},
			command{"content import --prune " + both, 1, "", "stile: --prune removes 17 of 1,517 items, all of a collection among them, which"},
			command{"content import --prune --dry-run --json " + both, 0, `"unconfirmed":{"items":17,"of":1517,"emptied":true}`, ""},
			command{"content import --prune " + few, 1, "", "stile: --prune removes 1,497 of 1,500 items, which are missing from the import (--dry-run shows what it would change); nothing was changed: to do it, add --yes\n"},
			command{"content import --prune --yes " + few, 0, "added 0, updated 0, unchanged 3, removed 1497\n", ""},
			command{"content import --yes --url https://p.example/{id}", 2, "", "takes one FILE"},
			command{"content import --prune --yes " + empty, 1, "", empty + ":1: the file has no items\nstile: nothing was imported"},
		)
	})
}

// TestRemoveCollection: a collection is removed with --yes; an unknown one is an error that names
// similar ones, as it is for list and export.
func TestRemoveCollection(t *testing.T) {
	both(t, func(t *testing.T, h *harness) {
		h.must("content", "import", h.write("i.jsonl", lines("soups", 3)+lines("news-2026", 2)+`{"id":"x","title":"X"}`))
		file := filepath.Join(h.dir, "out.jsonl")
		h.check(
			command{"content remove", 2, "", "takes one ID or more, or --collection with a name"},
			command{"content remove x --collection soups", 2, "", "takes one ID"},
			command{"content remove --collection soups", 1, "", "stile: collection soups with 3 items is removed; nothing was changed: to do it, add --yes\n"},
			command{"content remove --collection soup --yes", 1, "", "stile: nothing was removed: there is no collection \"soup\"; did you mean \"soups\"?\n"},
			command{"content list --collection News-2025", 1, "", `there is no collection "News-2025"; did you mean "news-2026"?`},
			command{"content export --collection drinks", 1, "", `there is no collection "drinks"; there are "soups", "news-2026"`},
			command{"content export " + file + " --collection drinks", 1, "", `there is no collection "drinks"`},
			command{"content remove --collection soups --yes", 0, "removed 3\n", ""},
			command{"content remove --collection news-2026 --yes --json", 0, "{\"removed\":2}\n", ""},
			command{"content remove --collection soups --yes", 1, "", "no item has a collection"},
			command{"content list", 0, "x   -           X\n", ""},
		)
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("an export of nothing wrote a file: %v", err)
		}
	})
}

// TestExcludeNeedsFolder: a pattern that can't apply is an error, not ignored.
func TestExcludeNeedsFolder(t *testing.T) {
	h := newHarness(t, "")
	file := h.write("i.jsonl", lines("c", 1))
	h.check(command{"content import --exclude x " + file, 1, "", "nothing was imported: " + file + " is not a folder: names can be excluded from folders only\n"})
}

// TestExcludeMatchesNothing: a pattern that matches nothing is reported, and not an error.
func TestExcludeMatchesNothing(t *testing.T) {
	h := newHarness(t, "")
	dir := filepath.Join(h.dir, "site")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h.write("site/README.md", "# R")
	h.write("site/a.md", "# A")
	h.check(
		command{"content import --exclude readme.md --exclude site/a.md " + dir, 0, "added 2", dir + ": --exclude readme.md matched nothing: patterns are relative to the folder, and case counts\n" + dir + ": --exclude site/a.md matched nothing"},
		command{"content import --exclude README.md " + dir, 0, "unchanged 1", ""},
	)
}

// TestJSONAsStored checks that --json prints an item that names a command as it is stored, however
// the program was called.
func TestJSONAsStored(t *testing.T) {
	h := newHarness(t, "")
	h.must("content", "import", h.write("items.jsonl", `{"id":"howto","title":"Type stile tenant list"}`+"\n"))
	var out, err bytes.Buffer
	p := h.program(&out, &err)
	p.name = "./bin/stile"
	if code := p.main(t.Context(), []string{"content", "search", "--json"}); code != done || !strings.Contains(out.String(), `"Type stile tenant list"`) {
		t.Errorf("exit %d: %s%s", code, out.String(), err.String())
	}
}
