package terms

import (
	"maps"
	"slices"
	"strconv"

	"stile.example/stile/content"
)

// The facets that are not attributes.
const (
	Collection = "collection"
	Tag        = "tag"
)

const (
	maxValueLen = 128 // bytes: a longer value is a text, which is not counted
	maxValues   = 256 // values of one item that are counted
)

// Value is a value that items can have in common.
type Value struct{ Facet, Text string }

// ValuesOf returns the values by which an item is counted and filtered: its collection, its tags,
// its scalar attributes and the scalars in its lists, then the values of range filters. An
// attribute named like one of the first two can't be queried, and is omitted.
func ValuesOf(it content.Item) []Value {
	seen := map[Value]bool{}
	var values []Value
	add := func(facet, text string) {
		v := Value{facet, text}
		if text != "" && len(text) <= maxValueLen && !seen[v] && len(values) < maxValues {
			seen[v] = true
			values = append(values, v)
		}
	}
	add(Collection, it.Collection)
	for _, tag := range it.Tags {
		add(Tag, tag)
	}
	for _, name := range slices.Sorted(maps.Keys(it.Attributes)) {
		if name == Collection || name == Tag {
			continue
		}
		list, ok := it.Attributes[name].([]any)
		if !ok {
			list = []any{it.Attributes[name]}
		}
		for _, v := range list {
			add(name, scalar(v))
		}
	}
	return rangeValuesOf(it, values)
}

// ValuesIn returns the values that an item must have to match a query.
func ValuesIn(q content.Query) (values []Value) {
	if q.Collection != "" {
		values = append(values, Value{Collection, q.Collection})
	}
	for _, tag := range q.Tags {
		values = append(values, Value{Tag, tag})
	}
	for _, a := range q.Attributes {
		values = append(values, Value{a.Name, a.Value})
	}
	return values
}

// FilterWord returns the number of a value as a word of the full text. It begins with a character
// that no folded word contains.
func FilterWord(value int64) string { return "\ue000" + strconv.FormatInt(value, 36) }

// scalar returns the text of a scalar value, or "" for other values.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
