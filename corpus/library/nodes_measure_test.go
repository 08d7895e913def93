//go:build measure

package library

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/replica"
	"stile.example/stile/corpus/replica/buckets"
	"stile.example/stile/stiletest/engines"
)

// TestMeasureNodes logs how long it takes to publish and to fetch a corpus file, how long after the
// start of an import of one changed item another node serves it, and how much is moved. The
// database waits for the disk. STILE_CORPUS_FILE names the file: TestMeasureMoved of package build
// makes some.
//
//	export STILE_CORPUS_FILE=/var/tmp/measure-1000000.db
//	go test -tags sqlite_fts5,measure -run MeasureNodes -v -timeout 1h ./corpus/library
func TestMeasureNodes(t *testing.T) {
	for _, store := range []string{"PostgreSQL", "S3"} {
		t.Run(store, func(t *testing.T) { measureNodes(t, store) })
	}
}

func measureNodes(t *testing.T, store string) {
	s := engines.NewPostgres(t, true, "max_wal_size = '4GB'")
	url := s.Database(t)
	c := &cluster{url: url, db: openDB(t, url), leases: &leases{held: map[string]replica.HeldError{}, lost: make(chan struct{})}, now: time.Now}
	if store == "S3" {
		config, err := buckets.Parse(engines.S3(t).URL("corpus"))
		if err != nil {
			t.Fatal(err)
		}
		if c.chunks, err = buckets.Open(config); err != nil {
			t.Fatal(err)
		}
	}
	a := c.node(t, "a")
	at := time.Now()
	if err := a.PublishFile(t.Context(), os.Getenv("STILE_CORPUS_FILE")); err != nil {
		t.Fatal(err)
	}
	f, _ := a.Following()
	stats, _ := a.Stats(t.Context())
	t.Logf("%d items, %d MiB: published in %v, %d MiB stored", stats.Items, stats.Bytes>>20, time.Since(at), f.Stored>>20)
	at = time.Now()
	b := c.node(t, "b")
	f, _ = b.Following()
	t.Logf("first fetch in %v, %d MiB", time.Since(at), f.Fetched>>20)
	measureChanges(t, a, b)
	at = time.Now()
	b = c.reopen(t, b)
	t.Logf("start of a node that has the generation: %v", time.Since(at))
	measureChanges(t, c.reopen(t, a), b)
}

// measureChanges measures changes of one item after both nodes have started: the first at once,
// when they have no spare files, the second when they prepare some, and more later.
func measureChanges(t *testing.T, a, b *Library) {
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, l := range []*Library{a, b} {
		all.Go(func() { l.Follow(ctx) })
	}
	for n := range 8 {
		measureOne(t, a, b, n)
		time.Sleep(time.Second)
	}
	stop()
	all.Wait()
}

func measureOne(t *testing.T, a, b *Library, n int) {
	t.Helper()
	items, err := a.List(t.Context(), content.Filter{}, fmt.Sprintf("%c-", 'a'+n*3), 1)
	if err != nil || len(items) == 0 {
		t.Fatal(items, err)
	}
	it := items[0]
	it.Title = "Changed " + it.Title
	from, _ := b.Following()
	was, _ := a.Following()
	at := time.Now()
	put(t, a, 0, it)
	imported := time.Since(at)
	b.PresentChanged() // as the change table does
	for f, _ := b.Following(); f.Generation == from.Generation; f, _ = b.Following() {
		time.Sleep(time.Millisecond)
	}
	seen := time.Since(at)
	f, _ := b.Following()
	is, _ := a.Following()
	t.Logf("one item: imported in %v, on the other node after %v; %d KiB stored, %d KiB fetched", imported, seen, (is.Stored-was.Stored)>>10, (f.Fetched-from.Fetched)>>10)
}
