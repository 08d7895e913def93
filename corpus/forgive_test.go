package corpus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/paging"
)

func corrected(p content.Page) string {
	var all []string
	for _, pair := range p.Corrected {
		all = append(all, pair[0]+">"+pair[1])
	}
	return strings.Join(all, " ")
}

// kitchen has items whose words can be mistyped.
func kitchen(t testing.TB) *testCorpus {
	tc := newCorpus(t)
	put(t, tc, 0,
		content.Item{ID: "leek", Title: "Leek soup", Summary: "a warm recipe", Collection: "soups"},
		content.Item{ID: "plum", Title: "Plum cake", Summary: "a sweet recipe", Collection: "cakes"},
		content.Item{ID: "creme", Title: "Crème brûlée", Summary: "a sweet dessert"},
		content.Item{ID: "desert", Title: "Desert honey", Summary: "from dry places"},
		content.Item{ID: "b2b", Title: "Trade in 2026x", Summary: "paperwork"},
		content.Item{ID: "ja", Title: "東京タワー"})
	put(t, tc, 7, content.Item{ID: "own", Title: "Gooseberry fool"})
	return tc
}

// TestCorrections: a word that nothing matches is corrected, and every other word stays as it is.
func TestCorrections(t *testing.T) {
	tc := kitchen(t)
	for _, c := range []struct {
		tenant         uint32
		q, want, finds string
	}{
		{0, "recipie", "recipie>recipe", "plum leek"}, {0, "RECIPIE", "RECIPIE>recipe", "plum leek"},
		{0, "recieps", "", ""}, {0, "recip", "", "plum leek"},
		{0, "brulee", "", "creme"}, {0, "bruele", "bruele>brûlée", "creme"}, {0, "Créme", "", "creme"}, {0, "creem", "creem>Crème", "creme"},
		{0, "leeek soop", "leeek>Leek soop>soup", "leek"}, {0, "plum recpie", "recpie>recipe", "plum leek"},
		{0, "sweet deseert", "deseert>dessert", "creme plum"}, {0, "honey deseert", "deseert>Desert", "desert"},
		{0, "lek", "", ""}, {0, "2062x", "", ""}, {0, "2026y", "", ""}, {0, "東亰タワー", "", ""}, {0, "gooseberrx", "", ""}, {8, "gooseberrx", "", ""},
		{7, "gooseberrx", "gooseberrx>Gooseberry", "own"}, {7, "gosebery fool", "gosebery>Gooseberry", "own"},
		{0, "paeprw", "paeprw>paperw", "b2b"}, {0, "paeprw trade", "", "b2b"},
	} {
		p := search(t, tc, c.q, content.Query{Tenant: c.tenant})
		if got := strings.Join(idsOf(t, p.Items), " "); corrected(p) != c.want || got != c.finds {
			t.Errorf("%d %q: corrected %q, finds %q; want %q, %q", c.tenant, c.q, corrected(p), got, c.want, c.finds)
		}
		p = search(t, tc, c.q, content.Query{Tenant: c.tenant, Exact: true})
		if len(p.Corrected) > 0 || c.want != "" && p.Full > 0 {
			t.Errorf("%d %q, exact: %+v", c.tenant, c.q, p)
		}
	}
	p := search(t, tc, "recipie", content.Query{Highlight: true, Sort: content.ByTitle, Facets: []string{"collection"}})
	if !strings.Contains(string(p.Items[0]), `\u003cmark\u003erecipe\u003c/mark\u003e`) || len(p.Facets["collection"]) != 2 || p.Total != 2 {
		t.Errorf("corrected words are not highlighted, or counted: %s, %v", p.Items[0], p.Facets)
	}
}

// TestOtherTenantsWords: a word that only another tenant has changes nothing, whether or not a
// tenant has items of its own.
func TestOtherTenantsWords(t *testing.T) {
	tc := kitchen(t)
	before := search(t, tc, "recpie", content.Query{Tenant: 8})
	put(t, tc, 7, append(many("recpies", 50), content.Item{ID: "x", Title: "Recpie repcie"})...)
	for _, tenant := range []uint32{0, 8} {
		after := search(t, tc, "recpie", content.Query{Tenant: tenant})
		if corrected(after) != corrected(before) || after.Total != before.Total || after.Total != 2 {
			t.Errorf("tenant %d: %+v, before %+v", tenant, after, before)
		}
	}
	if p := search(t, tc, "recpie", content.Query{Tenant: 7}); len(p.Corrected) > 0 || p.Total != 1 {
		t.Errorf("the owner: %+v", p)
	}
}

