package paging_test

import (
	"testing"

	"stile.example/stile/content"
	"stile.example/stile/corpus/paging"
)

// FuzzParse checks that a cursor has one spelling: one that is accepted is what At writes for its
// position, and it belongs to no other search.
func FuzzParse(f *testing.F) {
	ranked := content.Query{Tenant: 1, Words: []string{"soup"}}
	byTitle := content.Query{Tenant: 1, Sort: content.ByTitle}
	for _, m := range []paging.Position{{}, {Item: 7, Rank: -1.5}, {Item: 1 << 40, Date: -5, Title: "apfel"}} {
		f.Add(paging.At(ranked, m))
		f.Add(paging.At(byTitle, m))
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		accepted := 0
		for _, q := range []content.Query{ranked, byTitle} {
			q.Cursor = cursor
			m, err := paging.Parse(q)
			if err != nil || m == nil {
				continue
			}
			accepted++
			if again := paging.At(q, *m); again != cursor {
				t.Errorf("%q: %+v is written as %q", cursor, m, again)
			}
			if m.Item < 0 || m.Rank != m.Rank && paging.IsRanked(q) {
				t.Errorf("%q: %+v", cursor, m)
			}
		}
		if accepted > 1 {
			t.Errorf("%q is accepted by two searches", cursor)
		}
	})
}
