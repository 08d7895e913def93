package terms

import (
	"maps"
	"slices"
	"strconv"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
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

// Value is a value that items can have in common. Its text is as the item has it.
type Value struct{ Facet, Text string }

// Key returns the value by which others are compared with this one: see [words.Name].
func (v Value) Key() Value { return Value{words.Name(v.Facet), words.Name(v.Text)} }

// ValuesOf returns the values by which an item is counted and filtered: its collection, its tags,
// its scalar attributes and the scalars in its lists, then the values of range filters. An
// attribute named like one of the first two can't be queried, and is omitted.
func ValuesOf(it content.Item) []Value {
	seen := map[Value]bool{}
	var values []Value
	add := func(facet, text string) {
		v := Value{words.Name(facet), text}
		key := v.Key()
		if key.Text != "" && len(text) <= maxValueLen && !seen[key] && len(values) < maxValues {
			seen[key] = true
			values = append(values, v)
		}
	}
	add(Collection, it.Collection)
	for _, tag := range it.Tags {
		add(Tag, tag)
	}
	for _, name := range slices.Sorted(maps.Keys(it.Attributes)) {
		if key := words.Name(name); key == Collection || key == Tag {
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

// ValuesIn returns the keys of the values that an item must have to match a query.
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
	for i, v := range values {
		values[i] = v.Key()
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
