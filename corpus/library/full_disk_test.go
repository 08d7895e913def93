package library

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/replica"
)

// TestFullDisk fills the disk of a node that needs space for the next generation. The node says so
// and continues to serve the generation that it has. Once there is space, it follows the others.
func TestFullDisk(t *testing.T) {
	if env := os.Getenv("STILE_TEST_FULL"); env != "" {
		dir, url, _ := strings.Cut(env, "|")
		onFullDisk(t, dir, url)
		return
	}
	dir := t.TempDir()
	cmd := exec.Command("unshare", "--map-root-user", "--mount", "sh", "-c",
		fmt.Sprintf(`mount -t tmpfs -o size=40m,mode=700 tmpfs '%s' && exec "$@"`, dir), "sh", os.Args[0], "-test.run", "^TestFullDisk$")
	cmd.Env = append(os.Environ(), "STILE_TEST_FULL="+dir+"|"+newCluster(t).url)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v (it needs user namespaces: sysctl kernel.unprivileged_userns_clone=1)\n%s", err, out)
	}
}

func onFullDisk(t *testing.T, dir, url string) {
	c := &cluster{url: url, db: openDB(t, url), leases: &leases{held: map[string]replica.HeldError{}}, now: time.Now}
	a := c.node(t, "a")
	put(t, a, 0, texts("a", 300)...)
	b, err := c.open(t, dir, c.replica(t, "b"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for round := range 2 { // without a spare file, and with one
		filler := filepath.Join(dir, "filler")
		fillDisk(t, filler)
		items := b.Items(0)
		put(t, a, 0, texts(fmt.Sprintf("more%d-", round), 300)...)
		for what, try := range map[string]func() error{
			"adopt": func() error { return b.CatchUp(t.Context()) },
			"import": func() error {
				_, err := b.Import(t.Context(), imports.Options{}, itemsOf(many("b", 1)...))
				return err
			},
		} {
			if err := try(); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("round %d, %s: %v", round, what, err)
			}
		}
		f, _ := b.Following()
		if b.Items(0) != items || finds(t, b, "paragraph", content.Query{}) == "" || f.Since.IsZero() || !strings.Contains(f.Problem, "no space left on device") {
			t.Errorf("round %d: %d items, %+v", round, b.Items(0), f)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		catchUp(t, b)
		wantSame(t, a, b)
		if err := b.prepare(t.Context()); err != nil {
			t.Error(err)
		}
	}
	put(t, b, 0, many("b", 1)...)
	catchUp(t, a)
	wantSame(t, a, b)
}

// fillDisk writes a file until the disk is full.
func fillDisk(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<16); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
