//go:build measure

package corpus

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/turns"
	"stile.example/stile/stiletest"
)

// TestMeasureTurns logs how long items and searches for rare words take while eight callers search
// for frequent words, with the usual number of turns and with one for each caller:
//
//	go test -tags sqlite_fts5,measure -run MeasureTurns -v ./corpus
func TestMeasureTurns(t *testing.T) {
	tc := slowCorpus(t)
	fast := func(name string) {
		rng := rand.New(rand.NewPCG(1, 2))
		words, items := []time.Duration{}, []time.Duration{}
		for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
			q := content.Query{Words: []string{stiletest.SlowRareWord(rng.IntN(997))}, Limit: 1 + rng.IntN(50), Sort: content.Sort(rng.IntN(3))}
			at := time.Now()
			if _, err := tc.Search(t.Context(), q); err != nil {
				t.Errorf("word search: %v", err)
			}
			words = append(words, time.Since(at))
			at = time.Now()
			if _, err := tc.Item(0, fmt.Sprint("slow-", rng.IntN(stiletest.SlowItems))); err != nil {
				t.Errorf("item: %v", err)
			}
			items = append(items, time.Since(at))
		}
		show := func(what string, d []time.Duration) {
			slices.Sort(d)
			t.Logf("%-28s %-7s n %4d p50 %7.3f ms p95 %7.3f ms p99 %7.3f ms max %7.3f ms", name, what, len(d), ms(d[len(d)/2]), ms(d[len(d)*95/100]), ms(d[len(d)*99/100]), ms(d[len(d)-1]))
		}
		show("word", words)
		show("item", items)
		clearCaches(tc)
	}
	fast("warm-up")
	fast("undisturbed")
	for _, processors := range []int{runtime.GOMAXPROCS(0), 17} {
		tc.opt.Lanes = turns.NewLanes(processors)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var mu sync.Mutex
		var took []time.Duration
		failed := map[string]int{}
		for i := range 8 {
			wg.Go(func() {
				for n := i; ctx.Err() == nil; n += 8 {
					at := time.Now()
					_, err := tc.Search(ctx, slowQuery(n))
					mu.Lock()
					if err != nil {
						failed[err.Error()]++
					} else {
						took = append(took, time.Since(at))
					}
					mu.Unlock()
				}
			})
		}
		fast(fmt.Sprintf("8 slow, %d processors", processors))
		stop()
		wg.Wait()
		slices.Sort(took)
		t.Logf("slow searches: %d answered, p50 %.0f ms, max %.0f ms; failed %v", len(took), ms(took[len(took)/2]), ms(took[len(took)-1]), failed)
	}
}

func slowQuery(i int) content.Query {
	v := stiletest.SlowQuery(i)
	q := content.Query{Words: strings.Fields(v.Get("q")), Tags: v["tag"], Facets: strings.Split(v.Get("facets"), ","), Limit: 20}
	if v.Get("sort") == "title" {
		q.Sort = content.ByTitle
	}
	return q
}

func slowCorpus(t *testing.T) *testCorpus {
	corpus := filepath.Join(t.TempDir(), "slow.jsonl")
	at := time.Now()
	if err := stiletest.WriteSlowCorpus(corpus, stiletest.SlowItems); err != nil {
		t.Fatal(err)
	}
	t.Logf("generated in %v", time.Since(at))
	tc := newCorpus(t)
	tc.opt.Limits = DefaultLimits()
	at = time.Now()
	load(t, tc, 0, content.Read(t.Context(), content.Source{Path: corpus}))
	t.Logf("imported in %v", time.Since(at))
	return tc
}

// TestMeasureWorst logs how long the most expensive known queries take without time limits. It adds
// 20,000 titles of mixed scripts to the corpus that STILE_CORPUS names.
func TestMeasureWorst(t *testing.T) {
	tc := newCorpus(t)
	load(t, tc, 0, content.Read(t.Context(), content.Source{Path: os.Getenv("STILE_CORPUS")}))
	var items []content.Item
	for i := range 20_000 {
		items = append(items, content.Item{ID: fmt.Sprint("mixed", i), Title: mixedText(i, 30), Summary: mixedText(i, 30)})
	}
	put(t, tc, 0, items...)
	var eight []string
	for i := range 8 {
		eight = append(eight, mixedText(i, 30))
	}
	for name, q := range map[string]string{
		"one letter": "s", "two letters": "se", "frequent words": "of kind noun", "eight frequent words": "of kind noun a synonyms the examples s",
		"eight letters": "a b c d e f g h", "eight characters": "一 丁 丂 七 丄 丅 丆 万",
		"a word of two scripts": mixedText(0, 32), "two alternating characters": strings.Repeat("a一", 32), "eight words of two scripts": strings.Join(eight, " "),
	} {
		words, err := content.Words(q)
		if err != nil {
			t.Fatal(err)
		}
		took := func(what string, fn func() error) {
			var most time.Duration
			for range 5 {
				clearCaches(tc)
				at := time.Now()
				if err := fn(); err != nil {
					t.Error(err)
				}
				most = max(most, time.Since(at))
			}
			t.Logf("%-28s %-16s %7.1f ms", name, what, ms(most))
		}
		took("suggest", func() error { _, err := tc.Suggest(t.Context(), 0, q); return err })
		took("search", func() error { _, err := tc.Search(t.Context(), content.Query{Words: words, Limit: 20}); return err })
		took("search, facets", func() error {
			_, err := tc.Search(t.Context(), content.Query{Words: words, Limit: 50, Highlight: true, Facets: []string{"tag", "collection", "synonyms", "hypernyms"}})
			return err
		})
	}
}
