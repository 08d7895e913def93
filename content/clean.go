package content

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"stile.example/stile/content/plain"
	"stile.example/stile/corpus/words"
)

// Clean brings an item into the form in which it is stored. It drops control characters other than
// tabs and line breaks, sanitises the body, strips tags from the summary, trims texts, composes
// names and values (NFC), and removes duplicate tags. If there is no summary, it takes one from the
// body. [Check] reports what can't be corrected. Cleaning an item twice changes nothing more.
func Clean(it *Item) {
	it.ID = words.Name(it.ID)
	it.Collection = words.Trim(line(it.Collection))
	it.Title = line(it.Title)
	it.Body = sanitise(it.Body)
	it.Summary = strings.TrimSpace(plain.Strip(printable(it.Summary)))
	if it.Summary == "" {
		it.Summary = Excerpt(it.Body)
	}
	it.Image, it.URL = strings.TrimSpace(it.Image), strings.TrimSpace(it.URL)
	it.Tags = cleanTags(it.Tags)
	cleanAttributes(it.Attributes)
	it.PublishedAt, it.UpdatedAt = it.PublishedAt.UTC(), it.UpdatedAt.UTC()
}

// line returns s without control characters, on one line.
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
		t = words.Trim(line(t))
		isSame := func(other string) bool { return words.Name(other) == words.Name(t) }
		if t != "" && !slices.ContainsFunc(out, isSame) {
			out = append(out, t)
		}
		if len(out) > maxTags {
			return tags // too many; Check refuses them
		}
	}
	return out
}

// cleanAttributes cleans the values and the names of attributes. If two names become equal, Check
// reports one of them.
func cleanAttributes(attributes map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		v := cleanValue(attributes[name])
		if clean := words.Name(name); clean != name {
			if _, taken := attributes[clean]; !taken {
				delete(attributes, name)
				name = clean
			}
		}
		attributes[name] = v
	}
}

func cleanValue(v any) any {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return v // Check reports it
		}
		return norm.NFC.String(printable(v))
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