// pages reads all pages of a query, and checks what is the same on each.
func pages(t *testing.T, tc *testCorpus, q content.Query) (ids []string, first content.Page) {
	t.Helper()
	for n := 0; ; n++ {
		p, err := tc.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = p
		}
		if p.Total != first.Total || p.Relaxed != first.Relaxed || p.Full != first.Full || corrected(p) != corrected(first) || !slices.Equal(p.Ignored, first.Ignored) || fmt.Sprint(p.Facets) != fmt.Sprint(first.Facets) {
			t.Errorf("page %d: %+v, the first %+v", n, p, first)
		}
		ids = append(ids, idsOf(t, p.Items)...)
		if q.Cursor = p.Next; q.Cursor == "" {
			return ids, first
		}
	}
}

// grove has items with some of three words. Tree is the most common, red the rarest.
func grove(t testing.TB) *testCorpus {
	tc := newCorpus(t)
	var items []content.Item
	add := func(n int, text string) {
		for i := range n {
			items = append(items, content.Item{
				ID: strings.ReplaceAll(text, " ", "-") + fmt.Sprint(i), Title: fmt.Sprint("Item ", len(items)), Summary: text, Tags: []string{text},
			})
		}
	}
	add(3, "red oak tree")
	add(4, "red oak")
	add(2, "red tree")
	add(9, "red")
	add(30, "oak tree")
	add(60, "tree")
	put(t, tc, 0, items...)
	return tc
}

// TestRelaxed: items with fewer words follow those with all, the rarest word last. Pages of any
// size show each once, in the same order, and total and facets are of all of them.
func TestRelaxed(t *testing.T) {
	tc := grove(t)
	for _, c := range []struct {
		q           string
		total, full int
		corrected   string
	}{
		{"tree oak red", 18, 3, ""}, {"red nowhere", 18, 0, ""}, {"nowhere oak red xyz", 18, 0, ""},
		{"tere oak red", 18, 3, "tere>tree"},
	} {
		all, first := pages(t, tc, content.Query{Words: strings.Fields(c.q), Limit: 50, Facets: []string{"tag"}})
		if len(all) != c.total || first.Total != c.total || !first.Relaxed || first.Full != c.full || corrected(first) != c.corrected {
			t.Errorf("%q: %d items of %d, full %d, relaxed %v, corrected %q", c.q, len(all), first.Total, first.Full, first.Relaxed, corrected(first))
		}
		counted := 0
		for _, v := range first.Facets["tag"] {
			counted += v.Count
		}
		if counted != c.total {
			t.Errorf("%q: facets %v", c.q, first.Facets)
		}
		for _, limit := range []int{1, 2, 7, 18} {
			clearCaches(tc)
			got, _ := pages(t, tc, content.Query{Words: strings.Fields(c.q), Limit: limit, Facets: []string{"tag"}})
			if !slices.Equal(got, all) {
				t.Errorf("%q by %d: %v, want %v", c.q, limit, got, all)
			}
		}
	}
	got, _ := pages(t, tc, content.Query{Words: []string{"tree", "oak", "red"}, Limit: 5})
	for i, id := range got {
		want := "red"
		switch {
		case i < 3:
			want = "red-oak-tree"
		case i < 7:
			want = "red-oak"
		}
		if !strings.HasPrefix(id, want) {
			t.Errorf("item %d is %s, want %s", i, id, want)
		}
	}
}

// TestNotRelaxed: a query that finds enough, or what its words are the title of, finds only that.
// So does one whose order is not by relevance, whose filter finds nothing, or that has one word.
func TestNotRelaxed(t *testing.T) {
	tc := grove(t)
	put(t, tc, 0, content.Item{ID: "title", Title: "A red wood"})
	for _, c := range []struct {
		q     string
		more  content.Query
		total int
	}{
		{"red oak", content.Query{}, 7}, {"red wood", content.Query{}, 1}, {"nowhere", content.Query{}, 0}, {"xyz nowhere", content.Query{}, 0},
		{"tree oak red", content.Query{Sort: content.ByTitle}, 3}, {"red nowhere", content.Query{Sort: content.ByNewest}, 0},
		{"tree oak red", content.Query{Tags: []string{"none"}}, 0}, {"tree oak red", content.Query{Tags: []string{"red oak tree"}}, 3},
	} {
		p := search(t, tc, c.q, c.more)
		if p.Relaxed || p.Full != 0 || p.Total != c.total || len(p.Items) != c.total {
			t.Errorf("%q %+v: relaxed %v, full %d, %d items of %d; want %d", c.q, c.more, p.Relaxed, p.Full, len(p.Items), p.Total, c.total)
		}
	}
}

