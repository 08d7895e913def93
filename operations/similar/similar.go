// Package similar says which collections are similar to one that does not exist.
package similar

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
	"stile.example/stile/editdistance"
	"stile.example/stile/operations/failure"
)

// Corpus counts the items of collections.
type Corpus interface {
	OwnCollections(ctx context.Context, owner uint32) ([]content.CollectionCount, error)
}

// CheckCollection returns an error that names similar collections if the owner has no items in the
// collection of a filter. Without a collection, it returns nil.
func CheckCollection(ctx context.Context, corpus Corpus, f content.Filter) error {
	if f.Collection == "" {
		return nil
	}
	all, err := corpus.OwnCollections(ctx, f.Tenant)
	if err != nil {
		return err
	}
	has := func(c content.CollectionCount) bool {
		return words.Name(c.Collection) == words.Name(f.Collection)
	}
	if slices.ContainsFunc(all, has) {
		return nil
	}
	return failure.New(failure.NotFound, "there is no collection %q; %s", f.Collection, similar(f.Collection, all))
}

// similar says which collections there are: those with names like a name, or the largest.
func similar(name string, all []content.CollectionCount) string {
	const most = 5
	var near, quoted []string
	for _, c := range all {
		if areSimilar(name, c.Collection) {
			near = append(near, c.Collection)
		}
	}
	if len(near) > 0 {
		slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(distance(name, a), distance(name, b)) })
		for _, name := range near[:min(most, len(near))] {
			quoted = append(quoted, fmt.Sprintf("%q", name))
		}
		return "did you mean " + strings.Join(quoted, ", ") + "?"
	}
	all = slices.DeleteFunc(slices.Clone(all), func(c content.CollectionCount) bool { return c.Collection == "" })
	if len(all) == 0 {
		return "no item has a collection"
	}
	slices.SortStableFunc(all, func(a, b content.CollectionCount) int { return cmp.Compare(b.Items, a.Items) })
	for _, c := range all[:min(most, len(all))] {
		quoted = append(quoted, fmt.Sprintf("%q", c.Collection))
	}
	if more := len(all) - len(quoted); more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return "there are " + strings.Join(quoted, ", ")
}

// areSimilar reports whether one name contains the other, or few letters differ.
func areSimilar(a, b string) bool {
	a, b = fold(a), fold(b)
	if a == "" || b == "" {
		return false
	}
	return strings.Contains(a, b) || strings.Contains(b, a) || distance(a, b) <= max(1, len(a)/4)
}

func distance(a, b string) int { return editdistance.Between(fold(a), fold(b)) }

func fold(name string) string { return words.FoldLine(name, 512) }
