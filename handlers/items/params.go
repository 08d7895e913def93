package items

import (
	"strconv"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
)

// sorts maps the names of sort orders.
var sorts = map[string]content.Sort{"": content.ByRelevance, "relevance": content.ByRelevance, "newest": content.ByNewest, "title": content.ByTitle}

// parseQuery reads the parameters of a search. It ignores empty and unknown parameters.
func parseQuery(r *transport.Request) (q content.Query, err error) {
	var text, sort, facets string
	for _, p := range []struct {
		name string
		to   *string
		max  int
	}{
		{"q", &text, transport.MaxForm}, {"collection", &q.Collection, maxWord}, {"sort", &sort, maxWord},
		{"cursor", &q.Cursor, maxCursor}, {"facets", &facets, maxFacets * (maxWord + 1)},
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
	if q.Tags, err = tagsOf(r); err != nil {
		return q, err
	}
	if q.Attributes, err = attributesOf(r); err != nil {
		return q, err
	}
	if q.Facets, err = facetsOf(facets); err != nil {
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
		case p.Name != "tag" || p.Value == "":
			continue
		case len(tags) == maxTags:
			return nil, codes.Malformed("tag is given more than 8 times")
		case len(p.Value) > maxWord:
			return nil, codes.Malformed("tag is longer than 128 bytes")
		default:
			tags = append(tags, p.Value)
		}
	}
	return tags, nil
}

// attributesOf returns the parameters attribute.NAME=VALUE.
func attributesOf(r *transport.Request) (wanted []content.AttributeValue, err error) {
	for i := range r.Params {
		p := &r.Params[i]
		switch name, is := strings.CutPrefix(p.Name, "attribute."); {
		case !is || name == "" || p.Value == "":
			continue
		case len(wanted) == maxTags:
			return nil, codes.Malformed("more than 8 parameters begin with attribute.")
		case len(name) > maxWord || len(p.Value) > maxWord:
			return nil, codes.Malformed("an attribute's name or value is longer than 128 bytes")
		default:
			wanted = append(wanted, content.AttributeValue{Name: name, Value: p.Value})
		}
	}
	return wanted, nil
}

func facetsOf(list string) (names []string, err error) {
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.TrimSpace(name); {
		case name == "":
			continue
		case len(names) == maxFacets:
			return nil, codes.Malformed("facets has more than 8 names")
		case len(name) > maxWord:
			return nil, codes.Malformed("a name in facets is longer than 128 bytes")
		default:
			names = append(names, name)
		}
	}
	return names, nil
}
