package library

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus"
	"stile.example/stile/corpus/replica"
	"stile.example/stile/corpus/replica/buckets"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/tables/corpustable"
)

// cluster is what the nodes of a test share.
type cluster struct {
	url    string
	db     testDB
	chunks replica.Chunks // nil: in the database
	leases *leases
	now    func() time.Time
}

// testDB is a database that a test can also change behind everybody's back.
type testDB struct {
	*postgres.DB
	url string
}

func openDB(t *testing.T, url string) testDB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return testDB{db, url}
}

func (d testDB) exec(t *testing.T, text string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// leases gives a lease to one node of the test's process at a time.
type leases struct {
	mu   sync.Mutex
	held map[string]replica.HeldError
	lost chan struct{}
	all  bool // everybody gets every lease, as if two nodes disagreed
}

type leasesOf struct {
	*leases
	node string
}

func (l leasesOf) Lease(_ context.Context, name, what string) (func(), <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held, isHeld := l.held[name]; isHeld && !l.all {
		return nil, nil, held
	}
	l.held[name] = replica.HeldError{Node: l.node, What: what, Since: time.Now()}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, name)
	}, l.lost, nil
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	url := engines.Postgres(t)
	c := &cluster{url: url, db: openDB(t, url), leases: &leases{held: map[string]replica.HeldError{}, lost: make(chan struct{})}, now: time.Now}
	return c
}

// replica returns what a node has of the shared corpus.
func (c *cluster) replica(t *testing.T, node string) *replica.Replica {
	o := replica.Options{Catalog: corpustable.Catalog{DB: c.db}, Chunks: c.chunks, Leases: leasesOf{c.leases, node}, Now: func() time.Time { return c.now() }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Wait: time.Millisecond}
	if o.Chunks == nil {
		o.Chunks = corpustable.Chunks{DB: c.db, Now: o.Now}
	}
	return replica.New(o)
}

// open opens the library of a node in a directory.
func (c *cluster) open(t *testing.T, dir string, r *replica.Replica) (*Library, error) {
	l, err := Open(t.Context(), dir, nil, Options{
		Now: func() time.Time { return c.now() }, Log: r.Log, Replica: r,
		Limits: corpus.Limits{Whole: time.Minute, Total: time.Minute, Facets: time.Minute, Turn: time.Minute},
	})
	return l, err
}

