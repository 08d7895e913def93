//go:build measure

package corpus

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
)

// TestMeasureCorpus imports the JSONL file that STILE_CORPUS names, and says
// what it and questions to it cost, without HTTP:
//
//	go run ./examples/wordnet /usr/share/wordnet > wordnet.jsonl
//	STILE_CORPUS=$PWD/wordnet.jsonl go test -tags sqlite_fts5,measure -run MeasureCorpus -v ./store/sqlite
func TestMeasureCorpus(t *testing.T) {
	file := os.Getenv("STILE_CORPUS")
	if file == "" {
		t.Fatal("STILE_CORPUS names no JSONL file to measure")
	}
	db := newCorpus(t)
	at := time.Now()
	r, err := db.Import(t.Context(), content.ImportOptions{}, content.Read(t.Context(), content.Source{Path: file}))
	if err != nil {
		t.Fatal(err)
	}
	stats, _ := db.Stats(t.Context())
	t.Logf("import: %d items in %.1f s, %d MB", r.Added, time.Since(at).Seconds(), stats.Bytes>>20)
	t.Log(status())
	at = time.Now()
	one := func(yield func(content.Item, error) bool) { yield(content.Item{ID: "one", Title: "one more"}, nil) }
	if _, err := db.Import(t.Context(), content.ImportOptions{}, one); err != nil {
		t.Fatal(err)
	}
	t.Logf("import of one more: %v", time.Since(at))

	measureQuestions(t, db)
}

func measureQuestions(t *testing.T, db *testCorpus) {
	words := titleWords(t, db)
	rng := rand.New(rand.NewPCG(1, 2))
	weighted := func() string { return words.all[rng.IntN(len(words.all))] }
	distinct := func() string { return words.different[rng.IntN(len(words.different))] }
	ask := func(q content.Query) func() error {
		return func() error { _, err := db.Search(t.Context(), q); return err }
	}
	three := func() []string {
		w := strings.Fields(words.texts[rng.IntN(len(words.texts))])
		rng.Shuffle(len(w), func(i, j int) { w[i], w[j] = w[j], w[i] })
		q, _ := content.Words(strings.Join(w[:min(3, len(w))], " "))
		return q
	}
	frequent := func() []string {
		w := slices.Clone(words.frequent)
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
		{"word begun", func() func() error { return ask(content.Query{Words: []string{prefix(weighted())}, Limit: 20}) }},
		{"two words, second begun", func() func() error {
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
		{"suggest, word begun", func() func() error {
			q := prefix(weighted())
			return func() error { _, err := db.Suggest(t.Context(), 0, q); return err }
		}},
		{"suggest, title begun", func() func() error {
			q := prefix(words.titles[rng.IntN(len(words.titles))])
			return func() error { _, err := db.Suggest(t.Context(), 0, q); return err }
		}},
		{"related", func() func() error {
			id := words.ids[rng.IntN(len(words.ids))]
			return func() error { _, err := db.Related(t.Context(), 0, id, 8); return err }
		}},
		{"item, first time", func() func() error {
			id := words.ids[rng.IntN(len(words.ids))]
			return func() error { _, err := db.Item(0, id); return err }
		}},
		{"first page", func() func() error { return ask(content.Query{Limit: 20}) }},
		{"first page, facets", func() func() error {
			return ask(content.Query{Limit: 20, Facets: []string{"tag", "collection"}})
		}},
	} {
		t.Log(measure(t, m.name, m.next, func() { forget(db) }))
	}
	t.Log("remembered:")
	id := words.ids[0]
	t.Log(measure(t, "item again", func() func() error {
		return func() error { _, err := db.Item(0, id); return err }
	}, nil))
	t.Log(measure(t, "first page again", func() func() error { return ask(content.Query{Limit: 20}) }, nil))
	t.Log(status())
}

func forget(db *testCorpus) {
	db.pages.init(db.pages.max)
	db.late.init(db.late.max)
	db.windows.init(db.windows.max)
	db.wholes.init(db.wholes.max)
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

func titleWords(t *testing.T, db *testCorpus) (s measured) {
	seen := map[string]bool{}
	for it, err := range db.Export(t.Context(), content.Filter{}) {
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
	err := query(t.Context(), db.db, func(scan scanner) error {
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
