//go:build measure

package corpus

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/turns"
	"stile.example/stile/corpus/words"
)

// TestMeasureCorpus imports the JSONL file that STILE_CORPUS names, and logs how long that and
// queries take, without HTTP:
//
//	go run ./examples/wordnet /usr/share/wordnet > wordnet.jsonl
//	STILE_CORPUS=$PWD/wordnet.jsonl go test -tags sqlite_fts5,measure -run MeasureCorpus -v ./corpus
func TestMeasureCorpus(t *testing.T) {
	file := os.Getenv("STILE_CORPUS")
	if file == "" {
		t.Fatal("STILE_CORPUS must name a JSONL file to measure")
	}
	tc := newCorpus(t)
	tc.opt.Limits, tc.opt.Lanes = DefaultLimits(), turns.NewLanes(runtime.GOMAXPROCS(0))
	at := time.Now()
	r := load(t, tc, 0, content.Read(t.Context(), content.Source{Path: file}))
	stats, _ := tc.Stats()
	t.Logf("import: %d items in %.1f s, %d MB", r.Added, time.Since(at).Seconds(), stats.Bytes>>20)
	t.Log(status())
	at = time.Now()
	put(t, tc, 0, content.Item{ID: "one", Title: "one more"})
	t.Logf("import of one more: %v", time.Since(at))

	measureQueries(t, tc)
}

func measureQueries(t *testing.T, tc *testCorpus) {
	from := titleWords(t, tc)
	rng := rand.New(rand.NewPCG(1, 2))
	weighted := func() string { return from.all[rng.IntN(len(from.all))] }
	distinct := func() string { return from.different[rng.IntN(len(from.different))] }
	ask := func(q content.Query) func() error {
		return func() error { _, err := tc.Search(t.Context(), q); return err }
	}
	three := func() []string {
		w := strings.Fields(from.texts[rng.IntN(len(from.texts))])
		rng.Shuffle(len(w), func(i, j int) { w[i], w[j] = w[j], w[i] })
		q, _ := content.Words(strings.Join(w[:min(3, len(w))], " "))
		return q
	}
	frequent := func() []string {
		w := slices.Clone(from.frequent)
		rng.Shuffle(len(w), func(i, j int) { w[i], w[j] = w[j], w[i] })
		return w[:8]
	}
	prefix := func(w string) string { r := []rune(w); return string(r[:1+rng.IntN(len(r))]) }
	for _, m := range []struct {
		name string
		next func() func() error
	}{
		{"one word, by occurrence", func() func() error { return ask(content.Query{Words: []string{weighted()}, Limit: 20}) }},
		{"one word, any", func() func() error { return ask(content.Query{Words: []string{distinct()}, Limit: 20}) }},
		{"one word, facets, highlight", func() func() error {
			return ask(content.Query{Words: []string{weighted()}, Limit: 20, Facets: []string{"tag", "collection"}, Highlight: true})
		}},
		{"three words of a text", func() func() error { return ask(content.Query{Words: three(), Limit: 20}) }},
		{"prefix", func() func() error { return ask(content.Query{Words: []string{prefix(weighted())}, Limit: 20}) }},
		{"word and prefix", func() func() error {
			return ask(content.Query{Words: []string{weighted(), prefix(weighted())}, Limit: 20})
		}},
		{"eight frequent words", func() func() error { return ask(content.Query{Words: frequent(), Limit: 20}) }},
		{"frequent words, facets", func() func() error {
			return ask(content.Query{Words: frequent()[:3], Limit: 20, Facets: []string{"tag", "collection"}})
		}},
		{"frequent words, newest", func() func() error {
			return ask(content.Query{Words: frequent()[:3], Sort: content.ByNewest, Limit: 20})
		}},
		{"one word, newest", func() func() error {
			return ask(content.Query{Words: []string{weighted()}, Sort: content.ByNewest, Limit: 20})
		}},
		{"one word, title", func() func() error {
			return ask(content.Query{Words: []string{weighted()}, Sort: content.ByTitle, Limit: 20})
		}},
		{"suggest, prefix of a word", func() func() error {
			q := prefix(weighted())
			return func() error { _, err := tc.Suggest(t.Context(), 0, q); return err }
		}},
		{"suggest, prefix of a title", func() func() error {
			q := prefix(from.titles[rng.IntN(len(from.titles))])
			return func() error { _, err := tc.Suggest(t.Context(), 0, q); return err }
		}},
		{"related", func() func() error {
			id := from.ids[rng.IntN(len(from.ids))]
			return func() error { _, err := tc.Related(t.Context(), 0, id, 8); return err }
		}},
		{"item, not cached", func() func() error {
			id := from.ids[rng.IntN(len(from.ids))]
			return func() error { _, err := tc.Item(0, id); return err }
		}},
		{"first page", func() func() error { return ask(content.Query{Limit: 20}) }},
		{"first page, facets", func() func() error {
			return ask(content.Query{Limit: 20, Facets: []string{"tag", "collection"}})
		}},
	} {
		t.Log(measure(t, m.name, m.next, func() { clearCaches(tc) }))
	}
	t.Log("cached:")
	id := from.ids[0]
	t.Log(measure(t, "item", func() func() error {
		return func() error { _, err := tc.Item(0, id); return err }
	}, nil))
	t.Log(measure(t, "first page", func() func() error { return ask(content.Query{Limit: 20}) }, nil))
	t.Log(status())
}

func measure(t *testing.T, name string, next func() func() error, before func()) string {
	const n = 1000
	times := make([]time.Duration, 0, n)
	slow := ""
	for range n {
		if before != nil {
			before()
		}
		fn := next()
		at := time.Now()
		if err := fn(); err != nil && !strings.HasPrefix(err.Error(), "q: ") {
			t.Errorf("%s: %v", name, err)
		}
		times = append(times, time.Since(at))
	}
	slices.Sort(times)
	return fmt.Sprintf("%-28s p50 %8.3f ms  p99 %8.3f ms  max %8.3f ms%s", name, ms(times[n/2]), ms(times[n*99/100]), ms(times[n-1]), slow)
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func status() string {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "VmHWM") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

type measured struct{ all, different, titles, texts, ids, frequent []string }

func titleWords(t *testing.T, tc *testCorpus) (s measured) {
	seen := map[string]bool{}
	for it, err := range tc.Export(t.Context(), content.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		s.ids, s.titles = append(s.ids, it.ID), append(s.titles, it.Title)
		s.texts = append(s.texts, words.Join(it.Title+" "+it.Summary))
		for w := range strings.FieldsSeq(words.Join(it.Title)) {
			s.all = append(s.all, w)
			if !seen[w] {
				seen[w] = true
				s.different = append(s.different, w)
			}
		}
	}
	err := sqlite.Query(t.Context(), tc.db, func(scan sqlite.Scanner) error {
		var w string
		err := scan(&w)
		s.frequent = append(s.frequent, w)
		return err
	}, `SELECT word FROM words ORDER BY items DESC LIMIT 12`)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