// node opens the library of a node in an empty directory.
func (c *cluster) node(t *testing.T, name string) *Library {
	t.Helper()
	l, err := c.open(t, t.TempDir(), c.replica(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func (c *cluster) nodes(t *testing.T, n int) (all []*Library) {
	t.Helper()
	for i := range n {
		all = append(all, c.node(t, fmt.Sprintf("node-%d", i+1)))
	}
	return all
}

// reopen closes a library and opens it again in its directory.
func (c *cluster) reopen(t *testing.T, l *Library) *Library {
	t.Helper()
	l.Close()
	again, err := c.open(t, l.dir, c.replica(t, "again"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	return again
}

// catchUp lets nodes adopt the present generation.
func catchUp(t *testing.T, nodes ...*Library) {
	t.Helper()
	for _, l := range nodes {
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// wantSame fails the test unless all nodes have the same generation, byte by byte.
func wantSame(t *testing.T, nodes ...*Library) {
	t.Helper()
	want, err := os.ReadFile(nodes[0].CorpusFile())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range nodes[1:] {
		got, err := os.ReadFile(l.CorpusFile())
		if err != nil || string(got) != string(want) || filepath.Base(l.CorpusFile()) != filepath.Base(nodes[0].CorpusFile()) {
			t.Errorf("%s and %s differ: %v", nodes[0].CorpusFile(), l.CorpusFile(), err)
		}
	}
}

// texts returns n items with much text, so that they are in several chunks.
func texts(prefix string, n int) []content.Item {
	items := many(prefix, n)
	for i := range items {
		items[i].Summary = fmt.Sprintf("summary %d of %s", i, prefix)
		items[i].Body = fmt.Sprintf("<p>paragraph %d</p>", i)
		sum := sha256.Sum256([]byte(items[i].ID))
		long := strings.Repeat(hex.EncodeToString(sum[:]), 100)
		items[i].Attributes = map[string]any{"long": []any{long}} // lists are not indexed
		items[i].Tags = []string{fmt.Sprintf("tag %d", i%7)}
	}
	return items
}

// TestNodes checks that what one node imports, removes or undoes is the same on all: searches,
// facets, and cursors from other nodes.
func TestNodes(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 3)
	a, b, third := nodes[0], nodes[1], nodes[2]
	if got := finds(t, b, "", inOrder); got != "" {
		t.Errorf("the first generation has %q", got)
	}
	put(t, a, 0, texts("a", 300)...)
	put(t, b, 7, texts("own", 100)...)
	catchUp(t, nodes...)
	wantSame(t, nodes...)
	q := content.Query{Words: []string{"paragraph", "number"}, Tenant: 7, Limit: 20, Facets: []string{"collection", "tag"}, Highlight: true}
	var first content.Page
	for n := 0; q.Cursor != "" || n == 0; n++ {
		var pages []content.Page
		for _, l := range nodes {
			p, err := l.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, p)
		}
		if !reflect.DeepEqual(pages[0], pages[1]) || !reflect.DeepEqual(pages[0], pages[2]) || len(pages[0].Items) == 0 {
			t.Fatalf("page %d: %+v, %+v, %+v", n, pages[0], pages[1], pages[2])
		}
		if n == 0 {
			first = pages[0]
		}
		q.Cursor, q.Facets = pages[n%3].Next, nil
	}
	if first.Total != 400 {
		t.Errorf("%d found", first.Total)
	}
	if n, err := third.RemoveCollection(t.Context(), 0, "a", 300); err != nil || n != 300 {
		t.Errorf("%d removed, %v", n, err)
	}
	catchUp(t, nodes...)
	wantSame(t, nodes...)
	undo(t, a, 0)
	catchUp(t, nodes...)
	wantSame(t, nodes...)
	if s, _ := b.Stats(t.Context()); s.Items != 400 || s.Generation != 4 {
		t.Errorf("after the undo: %+v", s)
	}
	undo(t, b, 4) // redo
	if _, err := third.Undo(t.Context(), 4); err == nil {
		t.Error("an undo of a change that is not the last one")
	}
	catchUp(t, nodes...)
	if s, _ := a.Stats(t.Context()); s.Items != 100 || s.Generation != 5 {
		t.Errorf("after the redo: %+v", s)
	}
}

// TestSmallChange checks that a change of one item moves a few pages, not chunks, and that a node
// that was away during several changes fetches little as well.
func TestSmallChange(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 3)
	a, b, away := nodes[0], nodes[1], nodes[2]
	put(t, a, 0, texts("a", 600)...)
	catchUp(t, nodes...)
	size := func() int64 { s, _ := a.Stats(t.Context()); return s.Bytes }()
	fetched := func(l *Library) int64 { f, _ := l.Following(); return f.Fetched }
	for n := range 3 {
		before := fetched(b)
		put(t, a, 0, content.Item{ID: fmt.Sprintf("a%d", n*200), Title: "Changed", Collection: "a"})
		catchUp(t, b)
		if got := fetched(b) - before; got > 100<<10 || got == 0 {
			t.Errorf("change %d of a corpus of %d KiB: fetched %d KiB", n, size>>10, got>>10)
		}
	}
	before := fetched(away)
	catchUp(t, away)
	if got := fetched(away) - before; got > 300<<10 {
		t.Errorf("three changes at once: fetched %d KiB", got>>10)
	}
	wantSame(t, nodes...)
	c.db.exec(t, `UPDATE corpus_generations SET patch = '\x00ffffffffffffffff'`) // damaged
	put(t, b, 0, content.Item{ID: "a7", Title: "Changed", Collection: "a"})
	c.db.exec(t, `UPDATE corpus_generations SET patch = '\x000004aaaaaaaa'`) // wrong, and well-formed
	catchUp(t, nodes...)
	wantSame(t, nodes...)
}

// TestFollow checks that a node adopts what another publishes by itself, also through PgBouncer.
func TestFollow(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 1)
	c.db = openDB(t, engines.PgBouncer(t, c.url).URL)
	nodes = append(nodes, c.nodes(t, 1)...)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, l := range nodes {
		all.Go(func() { l.Follow(ctx) })
	}
	for n := range 4 {
		put(t, nodes[n%2], 0, many(fmt.Sprintf("x%d-", n), 10)...)
		other := nodes[(n+1)%2]
		other.PresentChanged()
		for deadline := time.Now().Add(10 * time.Second); other.Items(0) != 10*(n+1); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d items after change %d", other.Items(0), n)
			}
		}
	}
	stop()
	all.Wait()
	wantSame(t, nodes...)
}

// TestRepair checks that a damaged, shortened or missing copy is repaired or fetched at the start.
func TestRepair(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 2)
	put(t, nodes[0], 0, texts("a", 400)...)
	catchUp(t, nodes...)
	l := nodes[1]
	for what, spoil := range map[string]func(string) error{
		"a byte":  func(f string) error { return overwrite(f, 1<<20+12345, 'x') },
		"the end": func(f string) error { return os.Truncate(f, 1<<20+7) },
		"more":    func(f string) error { return overwrite(f, 64<<20, 'x') },
		"missing": os.Remove,
		"a start": func(f string) error {
			return errors.Join(os.Rename(f, filepath.Join(filepath.Dir(f), nextFile)), os.Truncate(filepath.Join(filepath.Dir(f), nextFile), 1<<20))
		},
		"not a bit": func(string) error { return nil },
	} {
		l.Close()
		if err := spoil(l.CorpusFile()); err != nil {
			t.Fatal(err)
		}
		l = c.reopen(t, l)
		t.Log(what)
		wantSame(t, nodes[0], l)
		f, _ := l.Following()
		if what == "a byte" && f.Fetched > 1<<20 || what == "not a bit" && f.Fetched > 0 {
			t.Errorf("%s: fetched %d bytes", what, f.Fetched)
		}
		files, _ := os.ReadDir(l.dir)
		if len(files) > 3 { // with its manifest and a spare file
			t.Errorf("%s: files %v", what, files)
		}
	}
}

