package corpus

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/build"
	"stile.example/stile/corpus/facets"
	"stile.example/stile/corpus/paging"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/turns"
	"stile.example/stile/corpus/words"
)

// slowItems returns more items that match "oak tree" than are ranked, so that the total must be
// counted.
func slowItems() (items []content.Item) {
	for i := range windowSize + 500 {
		items = append(items, content.Item{ID: fmt.Sprint("i", i), Collection: "c", Title: fmt.Sprint("Item ", i), Summary: "oak tree", Tags: []string{"t"}})
	}
	return items
}

func TestS54ItemsComeWithoutTotalAndFacets(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, slowItems()...)
	now := time.Unix(1_700_000_000, 0)
	tc.opt.Now = func() time.Time { return now }
	ample := tc.opt.Limits
	find := func(sort content.Sort) content.Page {
		return search(t, tc, "oak tree", content.Query{Facets: []string{"tag", "collection", "none"}, Limit: 5, Sort: sort})
	}

	tc.opt.Limits.Total, tc.opt.Limits.Facets = 0, 0
	p := find(content.ByRelevance)
	if len(p.Items) != 5 || p.Next == "" || p.Total != windowSize || len(p.Facets) != 0 || !slices.Equal(p.Incomplete, []string{"total", "facets"}) {
		t.Errorf("without time: %d items, next %q, total %d, facets %v, incomplete %v", len(p.Items), p.Next, p.Total, p.Facets, p.Incomplete)
	}
	if p = find(content.ByNewest); len(p.Items) != 5 || p.Total != windowSize+500 || !slices.Equal(p.Incomplete, []string{"facets"}) {
		t.Errorf("by date, without time: %d items, total %d, incomplete %v", len(p.Items), p.Total, p.Incomplete)
	}

	tc.opt.Limits = ample
	now = now.Add(pause - time.Second)
	if p = find(content.ByRelevance); len(p.Incomplete) != 2 {
		t.Errorf("within a minute: incomplete %v, want the cached page", p.Incomplete)
	}
	now = now.Add(time.Second)
	p = find(content.ByRelevance)
	if p.Total != windowSize+500 || len(p.Incomplete) != 0 || fmt.Sprint(p.Facets) != "map[collection:[{c 2500}] none:[] tag:[{t 2500}]]" {
		t.Errorf("after a minute: total %d, facets %v, incomplete %v", p.Total, p.Facets, p.Incomplete)
	}
}

// TestS54SampledFacetsAreMarked: facets that count only a part of what matches are marked as
// incomplete. The page is cached as long as the file is open, since it can't become better.
func TestS54SampledFacetsAreMarked(t *testing.T) {
	tc := newCorpus(t)
	items := many("oak", facets.Countable+1)
	for i := range items {
		items[i].Summary = "tree"
	}
	put(t, tc, 0, items...)
	p := search(t, tc, "tree", content.Query{Facets: []string{"collection"}, Limit: 1})
	if p.Facets["collection"][0].Count != facets.Countable || p.Total != facets.Countable+1 || !slices.Equal(p.Incomplete, []string{"facets"}) {
		t.Errorf("facets %v, total %d, incomplete %v", p.Facets, p.Total, p.Incomplete)
	}
	if a, _ := tc.pages.Find(paging.Key(content.Query{Words: []string{"tree"}, Facets: []string{"collection"}, Limit: 1})); !a.until.IsZero() {
		t.Error("the answer is cached for a minute only")
	}
	put(t, tc, 0, content.Item{ID: "oak0", Title: "Other"})
	p = search(t, tc, "tree", content.Query{Facets: []string{"collection"}, Limit: 1})
	if p.Facets["collection"][0].Count != facets.Countable || len(p.Incomplete) != 0 {
		t.Errorf("exactly as many as are counted: facets %v, incomplete %v", p.Facets, p.Incomplete)
	}
}

func TestS54TimedOutQueriesPauseAMinute(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, many("oak", 3)...)
	now := time.Unix(1_700_000_000, 0)
	tc.opt.Now = func() time.Time { return now }
	ample := tc.opt.Limits
	find := func(limit int) error {
		_, err := tc.Search(t.Context(), content.Query{Words: []string{"oak"}, Limit: limit})
		return err
	}
	left, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tc.Search(left, content.Query{Words: []string{"oak"}, Limit: 3}); !errors.Is(err, context.Canceled) {
		t.Fatalf("a caller that left: %v", err)
	}
	if err := find(3); err != nil {
		t.Fatalf("after a caller that left: %v, want a page", err)
	}
	tc.opt.Limits.Whole = 0
	if err := find(1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("without time: %v", err)
	}
	tc.opt.Limits = ample
	for _, limit := range []int{1, 2} { // the same query, and another page of it
		if err := find(limit); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("limit %d within a minute: %v, want the deadline again", limit, err)
		}
	}
	now = now.Add(-time.Hour)
	if err := find(2); err != nil {
		t.Errorf("with the clock set back: %v", err)
	}
	now = now.Add(time.Hour + pause)
	if err := find(1); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}

