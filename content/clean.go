package content

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean brings an item into the form in which it is kept: control characters
// other than tab and line breaks are dropped, the body is sanitised, tags are
// stripped from the summary, which is taken from the body where there is none,
// blanks around texts go, and no tag stands twice. What it can't mend is left
// for [Check]. Cleaning what is clean changes nothing.
func Clean(it *Item) {
	it.Collection = line(it.Collection)
	it.Title = line(it.Title)
	it.Body = sanitise(it.Body)
	it.Summary = strings.TrimSpace(stripTags(printable(it.Summary)))
	if it.Summary == "" {
		it.Summary = Excerpt(it.Body)
	}
	it.Image, it.URL = strings.TrimSpace(it.Image), strings.TrimSpace(it.URL)
	it.Tags = cleanTags(it.Tags)
	for name, v := range it.Attributes {
		it.Attributes[name] = cleanValue(v)
	}
	it.PublishedAt, it.UpdatedAt = it.PublishedAt.UTC(), it.UpdatedAt.UTC()
}

// line is s without control characters on one line.
func line(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

func printable(s string) string {
	if !utf8.ValidString(s) || !strings.ContainsFunc(s, isControl) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return -1
		}
		return r
	}, s)
}

func isControl(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
}

func cleanTags(tags []string) []string {
	var out []string
	for _, t := range tags {
		if t = line(t); t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
		if len(out) > maxTags {
			return tags // Check counts them
		}
	}
	return out
}

func cleanValue(v any) any {
	switch v := v.(type) {
	case string:
		return printable(v)
	case []any:
		for i := range v {
			v[i] = cleanValue(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = cleanValue(v[name])
		}
	}
	return v
}