// TestRelaxingTakesTooLong: then the items with all words are sent, and cached for a minute.
func TestRelaxingTakesTooLong(t *testing.T) {
	tc := grove(t)
	now := time.Unix(1_700_000_000, 0)
	tc.opt.Now = func() time.Time { return now }
	q := content.Query{Words: []string{"tree", "oak", "red"}, Limit: 50}
	s, err := tc.selection(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tc.answer(t.Context(), q, paging.Key(q), paging.Identity(q), s, nil); !errors.Is(err, errFewMatches) {
		t.Fatalf("%v, want too few matches", err)
	}
	ample := tc.opt.Limits
	tc.opt.Limits.Whole = 0
	if _, err := tc.answerRelaxed(t.Context(), q, paging.Key(q), paging.Identity(q), s, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("without any time: %v", err)
	}
	tc.opt.Limits = ample
	tc.late.Clear()
	s.strict = true
	if p, err := tc.answer(t.Context(), q, paging.Key(q), paging.Identity(q), s, nil); err != nil || p.Total != 3 || p.Relaxed {
		t.Fatalf("%+v, %v", p, err)
	}
	if p := search(t, tc, "tree oak red", content.Query{}); p.Total != 3 {
		t.Errorf("within a minute: %+v", p)
	}
	now = now.Add(pause)
	if p := search(t, tc, "tree oak red", content.Query{}); p.Total != 18 || !p.Relaxed {
		t.Errorf("after a minute: %+v", p)
	}
}

// TestManyWords: of more than eight words, the eight rarest are searched for.
func TestManyWords(t *testing.T) {
	tc := newCorpus(t)
	var items []content.Item
	for i := range 12 {
		items = append(items, content.Item{ID: fmt.Sprint("i", i), Title: fmt.Sprint("Item ", i), Summary: strings.Join(strings.Fields("alfa bravo charlie delta echo foxtrot golf hotel india juliet kilo lima")[:12-i], " ")})
	}
	put(t, tc, 0, items...)
	put(t, tc, 7, many("lima", 20)...)
	for _, c := range []struct{ q, ignored, finds string }{
		{"alfa bravo charlie delta echo foxtrot golf hotel", "", "i4 i3 i2 i1 i0"},
		{"alfa bravo charlie delta echo foxtrot golf hotel india", "alfa", ""},
		{"Lima kilo Bravo juliet india alfa hotel golf, foxtrot echo", "Bravo alfa", ""},
		{"lima nowhere kilo juliet india hotel golf foxtrot echo unknown", "nowhere unknown", ""},
	} {
		p := search(t, tc, c.q, content.Query{})
		if got := strings.Join(p.Ignored, " "); got != c.ignored || len(p.Items) == 0 || idsOf(t, p.Items)[0] != "i4" && idsOf(t, p.Items)[0] != "i3" && idsOf(t, p.Items)[0] != "i0" {
			t.Errorf("%q: ignored %q, want %q; finds %v", c.q, got, c.ignored, idsOf(t, p.Items))
		}
	}
	long := strings.Repeat("a b c d e f g h i j k l m n o p q r s t u v w x y z 一 丁 丂 ", 8)[:400]
	if p := search(t, tc, long+" lima", content.Query{}); !p.Relaxed && p.Total != 1 || len(p.Ignored) < 20 {
		t.Errorf("%+v", p)
	}
}

// TestRelaxedIgnoresOrder: which items follow with fewer words depends on how many and which words
// they have, and not on the order of equally rare words in the query.
func TestRelaxedIgnoresOrder(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, append(many("filler", 30),
		content.Item{ID: "stew", Title: "Ghormeh sabzi", Summary: "The Persian stew of fresh herb leaves."},
		content.Item{ID: "pea", Title: "Holland pea soup", Body: "<p>Eat a bowl without limit. The best recipe.</p>"},
		content.Item{ID: "creme", Title: "Crème brûlée", Body: "<p>With sugar on top.</p>"})...)
	for q, want := range map[string]string{
		"a persian herb stew": "stew", "persian stew a": "stew", "stew herb persian a": "stew",
		"a recipe of crème brulee with sugar": "creme", "sugar with brulee recipe": "creme",
	} {
		p := search(t, tc, q, content.Query{})
		if got := idsOf(t, p.Items); len(got) < 2 || got[0] != want || !p.Relaxed || p.Full != 0 {
			t.Errorf("%s finds %v, want first %s (relaxed %v, full %d)", q, got, want, p.Relaxed, p.Full)
		}
	}
}