// TestRepairSpare checks that a node keeps its spare file over a restart, and that nothing that was
// damaged in it meanwhile gets into the next generation.
func TestRepairSpare(t *testing.T) {
	c := newCluster(t)
	l := c.node(t, "a")
	put(t, l, 0, texts("a", 400)...)
	if err := l.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(string) error{
		"a byte":    func(f string) error { return overwrite(f, 1<<20+12345, 'x') },
		"the end":   func(f string) error { return os.Truncate(f, 1<<20+7) },
		"not a bit": func(string) error { return nil },
	} {
		was, err := os.Stat(l.shared.spare.Name)
		if err == nil {
			err = spoil(l.shared.spare.Name)
		}
		if err != nil {
			t.Fatal(err)
		}
		l = c.reopen(t, l)
		if is, err := os.Stat(l.shared.spare.Name); err != nil || !os.SameFile(was, is) {
			t.Errorf("%s: the spare file is another: %v", what, err)
		}
		if err := l.prepare(t.Context()); err != nil {
			t.Error(err)
		}
		want, _ := os.ReadFile(l.CorpusFile())
		if got, err := os.ReadFile(l.shared.spare.Name); err != nil || string(got) != string(want) {
			t.Errorf("%s: the spare file differs from the current one: %v", what, err)
		}
	}
}

