package library

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/replica"
)

// TestKilledNode kills a node while it imports, stores chunks, is about to commit, or fetches. The
// others see nothing of it and can import, and the node starts again.
func TestKilledNode(t *testing.T) {
	if env := os.Getenv("STILE_TEST_NODE"); env != "" {
		runUntilKilled(t, strings.Split(env, "|"))
	}
	c := newCluster(t)
	a := c.node(t, "a")
	put(t, a, 0, texts("a", 300)...)
	dir := t.TempDir()
	for n, mode := range []string{"import", "put", "commit", "get"} {
		before, _ := a.Stats(t.Context())
		killNode(t, dir, c.url, mode)
		put(t, a, 0, many(fmt.Sprintf("more%d-", n), 1)...)
		killed, err := c.open(t, dir, c.replica(t, "b"))
		if err != nil {
			t.Fatalf("killed in %s: %v", mode, err)
		}
		wantSame(t, a, killed)
		if s, _ := killed.Stats(t.Context()); s.Items != before.Items+1 || s.Generation != before.Generation+1 {
			t.Errorf("killed in %s: %+v, before %+v", mode, s, before)
		}
		files, _ := os.ReadDir(dir)
		if len(files) > 3 { // one may be the spare one
			t.Errorf("killed in %s: files %v", mode, files)
		}
		killed.Close()
	}
	c.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if removed, err := a.Collect(t.Context()); err != nil || removed == 0 {
		t.Errorf("%d chunks of killed imports removed, %v", removed, err)
	}
	wantSame(t, a, c.node(t, "new"))
}

// killNode runs a node in another process, and kills it in the middle.
func killNode(t *testing.T, dir, url, mode string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledNode$")
	cmd.Env = append(os.Environ(), "STILE_TEST_NODE="+dir+"|"+url+"|"+mode)
	killInTheMiddle(t, cmd)
}

// stopping stops in the middle of an operation, and waits there to be killed.
type stopping struct {
	replica.Catalog
	replica.Chunks
	mode string
	left *atomic.Int32 // operations before
}

func (s stopping) stop(mode string) {
	if s.mode == mode && s.left.Add(-1) < 0 {
		fmt.Print(inTheMiddle)
		select {}
	}
}

func (s stopping) Commit(ctx context.Context, m replica.Manifest, patch []byte) error {
	s.stop("commit")
	return s.Catalog.Commit(ctx, m, patch)
}

func (s stopping) Put(ctx context.Context, h replica.Hash, packed []byte) error {
	s.stop("put")
	return s.Chunks.Put(ctx, h, packed)
}

func (s stopping) Get(ctx context.Context, h replica.Hash) ([]byte, error) {
	s.stop("get")
	return s.Chunks.Get(ctx, h)
}

// runUntilKilled is what the other process does.
func runUntilKilled(t *testing.T, args []string) {
	dir, url, mode := args[0], args[1], args[2]
	c := &cluster{db: openDB(t, url), leases: &leases{held: map[string]replica.HeldError{}}, now: time.Now}
	r := c.replica(t, "killed")
	s := stopping{r.Catalog, r.Chunks, mode, new(atomic.Int32)}
	r.Catalog, r.Chunks = s, s
	switch mode {
	case "put":
		s.left.Store(2)
	case "get": // a node that starts with an empty directory
		for _, name := range []string{"corpus-*.db", "corpus-*.manifest"} {
			removeAll(t, dir, name)
		}
		s.left.Store(1)
	}
	l, err := c.open(t, dir, r)
	if err != nil {
		t.Fatal(err)
	}
	if mode == "import" {
		importEndlesslyInto(t, l)
	}
	_, err = l.Import(t.Context(), imports.Options{}, itemsOf(texts("lost"+mode, 800)...))
	t.Fatal("was not killed", err)
}

func removeAll(t *testing.T, dir, pattern string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	if err != nil {
		t.Fatal(err)
	}
}