func TestS54LateQueriesAreBounded(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, many("oak", 3)...)
	late := &tc.late
	late.Init(128 << 10)
	tc.opt.Limits.Whole = 0
	for i := range 4000 {
		if _, err := tc.Search(t.Context(), content.Query{Words: []string{fmt.Sprint("word", i)}, Limit: 1}); err == nil {
			t.Fatal("a search without time returns a page")
		}
	}
	if n := late.Len(); n > 1000 || n < 100 {
		t.Errorf("%d queries are noted", n)
	}
}

// TestS54WaitingIsNotCounted: a search that had no turn is not stored as one that takes too long,
// and returns its turn.
func TestS54WaitingIsNotCounted(t *testing.T) {
	c := newCorpus(t)
	put(t, c, 0, slowItems()...)
	q := ordinaryQuery
	c.opt.Limits.Turn = 0
	release := occupy(t, c)
	if _, err := c.Search(t.Context(), q); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("without a turn: %v", err)
	}
	if _, err := c.Search(t.Context(), content.Query{Words: []string{"2077"}, Limit: 1}); err != nil {
		t.Errorf("a rare word meanwhile: %v", err)
	}
	release()
	for range 2 { // there is one turn
		if _, err := c.Search(t.Context(), q); err != nil {
			t.Errorf("with a turn: %v", err)
		}
		q.Limit++
	}
}

// ordinaryQuery is an ordinary search of [slowItems], neither quick nor long.
var ordinaryQuery = content.Query{
	Words: []string{"oak", "tree"}, Limit: 1, Facets: []string{"tag", "collection", "a", "b", "c", "d", "e", "f"},
}

// occupy takes the one turn for ordinary searches until release is called.
func occupy(t *testing.T, c *testCorpus) (release func()) {
	t.Helper()
	taken, hold, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		err := c.opt.Lanes.Do(t.Context(), turns.Caller{}, 1, turns.Expensive, time.Minute, func() error {
			close(taken)
			<-hold
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}()
	<-taken
	return func() { close(hold); <-done }
}

// TestS54SameQueryHasItsOwnTurn: a visitor does not wait as long as an attacker who sends the same
// query and is at the end of the queue.
func TestS54SameQueryHasItsOwnTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCorpus(t)
		put(t, c, 0, slowItems()...)
		attacker, visitor := content.Caller{Tenant: 1}, content.Caller{Tenant: 2}
		release := occupy(t, c)
		hold := make(chan struct{})
		go c.opt.Lanes.Do(t.Context(), turns.Caller{Tenant: 1}, 1, turns.Long-1, time.Minute, func() error { <-hold; return nil })
		synctest.Wait()
		search := func(who content.Caller) chan error {
			got := make(chan error, 1)
			go func() {
				_, err := c.Search(content.WithCaller(t.Context(), who), ordinaryQuery)
				got <- err
			}()
			synctest.Wait()
			return got
		}
		first, second := search(attacker), search(visitor)
		release()
		synctest.Wait()
		select {
		case err := <-second:
			if err != nil {
				t.Errorf("the visitor: %v", err)
			}
		default:
			t.Error("the visitor waits for the attacker's turn")
		}
		select {
		case err := <-first:
			t.Errorf("the attacker did not wait: %v", err)
		default:
		}
		close(hold)
		if err := <-first; err != nil {
			t.Errorf("the attacker: %v", err)
		}
	})
}

func TestS54CostIsABound(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, slowItems()...)
	for _, c := range []struct {
		q         content.Query
		expensive bool
	}{
		{content.Query{}, false},
		{content.Query{Words: []string{"2077"}}, false},
		{content.Query{Words: []string{"oak"}}, false},
		{content.Query{Words: []string{"oak", "2077"}, Facets: make([]string, 8)}, false},
		{content.Query{Words: []string{"oak"}, Facets: make([]string, 8)}, true},
		{content.Query{Facets: make([]string, 8)}, true},
	} {
		s, err := tc.selection(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		if cost := s.cost(len(c.q.Facets)); cost >= turns.Expensive != c.expensive {
			t.Errorf("%q with %d facets costs %d", c.q.Words, len(c.q.Facets), cost)
		}
	}
}

// TestS54LimitCoversConnections: a search ends if its time is over while it waits for a connection.
// Items are read meanwhile.
func TestS54LimitCoversConnections(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, many("oak", 3)...)
	c := tc.File
	c.db.SetMaxOpenConns(1)
	conn, err := c.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tc.opt.Limits.Whole = 10 * time.Millisecond
	if _, err := tc.Search(t.Context(), content.Query{Words: []string{"oak"}, Limit: 1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("search: %v", err)
	}
	if _, err := tc.Suggest(t.Context(), 0, "oak"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("suggest: %v", err)
	}
	if _, err := tc.Item(0, "oak1"); err != nil {
		t.Errorf("item: %v", err)
	}
}

