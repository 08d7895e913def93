package items

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"stile.example/stile/content"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
)

// sorts maps the names of sort orders.
var sorts = map[string]content.Sort{"": content.ByRelevance, "relevance": content.ByRelevance, "newest": content.ByNewest, "title": content.ByTitle}

// parseQuery reads the parameters of a search. It ignores empty and unknown parameters.
func parseQuery(r *transport.Request) (q content.Query, err error) {
	var text, sort, facets, ends string
	for _, p := range []struct {
		name string
		to   *string
		max  int
	}{
		{"q", &text, transport.MaxForm}, {"collection", &q.Collection, maxWord}, {"sort", &sort, maxWord},
		{"cursor", &q.Cursor, maxCursor}, {"facets", &facets, maxFacets * (maxWord + 1)},
		{"ranges", &ends, maxFacets * (maxWord + 1)},
	} {
		if *p.to, err = r.Bounded(p.name, p.max); err != nil {
			return q, err
		}
	}
	if q.Limit, err = LimitOf(r); err != nil {
		return q, err
	}
	if q.Words, err = content.Words(text); err != nil {
		return q, err
	}
	q.Signs, q.Collection = content.Signs(text), content.Name(q.Collection)
	if q.Tags, err = tagsOf(r); err != nil {
		return q, err
	}
	if q.Attributes, err = attributesOf(r); err != nil {
		return q, err
	}
	if q.Ranges, err = rangesOf(r); err != nil {
		return q, err
	}
	if q.Facets, err = namesIn("facets", facets); err != nil {
		return q, err
	}
	if q.Ends, err = namesIn("ranges", ends); err != nil {
		return q, err
	}
	var known bool
	if q.Sort, known = sorts[sort]; !known {
		return q, codes.Malformed("sort must be relevance, newest or title")
	}
	if q.Highlight, err = switchOf(r, "highlight"); err != nil {
		return q, err
	}
	q.Exact, err = switchOf(r, "exact")
	return q, err
}

// switchOf returns whether a parameter that is 1 or 0 is 1.
func switchOf(r *transport.Request, name string) (bool, error) {
	value, err := r.Bounded(name, 1)
	if err != nil || value == "" || value == "0" || value == "1" {
		return value == "1", err
	}
	return false, codes.Malformed(name + " must be 1 or 0")
}

// LimitOf returns how many items a request may return.
func LimitOf(r *transport.Request) (int, error) {
	value, err := r.Single("limit")
	if err != nil || value == "" {
		return defaultItems, err
	}
	n, err := strconv.ParseUint(value, 10, 8)
	if err != nil || n < 1 || n > maxItems {
		return 0, codes.Malformed("limit must be a number from 1 to 50")
	}
	return int(n), nil
}

func tagsOf(r *transport.Request) (tags []string, err error) {
	for i := range r.Params {
		switch p := &r.Params[i]; {
		case p.Name != "tag" || content.Name(p.Value) == "":
			continue
		case len(tags) == maxTags:
			return nil, codes.Malformed("tag is given more than 8 times")
		case len(p.Value) > maxWord:
			return nil, codes.Malformed("tag is longer than 128 bytes")
		default:
			tags = append(tags, content.Name(p.Value))
		}
	}
	return tags, nil
}

// attributesOf returns the parameters attribute.NAME=VALUE.
func attributesOf(r *transport.Request) (wanted []content.AttributeValue, err error) {
	for i := range r.Params {
		p := &r.Params[i]
		switch name, is := strings.CutPrefix(p.Name, "attribute."); {
		case !is || content.Name(name) == "" || content.Name(p.Value) == "":
			continue
		case len(wanted) == maxTags:
			return nil, codes.Malformed("more than 8 parameters begin with attribute.")
		case len(name) > maxWord || len(p.Value) > maxWord:
			return nil, codes.Malformed("an attribute's name or value is longer than 128 bytes")
		case hasControl(name):
			return nil, codes.Malformed("an attribute's name has a control character")
		default:
			wanted = append(wanted, content.AttributeValue{Name: content.Name(name), Value: content.Name(p.Value)})
		}
	}
	return wanted, nil
}

// rangesOf returns the parameters min.NAME=VALUE and max.NAME=VALUE.
func rangesOf(r *transport.Request) (ranges []content.Range, err error) {
	for i := range r.Params {
		p := &r.Params[i]
		name, isMin := strings.CutPrefix(p.Name, "min.")
		name, isMax := strings.CutPrefix(name, "max.")
		if isMin == isMax || name == "" || p.Value == "" {
			continue
		}
		if len(name) > maxWord {
			return nil, codes.Malformed("the name of a range is longer than 128 bytes")
		}
		if hasControl(name) {
			return nil, codes.Malformed("the name of a range has a control character")
		}
		if _, err := r.Single(p.Name); err != nil {
			return nil, err
		}
		at := slices.IndexFunc(ranges, func(of content.Range) bool { return of.Name == name })
		if at < 0 {
			at = len(ranges)
			ranges = append(ranges, content.Range{Name: name, Min: math.Inf(-1), Max: math.Inf(1)})
		}
		if len(ranges) > maxTags {
			return nil, codes.Malformed("more than 8 ranges are given")
		}
		if err := ranges[at].Limit(isMax, p.Value); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(ranges, func(a, b content.Range) int { return strings.Compare(a.Name, b.Name) })
	return ranges, nil
}

// namesIn returns the names in a parameter that is a list.
func namesIn(param, list string) (names []string, err error) {
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.TrimSpace(name); {
		case name == "":
			continue
		case len(names) == maxFacets:
			return nil, codes.Malformed(param + " has more than 8 names")
		case len(name) > maxWord:
			return nil, codes.Malformed("a name in " + param + " is longer than 128 bytes")
		case hasControl(name):
			return nil, codes.Malformed("a name in " + param + " has a control character")
		default:
			names = append(names, name)
		}
	}
	return names, nil
}

// hasControl reports whether a name has a control character. No attribute's name has one, but the
// corpus's own facets do, and they must not be requested.
func hasControl(name string) bool { return strings.ContainsFunc(name, unicode.IsControl) }
