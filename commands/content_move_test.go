package commands

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSameIDs: a source that uses the ids of another one does not take its items. An item moves to
// another collection only if it names that collection itself.
func TestSameIDs(t *testing.T) {
	both(t, func(t *testing.T, h *harness) {
		feed := func(name, title string) string {
			return h.write(name, `<rss><channel><item><guid>1</guid><title>`+title+`</title></item></channel></rss>`)
		}
		index := filepath.Join(h.dir, "folder", "index.md")
		if err := os.Mkdir(filepath.Dir(index), 0o700); err != nil {
			t.Fatal(err)
		}
		h.write("folder/index.md", "# Index")
		a, b := feed("a.xml", "Of A"), feed("b.xml", "Of B")
		other := h.write("other.jsonl", `{"id":"index","title":"Other"}`)
		moves := h.write("moves.jsonl", `{"id":"index","title":"Index","collection":"d"}`)
		h.must("content", "import", a, "--collection", "a")
		h.check(
			command{"content import " + a + " --collection a", 0, "unchanged 1", ""},
			command{"content import " + b + " --collection b", 1, "", `item 1-6b86b273ff: the id belongs to an item of collection "a", which the import would move to collection "b": if it is another item, give`},
			command{"content import " + b + " --collection b --dry-run", 1, "", `belongs to an item of collection "a"`},
			command{"content import " + filepath.Dir(index) + " --collection c", 0, "added 1", ""},
			command{"content import " + other + " --collection e --skip-invalid", 0, "skipped 1 invalid", `item index: skipped: the id belongs to an item of collection "c"`},
			command{"content list", 0, "1-6b86b273ff  a           Of A\nindex         c           Index\n", ""},
			command{"content import " + moves, 0, "updated 1", ""},
			command{"content list", 0, "index         d           Index\n", ""},
		)
	})
}

// TestDraftStaysPublished: if a page becomes a draft, the command says that it is still public.
func TestDraftStaysPublished(t *testing.T) {
	h := newHarness(t, "")
	dir := filepath.Join(h.dir, "site")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h.write("site/a.md", "# A")
	h.write("site/b.md", "# B")
	h.must("content", "import", dir)
	h.write("site/a.md", "---\ndraft: true\n---\n# A")
	h.check(
		command{"content import " + dir, 0, "left out 1", "is still published; an import with --prune removes it\n"},
		command{"content import --prune --yes " + dir, 0, "removed 1", "left out: draft\n"},
	)
}