// TestS54LimitStopsSQLite: the statement of this test ends only if it is interrupted.
func TestS54LimitStopsSQLite(t *testing.T) {
	tc := newCorpus(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := sqlite.Query(ctx, tc.db, func(sqlite.Scanner) error { return nil },
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`)
	if err == nil || ctx.Err() == nil {
		t.Errorf("ended with %v", err)
	}
	if n := tc.db.Stats().InUse; n != 0 {
		t.Errorf("%d connections are in use afterwards", n)
	}
}

func TestS55ShortSuggestionsAreEmpty(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0,
		content.Item{ID: "1", Title: "Apple"}, content.Item{ID: "2", Title: "Éclair a b"},
		content.Item{ID: "3", Title: "東京タワー"}, content.Item{ID: "4", Title: "ไทย"}, content.Item{ID: "5", Title: "कमल"})
	for q, want := range map[string]string{
		"": "", "a": "", "a ": "", " a": "", "a.": "", "a a": "", "A á": "", "e\u0301": "", "é́": "", "\u0301\u0301": "", "क": "", "कि": "", "🙂": "", "--": "",
		"ap": "1", "a p": "", "a b": "2", "ec": "2", "É c": "", "東": "3", "タ": "3", "ไ": "4", "ั": "", "कम": "5", "ﾀ": "3",
	} {
		got, err := tc.Suggest(t.Context(), 0, q)
		if err != nil || got == nil {
			t.Fatalf("%q: %v, %v", q, got, err)
		}
		var found []string
		for _, s := range got {
			found = append(found, s.ID)
		}
		if strings.Join(found, " ") != want {
			t.Errorf("%q: %v, want %q", q, got, want)
		}
	}
	if err := tc.db.Close(); err != nil { // from here on every read fails
		t.Fatal(err)
	}
	if got, err := tc.Suggest(t.Context(), 0, "a "); err != nil || got == nil || len(got) != 0 {
		t.Errorf("a short q reads the corpus: %v, %v", got, err)
	}
	if _, err := tc.Suggest(t.Context(), 0, "app"); err == nil {
		t.Error("the corpus can still be read, so the test shows nothing")
	}
}

// TestS55MixedScriptsAreBounded: a word that mixes scripts is searched for by a bounded number of
// parts. It still finds the title that it was taken from.
func TestS55MixedScriptsAreBounded(t *testing.T) {
	tc := newCorpus(t)
	long := mixedText(0, 32)
	put(t, tc, 0, content.Item{ID: "1", Title: long}, content.Item{ID: "2", Title: "other", Summary: long})
	var eight []string
	for i := range 8 {
		eight = append(eight, mixedText(i, 32))
	}
	for _, typed := range [][]string{{long}, eight, {strings.Repeat("a一", 32)}, {"one", strings.Repeat("漢字", 32)}} {
		s, err := tc.selection(t.Context(), content.Query{Words: typed})
		if err != nil {
			t.Fatal(err)
		}
		if s.tokens > maxTokens || len(s.marks) > maxTokens {
			t.Errorf("%q is searched for by %d words, and %d are marked", typed, s.tokens, len(s.marks))
		}
	}
	if n := len(words.AppendNew(nil, words.TitleWords(strings.Repeat("a一", 32))...)); n != 2 {
		t.Errorf("two alternating parts are %d", n)
	}
	if got, err := tc.Suggest(t.Context(), 0, long[:24]); err != nil || len(got) != 1 {
		t.Errorf("suggest: %v, %v", got, err)
	}
	if got := finds(t, tc, long, content.Query{}); got != "1 2" {
		t.Errorf("search finds %q", got)
	}
}

// mixedText returns n pairs of a letter and a character of a script without spaces.
func mixedText(from, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteRune('a' + rune(from+i)%26)
		b.WriteRune('一' + rune(from+i)%20)
	}
	return b.String()
}

// TestS54PrefixesAreNotMerged: FTS5 can't be interrupted while it merges the words that a prefix
// stands for, so there must not be too many.
func TestS54PrefixesAreNotMerged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "corpus-1.db")
	if err := build.Create(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	b := sqlite.OpenWriter(file)
	_, err := b.Exec(`INSERT INTO words (word, owner, items) VALUES ('oak', 0, ?1), ('oaken', 0, ?1 / 2), ('oaks', 0, ?1 / 2 + 1), ('ash', 0, ?1)`, mergeable)
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for typed, want := range map[string]string{"as": `"as"*`, "oa": `("oak" OR "oaks" OR "oaken")`, "漢oa": `"漢"`, "漢as": `"漢 as"*`} {
		p := words.PhraseOf(typed)
		got, err := c.phrase(t.Context(), []uint32{0}, &p, true, mergeable)
		if err != nil || got.fts != want || got.merged > mergeable {
			t.Errorf("%s is %s with %d places merged, %v; want %s", typed, got.fts, got.merged, err, want)
		}
	}
}
