package corpus

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/build"
)

// TestRanges compares range filters with a scan of random items, in every order, while items are
// added, changed and removed.
func TestRanges(t *testing.T) {
	tc := newCorpus(t)
	r := rand.New(rand.NewPCG(1, 2))
	items := map[string]content.Item{}
	for range 3 {
		var batch []content.Item
		for range 120 {
			it := rangeItem(r, fmt.Sprint("i", r.IntN(200)))
			if !slices.ContainsFunc(batch, func(other content.Item) bool { return other.ID == it.ID }) {
				batch, items[it.ID] = append(batch, it), it
			}
		}
		put(t, tc, 0, batch...)
		for id := range items {
			if r.IntN(4) == 0 {
				delete(items, id)
				if err := tc.update(t, 0, func(b *build.Builder) error { _, err := b.Remove([]string{id}); return err }); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 150 {
			checkRange(t, tc, r, items)
		}
	}
}

func rangeItem(r *rand.Rand, id string) content.Item {
	it := content.Item{ID: id, Collection: "c", Title: "Thing " + id, Attributes: map[string]any{"text": "thing"}}
	switch r.IntN(4) {
	case 0:
		it.Attributes["n"] = float64(r.IntN(60) - 20)
	case 1:
		it.Attributes["n"] = fmt.Sprint(r.IntN(60) - 20) // as a CSV file has it
	case 2:
		it.Attributes["n"] = []any{math.Exp(r.NormFloat64() * 3), -math.Exp(r.NormFloat64()), "none"}
	}
	if r.IntN(3) > 0 {
		it.PublishedAt = time.UnixMilli(1_700_000_000_000 + r.Int64N(1_000_000_000_00)).UTC()
	}
	return it
}

// numbersOf returns what a range of that name compares in an item.
func numbersOf(it content.Item, name string) (all []float64) {
	if name == "published_at" {
		if it.PublishedAt.IsZero() {
			return nil
		}
		return []float64{float64(it.PublishedAt.Unix())}
	}
	list, ok := it.Attributes[name].([]any)
	if !ok {
		list = []any{it.Attributes[name]}
	}
	for _, v := range list {
		if n, _, ok := content.Number(fmt.Sprint(v)); ok && v != nil {
			all = append(all, n)
		}
	}
	return all
}

func checkRange(t *testing.T, tc *testCorpus, r *rand.Rand, items map[string]content.Item) {
	t.Helper()
	rg := content.Range{Name: "n", Min: math.Inf(-1), Max: math.Inf(1)}
	ends := func() float64 { return float64(r.IntN(60)-20) + float64(r.IntN(3))*r.Float64() }
	if r.IntN(3) == 0 {
		rg.Name = "published_at"
		ends = func() float64 { return 1_700_000_000 + float64(r.IntN(100_000_000)) }
	}
	if k := r.IntN(4); k > 0 {
		rg.Min = ends()
		if k > 1 {
			rg.Max = ends()
		}
		if k > 2 && rg.Min > rg.Max {
			rg.Min, rg.Max = rg.Max, rg.Min
		}
	}
	want := []string{}
	for id, it := range items {
		if slices.ContainsFunc(numbersOf(it, rg.Name), func(n float64) bool { return rg.Min <= n && n <= rg.Max }) {
			want = append(want, id)
		}
	}
	slices.Sort(want)
	q := content.Query{Ranges: []content.Range{rg}, Sort: content.Sort(r.IntN(3))}
	text := []string{"", "thing"}[r.IntN(2)]
	if r.IntN(2) == 0 {
		q.Collection = "c"
	}
	got := []string{}
	p := search(t, tc, text, q)
	total := p.Total
	for got = append(got, idsOf(t, p.Items)...); p.Next != ""; got = append(got, idsOf(t, p.Items)...) {
		q.Cursor = p.Next
		p = search(t, tc, text, q)
	}
	if slices.Sort(got); !slices.Equal(got, want) || total != len(want) {
		t.Errorf("%q %+v: %d of %d, want %d:\n%v\n%v", text, q, len(got), total, len(want), got, want)
	}
}

// TestRangeEnds: the ends of ranges are those of what the tenant sees, and a day includes all of
// its times.
func TestRangeEnds(t *testing.T) {
	tc := newCorpus(t)
	day := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	put(t, tc, 0,
		content.Item{ID: "a", Title: "a", PublishedAt: day("2026-03-01T23:59:59Z"), Attributes: map[string]any{"minutes": 5.5, "on": "2025-01-02", "x": "text"}},
		content.Item{ID: "b", Title: "b", PublishedAt: day("2026-03-02T00:00:00Z"), Attributes: map[string]any{"minutes": "120", "on": "2024-12-31T10:00:00+02:00"}})
	put(t, tc, 1, content.Item{ID: "c", Title: "c", Attributes: map[string]any{"minutes": 900.0}})
	for tenant, most := range map[uint32]float64{0: 120, 1: 900, 2: 120} {
		p := search(t, tc, "", content.Query{Tenant: tenant, Ends: []string{"minutes", "on", "x", "published_at", "updated_at", "none"}})
		want := map[string]content.Ends{"minutes": {Min: 5.5, Max: most}, "on": {Min: "2024-12-31", Max: "2025-01-02"}, "published_at": {Min: "2026-03-01", Max: "2026-03-02"}}
		if fmt.Sprint(p.Ends) != fmt.Sprint(want) {
			t.Errorf("tenant %d: %v, want %v", tenant, p.Ends, want)
		}
	}
	put(t, tc, 0, content.Item{ID: "b", Title: "b", Attributes: map[string]any{"minutes": 7.0}})
	if p := search(t, tc, "", content.Query{Ends: []string{"minutes"}}); p.Ends["minutes"].Max != 7.0 {
		t.Errorf("after an update: %v", p.Ends)
	}
	upTo := content.Range{Name: "published_at", Min: math.Inf(-1)}
	if err := upTo.Limit(true, "2026-03-01"); err != nil {
		t.Fatal(err)
	}
	if got := idsOf(t, search(t, tc, "", content.Query{Ranges: []content.Range{upTo}}).Items); !slices.Equal(got, []string{"a"}) {
		t.Errorf("up to a day: %v", got)
	}
	if err := upTo.Limit(false, "soon"); err == nil || err.Error() != "min.published_at: must be a number or a date such as 2026-03-01" {
		t.Errorf("%v", err)
	}
}

// TestRangesAreNotFacets: what ranges are found by is neither shown nor makes items related.
func TestRangesAreNotFacets(t *testing.T) {
	tc := newCorpus(t)
	for i := range 12 {
		put(t, tc, 0, content.Item{ID: fmt.Sprint("i", i), Title: fmt.Sprintf("w%d", i), Attributes: map[string]any{"n": 1000 + float64(i)/100}})
	}
	p := search(t, tc, "", content.Query{Facets: []string{"n", "An"}})
	if len(p.Facets["n"]) != 12 || len(p.Facets["An"]) != 0 {
		t.Errorf("facets %v", p.Facets)
	}
	related, err := tc.Related(t.Context(), 0, "i3", 5)
	if err != nil || len(related) != 0 {
		t.Errorf("related: %s, %v", related, err)
	}
}

// TestRangesHideOtherTenants: values that only another tenant's items have are not near the ends of
// a range, however many they are.
func TestRangesHideOtherTenants(t *testing.T) {
	tc := newCorpus(t)
	var items []content.Item
	for i := range maxEdge + 10 {
		items = append(items, content.Item{ID: fmt.Sprint("i", i), Title: "x", Attributes: map[string]any{"salary": 1e6 + float64(i)*1e-4}})
	}
	put(t, tc, 1, items...)
	q := content.Query{Limit: 1, Ranges: []content.Range{{Name: "salary", Min: 1e6 + 0.00005, Max: 1e6 + 0.4}}}
	for tenant, want := range map[uint32]bool{0: true, 1: false, 2: true} {
		q.Tenant = tenant
		if p, err := tc.Search(t.Context(), q); (err == nil) != want || p.Total != 0 {
			t.Errorf("tenant %d: total %d, %v", tenant, p.Total, err)
		}
	}
}