// TestStoreGone checks that nodes continue with their generation while chunks can't be read, report
// it, and follow again by themselves.
func TestStoreGone(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 2)
	a, b := nodes[0], nodes[1]
	put(t, a, 0, texts("a", 200)...)
	catchUp(t, b)
	put(t, a, 0, texts("b", 200)...)
	c.db.exec(t, `UPDATE corpus_generations SET patch = NULL`)
	at := time.Now()
	c.now = func() time.Time { return at }
	c.db.exec(t, `CREATE TABLE kept AS SELECT * FROM corpus_chunks`)
	const restore = `UPDATE corpus_chunks SET packed = (SELECT packed FROM kept WHERE kept.hash = corpus_chunks.hash)`
	for _, spoil := range []struct{ what, do, undo, err string }{
		{"gone", `ALTER TABLE corpus_chunks RENAME TO away`, `ALTER TABLE away RENAME TO corpus_chunks`, "does not exist"},
		{"damaged", `UPDATE corpus_chunks SET packed = '\x00' || packed`, restore, "is damaged in the store"},
		{"another", `UPDATE corpus_chunks SET packed = (SELECT packed FROM kept ORDER BY hash LIMIT 1)`, restore, "is damaged in the store"},
		{"cut off", `UPDATE corpus_chunks SET packed = substr(packed, 1, 1000)`, restore, "is damaged: "},
	} {
		c.db.exec(t, spoil.do)
		if err := b.CatchUp(t.Context()); err == nil || !strings.Contains(err.Error(), spoil.err) {
			t.Errorf("%s: %v", spoil.what, err)
		}
		if _, err := b.Import(t.Context(), imports.Options{}, itemsOf(many("c", 1)...)); err == nil {
			t.Errorf("%s: an import on a node that is behind", spoil.what)
		}
		if b.Items(0) != 200 || len(finds(t, b, "paragraph", content.Query{})) == 0 {
			t.Errorf("%s: %d items", spoil.what, b.Items(0))
		}
		f, ok := b.Following()
		if !ok || f.Generation != 1 || f.Present != 2 || f.Problem == "" || f.Note(at) != "" || !strings.HasPrefix(f.Note(at.Add(61*time.Second)), "corpus behind: generation 1 instead of 2 for 1m1s: ") {
			t.Errorf("%s: %+v", spoil.what, f)
		}
		b = c.reopen(t, b)
		if b.Items(0) != 200 {
			t.Errorf("%s, after a restart: %d items", spoil.what, b.Items(0))
		}
		if l, err := c.open(t, t.TempDir(), c.replica(t, "new")); !errors.Is(err, ErrCorpus) {
			l.Close()
			t.Errorf("%s: a new node starts: %v", spoil.what, err)
		}
		c.db.exec(t, spoil.undo)
	}
	catchUp(t, b)
	if f, _ := b.Following(); f.Generation != 2 || !f.Since.IsZero() || f.Problem != "" {
		t.Errorf("healed: %+v", f)
	}
	wantSame(t, a, b)
}

