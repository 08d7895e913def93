package frontmatter

import (
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of an attribute. They cut the fields of other programs without an error, because an author
// writes those for that program.
const (
	maxDepth = 4
	maxName  = 64 // characters
)

// fit returns the JSON value of a value, without what an attribute can't have. It drops empty
// entries, and a list or an object that has no others.
func fit(v any, depth int) (any, bool) {
	if depth < 0 {
		return nil, false
	}
	switch v := v.(type) {
	case Scalar:
		return scalarValue(v), true
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			if e, ok := fit(e, depth-1); ok {
				list = append(list, e)
			}
		}
		return list, len(v) == 0 || len(list) > 0
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, e := range v {
			if e, ok := fit(e, depth-1); ok && isName(name) {
				object[name] = e
			}
		}
		return object, len(v) == 0 || len(object) > 0
	}
	return nil, false
}

// plain returns the JSON value of a value as it is.
func plain(v any) any {
	if s, isScalar := v.(Scalar); isScalar {
		return scalarValue(s)
	}
	return inside(v, plain)
}

// inside replaces each value in a list or an object by what of returns, and returns it.
func inside(v any, of func(any) any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = of(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = of(v[name])
		}
	}
	return v
}

// scalarValue returns a text for a date, and for a number that a browser would round.
func scalarValue(s Scalar) any {
	switch v := s.Value.(type) {
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case float64:
		if a := math.Abs(v); math.IsNaN(v) || math.IsInf(v, 0) || a > 1<<53 && a < 1e21 {
			return s.Text
		}
	}
	return s.Value
}

func isName(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= maxName && !strings.ContainsFunc(s, unicode.IsControl)
}

// show returns a value for a message.
func show(v any) string {
	switch v := v.(type) {
	case Scalar:
		return quote(v.Text)
	case []any:
		return "a list"
	}
	return "names with values"
}
