package frontmatter

import (
	"strings"
)

// tags takes the tags: a list, or a text with commas or, as in Jekyll and Hugo, with blanks between
// them. A single tag may have blanks.
func (r *rest) tags(p *Page) error {
	for _, name := range []string{"tags", "tag"} {
		f, found := r.take(name, anyField)
		if !found {
			continue
		}
		list, ok := listOf(f.Value, name == "tags")
		if !ok {
			return errorAt(f.Line, "%s: must be a list of texts, such as [sweet, baked]", f.Name)
		}
		for _, e := range list {
			tag, ok := tagOf(e)
			if !ok {
				return errorAt(f.Line, "%s: must be texts, not %s; put it in quotes", f.Name, show(e))
			}
			if tag != "" {
				p.Tags = append(p.Tags, tag)
			}
		}
	}
	return nil
}

// tagOf returns the text of a tag. Obsidian may write it with a sign, and Docusaurus as an object
// with a label.
func tagOf(v any) (string, bool) {
	if object, isObject := v.(map[string]any); isObject {
		v = object["label"]
	} else if v == nil {
		return "", true
	}
	s, ok := v.(Scalar)
	tag := strings.TrimSpace(s.Text)
	if name, hasSign := strings.CutPrefix(tag, "#"); hasSign {
		tag = name
	}
	return tag, ok
}

// listOf returns the entries of a list, or of a text that is written instead of one.
func listOf(v any, blanks bool) ([]any, bool) {
	s, isScalar := v.(Scalar)
	if !isScalar {
		list, ok := v.([]any)
		return list, ok
	}
	parts := []string{s.Text}
	switch {
	case strings.Contains(s.Text, ","):
		parts = strings.Split(s.Text, ",")
	case blanks:
		parts = strings.Fields(s.Text)
	}
	list := make([]any, 0, len(parts))
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, Scalar{part, part})
		}
	}
	return list, true
}

// lists makes lists of the texts that other programs read as lists. They are attributes: a site's
// categories are a facet of their own, and aliases are other names or former addresses, which
// --searchable aliases finds.
func (r *rest) lists(*Page) error {
	for _, name := range []string{"categories", "aliases"} {
		if i := r.find(name); i >= 0 {
			if list, ok := listOf(r.fields[i].Value, name == "categories"); ok {
				r.fields[i].Value = list
			}
		}
	}
	return nil
}