// TestTwoImports checks that one node at a time changes the corpus, that the error says what is
// running where, and that nothing of a change is visible if another one was published before.
func TestTwoImports(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 2)
	a, b := nodes[0], nodes[1]
	put(t, a, 0, many("a", 10)...)
	during := func(items []content.Item, fn func()) func(func(content.Item, error) bool) {
		return func(yield func(content.Item, error) bool) { fn(); itemsOf(items...)(yield) }
	}
	_, err := a.Import(t.Context(), imports.Options{Source: "x.jsonl"}, during(many("b", 10), func() {
		_, err := b.Import(t.Context(), imports.Options{}, itemsOf(many("c", 10)...))
		if !errors.Is(err, ErrImporting) || !strings.Contains(err.Error(), "another import is running: x.jsonl, on node node-1, since ") ||
			!strings.HasSuffix(err.Error(), "; try again when that is done, or in 15 s if that node was killed") {
			t.Errorf("a second import: %v", err)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	c.leases.all = true
	_, err = a.Import(t.Context(), imports.Options{}, during(many("d", 10), func() { put(t, b, 0, many("c", 10)...) }))
	if !errors.Is(err, replica.ErrOvertaken) || !strings.Contains(err.Error(), "nothing was changed: repeat") {
		t.Errorf("overtaken: %v", err)
	}
	c.leases.all = false
	catchUp(t, nodes...)
	wantSame(t, nodes...)
	if a.Items(0) != 30 {
		t.Errorf("%d items", a.Items(0))
	}
	put(t, a, 0, many("d", 10)...)
	_, err = b.Import(t.Context(), imports.Options{}, during(many("e", 10), func() { close(c.leases.lost); time.Sleep(300 * time.Millisecond) }))
	if err == nil || !strings.Contains(err.Error(), "has lost the right to change the corpus") || b.Items(0) != 40 {
		t.Errorf("without its lease: %v, %d items", err, b.Items(0))
	}
}

// lossy is a catalog whose replies to commits are lost.
type lossy struct {
	replica.Catalog
	before bool // the request is lost instead
}

var errReply = errors.New("the connection was closed")

func (l lossy) Commit(ctx context.Context, m replica.Manifest, patch []byte) error {
	if l.before {
		return errReply
	}
	return errors.Join(l.Catalog.Commit(ctx, m, patch), errReply)
}

// TestLostReply checks that an import whose commit has no reply succeeds if it was committed, and
// fails if it was not.
func TestLostReply(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 2)
	catalog := nodes[0].shared.Catalog
	nodes[0].shared.Catalog = lossy{Catalog: catalog}
	put(t, nodes[0], 0, many("a", 10)...)
	nodes[0].shared.Catalog = lossy{Catalog: catalog, before: true}
	if _, err := nodes[0].Import(t.Context(), imports.Options{}, itemsOf(many("b", 10)...)); !errors.Is(err, errReply) {
		t.Errorf("%v", err)
	}
	nodes[0].shared.Catalog = catalog
	catchUp(t, nodes...)
	wantSame(t, nodes...)
	if nodes[1].Items(0) != 10 {
		t.Errorf("%d items", nodes[1].Items(0))
	}
}

// TestImportWaitsForCollection checks that an import waits for a node that removes unused chunks.
func TestImportWaitsForCollection(t *testing.T) {
	c := newCluster(t)
	a := c.node(t, "a")
	release, _, err := leasesOf{c.leases, "b"}.Lease(t.Context(), "corpus", replica.Collecting)
	if err != nil {
		t.Fatal(err)
	}
	if removed, err := a.Collect(t.Context()); err != nil || removed > 0 {
		t.Errorf("%d removed, %v", removed, err)
	}
	time.AfterFunc(50*time.Millisecond, release)
	put(t, a, 0, many("a", 10)...)
}

// TestForgetTenant checks that no node can bring back items of a removed tenant, and that chunks
// that nothing needs are removed, and no others.
func TestForgetTenant(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 2)
	a, b := nodes[0], nodes[1]
	put(t, a, 0, texts("a", 200)...)
	catchUp(t, b)
	put(t, b, 7, texts("own", 200)...)
	catchUp(t, a)
	if _, _, ok := a.LastChange(); !ok {
		t.Error("the change of another node can't be undone")
	}
	if err := a.RemoveAll(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	for _, l := range nodes {
		if _, err := l.Undo(t.Context(), 0); !errors.Is(err, ErrNoUndo) {
			t.Errorf("undo: %v", err)
		}
	}
	for n := range int64(3) {
		if _, err := a.shared.Catalog.Manifest(t.Context(), n); !errors.Is(err, replica.ErrNone) {
			t.Errorf("generation %d is still there: %v", n, err)
		}
	}
	if removed, err := a.Collect(t.Context()); err != nil || removed > 0 {
		t.Errorf("too early: %d removed, %v", removed, err)
	}
	c.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if removed, err := b.Collect(t.Context()); err != nil || removed == 0 {
		t.Errorf("%d removed, %v", removed, err)
	}
	third := c.node(t, "third")
	wantSame(t, a, b, third)
	checked := func(l *Library) replica.Checked {
		c, _, err := l.CheckShared(t.Context())
		if err != nil {
			t.Error(err)
		}
		return c
	}
	whole := checked(third)
	if whole.Generation != 3 || whole.Chunks < 2 || whole.Missing > 0 {
		t.Errorf("%+v", whole)
	}
	c.db.exec(t, `UPDATE corpus_chunks SET packed = '\x00aa' WHERE hash = (SELECT hash FROM corpus_chunks ORDER BY hash LIMIT 1)`)
	if got := checked(third); got.Missing != 1 || got.Restored != 1 {
		t.Errorf("a damaged chunk: %+v", got)
	}
	c.db.exec(t, `DELETE FROM corpus_chunks`)
	if _, err := a.Collect(t.Context()); err != nil {
		t.Error(err)
	}
	wantSame(t, a, c.node(t, "fourth"))
}

// TestUndoExpires checks that an undo is impossible on all nodes once one has forgotten it.
func TestUndoExpires(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 2)
	put(t, nodes[0], 0, many("a", 2)...)
	put(t, nodes[0], 0, many("b", 2)...)
	catchUp(t, nodes...)
	c.now = func() time.Time { return time.Now().Add(KeepPrevious) }
	if err := nodes[0].ForgetOld(); err != nil {
		t.Fatal(err)
	}
	c.now = time.Now
	catchUp(t, nodes...)
	for _, l := range nodes {
		if _, _, ok := l.LastChange(); ok {
			t.Error("it can be undone")
		}
	}
}

// TestPublishFile checks that the corpus of another installation can be taken over, and that one
// node brings it to the current format for all.
func TestPublishFile(t *testing.T) {
	c := newCluster(t)
	nodes := c.nodes(t, 2)
	old := filepath.Join(t.TempDir(), "old.db")
	packed, err := os.Open("../testdata/format-1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(unpacked)
	if err == nil {
		err = os.WriteFile(old, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].PublishFile(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	catchUp(t, nodes...)
	if !nodes[1].isOld() {
		t.Error("the format is not an older one")
	}
	for _, l := range []*Library{nodes[1], nodes[0]} {
		if err := l.Upgrade(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantSame(t, nodes...)
	if s, err := nodes[0].Stats(t.Context()); err != nil || s.Generation != 2 || s.Items == 0 || nodes[0].isOld() {
		t.Errorf("%+v, %v", s, err)
	}
	if _, _, ok := nodes[0].LastChange(); ok {
		t.Error("the older format can come back")
	}
}

// TestBucket checks that nodes can have their chunks in an S3 server, and survive that it is away.
func TestBucket(t *testing.T) {
	c := newCluster(t)
	s3 := engines.S3(t)
	config, err := buckets.Parse(s3.URL("corpus"))
	if err != nil {
		t.Fatal(err)
	}
	if c.chunks, err = buckets.Open(config); err != nil {
		t.Fatal(err)
	}
	nodes := c.nodes(t, 2)
	put(t, nodes[0], 0, texts("a", 200)...)
	catchUp(t, nodes...)
	wantSame(t, nodes...)
	s3.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := nodes[1].Import(ctx, imports.Options{}, itemsOf(texts("b", 200)...)); err == nil || nodes[1].Items(0) != 200 {
		t.Errorf("without the S3 server: %v, %d items", err, nodes[1].Items(0))
	}
	s3.Restart()
	put(t, nodes[1], 0, texts("b", 200)...)
	catchUp(t, nodes...)
	wantSame(t, nodes[0], nodes[1], c.node(t, "new"))
	undo(t, nodes[0], 0)
	c.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if _, err := nodes[0].Collect(t.Context()); err != nil {
		t.Error(err)
	}
	catchUp(t, nodes...)
	wantSame(t, nodes[0], nodes[1], c.node(t, "newest"))
}

// TestEarlierFile: of several generations that a killed node has left, the latest is served.
func TestEarlierFile(t *testing.T) {
	l := &Library{dir: t.TempDir()}
	if got := l.earlierFile(11); got != "" {
		t.Errorf("%s in an empty directory", got)
	}
	for _, name := range []string{"corpus-9.manifest", "corpus-9.db", "corpus-10.manifest", "corpus-10.db", "corpus-11.manifest", "corpus-11.db", "corpus-12.manifest", "corpus-13.db"} {
		if err := os.WriteFile(filepath.Join(l.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.earlierFile(11); got != l.fileName(10) {
		t.Errorf("%s, want generation 10", got)
	}
}
