package paging

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/content"
)

// Key returns all of a query as one text.
func Key(q content.Query) string {
	return fmt.Sprintf("%s %d %q %q %q %t", Identity(q), q.Limit, q.Cursor, q.Facets, q.Ends, q.Highlight)
}

// Identity returns what a query selects and how it orders: what is the same on all its pages.
func Identity(q content.Query) string {
	tags, attributes := slices.Clone(q.Tags), slices.Clone(q.Attributes)
	slices.Sort(tags)
	slices.SortFunc(attributes, func(a, b content.AttributeValue) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return fmt.Sprintf("%d %d %q %q %q %q %q %v %t",
		q.Tenant, q.Sort, q.Words, q.Signs, q.Collection, slices.Compact(tags), slices.Compact(attributes), q.Ranges, q.Exact)
}
