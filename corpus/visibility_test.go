package corpus

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/content"
)

// TestVisibility: with every kind of query, a tenant sees the shared corpus and its own items, and
// no sign of others.
func TestVisibility(t *testing.T) {
	tc := newCorpus(t)
	for owner := range uint32(4) {
		put(t, tc, owner, content.Item{
			ID: fmt.Sprintf("of%d", owner), Collection: fmt.Sprintf("coll%d", owner), Title: fmt.Sprintf("Common secret%d", owner),
			Tags: []string{"tagged", fmt.Sprintf("tag%d", owner)},
		})
	}
	for tenant := range uint32(6) { // two of them have no items of their own
		want := "of0"
		if tenant == 1 || tenant == 2 || tenant == 3 {
			want += fmt.Sprintf(" of%d", tenant)
		}
		for _, c := range []struct {
			words string
			q     content.Query
		}{
			{"common", content.Query{}}, {"comm", content.Query{}}, {"secret", content.Query{}},
			{"common", content.Query{Sort: content.ByNewest}}, {"common", content.Query{Sort: content.ByTitle}},
			{"", content.Query{}}, {"", content.Query{Sort: content.ByTitle}}, {"", content.Query{Tags: []string{"tagged"}}},
			{"common", content.Query{Tags: []string{"tagged"}}},
		} {
			c.q.Tenant, c.q.Facets = tenant, []string{"collection", "tag"}
			p := search(t, tc, c.words, c.q)
			if got := sorted(strings.Join(idsOf(t, p.Items), " ")); got != want || p.Total != len(p.Items) {
				t.Errorf("tenant %d %q %+v: %q of %d, want %q", tenant, c.words, c.q, got, p.Total, want)
			}
			if n := len(strings.Fields(want)); len(p.Facets["collection"]) != n || len(p.Facets["tag"]) != n+1 {
				t.Errorf("tenant %d %q: facets %v", tenant, c.words, p.Facets)
			}
		}
		seesAlone(t, tc, tenant, strings.Fields(want))
	}
}

func seesAlone(t *testing.T, tc *testCorpus, tenant uint32, want []string) {
	t.Helper()
	for owner := range uint32(4) {
		id := fmt.Sprintf("of%d", owner)
		sees := slices.Contains(want, id)
		if _, err := tc.Item(tenant, id); (err == nil) != sees || !sees && !errors.Is(err, content.ErrNotFound) {
			t.Errorf("tenant %d, item %s: %v", tenant, id, err)
		}
		related, err := tc.Related(t.Context(), tenant, id, 50)
		if (err == nil) != sees || !sees && !errors.Is(err, content.ErrNotFound) {
			t.Errorf("tenant %d, related to %s: %v", tenant, id, err)
		}
		for _, other := range idsOf(t, related) {
			if !slices.Contains(want, other) {
				t.Errorf("tenant %d: %s is related to %s", tenant, other, id)
			}
		}
		for _, q := range []content.Query{
			{Words: []string{fmt.Sprintf("secret%d", owner)}, Limit: 9},
			{Collection: fmt.Sprintf("coll%d", owner), Limit: 9},
			{Tags: []string{fmt.Sprintf("tag%d", owner)}, Limit: 9},
		} {
			q.Tenant = tenant
			if p, err := tc.Search(t.Context(), q); err != nil || (p.Total == 1) != sees {
				t.Errorf("tenant %d, %+v: %d, %v", tenant, q, p.Total, err)
			}
		}
	}
	suggested, err := tc.Suggest(t.Context(), tenant, "sec")
	if err != nil || len(suggested) != len(want) {
		t.Errorf("tenant %d: suggestions %v, %v", tenant, suggested, err)
	}
	colls, err := tc.Collections(t.Context(), tenant)
	if err != nil || len(colls) != len(want) {
		t.Errorf("tenant %d: collections %v, %v", tenant, colls, err)
	}
}
