package frontmatter

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Page is what front matter says of an item.
type Page struct {
	Texts              map[string]string // by the names of the item's fields
	Tags               []string
	Published, Updated time.Time      // zero if not given
	Attributes         map[string]any // JSON values
	// LeftOut says why the page is not to be published, on which Line. It is empty if it is.
	LeftOut string
	Line    int
	Lines   map[string]int // of Texts
}

// PageOf translates the fields of a page with that text. A name of another program is translated
// only if the value is of the kind that the program documents. All that is not translated is an
// attribute, and so is body if there is a text, which it must not replace. now decides about pages
// that are published later or have expired.
func PageOf(fields []Field, text []byte, now time.Time) (Page, error) {
	r := rest{fields: slices.DeleteFunc(slices.Clone(fields), func(f Field) bool { return isEmpty(f.Value) })}
	r.hasText = len(bytes.TrimSpace(text)) > 0
	p := Page{Texts: map[string]string{}, Lines: map[string]int{}, Attributes: map[string]any{}}
	for _, step := range []func(*Page) error{
		func(p *Page) error { return r.leftOut(p, now) }, r.dates, r.texts, r.links, r.tags, r.lists, r.attributes,
	} {
		if err := step(&p); err != nil || p.LeftOut != "" {
			return p, err
		}
	}
	return p, nil
}

// isEmpty reports whether a value says nothing: a name without a value, or an empty text.
func isEmpty(v any) bool {
	s, isScalar := v.(Scalar)
	return v == nil || isScalar && strings.TrimSpace(s.Text) == ""
}

// rest contains the fields that are not translated yet.
type rest struct {
	fields  []Field
	hasText bool // after the front matter
}

// exact lists the names that no other program writes in another case, so that an attribute ID or
// Body stays one.
var exact = []string{"id", "collection", "body", "attributes"}

// find returns the position of a field, or -1. Case is ignored, as Hugo does, but a name in its
// exact case is preferred.
func (r *rest) find(name string) int {
	i := slices.IndexFunc(r.fields, func(f Field) bool { return f.Name == name })
	if i < 0 && !slices.Contains(exact, name) {
		i = slices.IndexFunc(r.fields, func(f Field) bool { return strings.EqualFold(f.Name, name) })
	}
	return i
}

// take returns a field and removes it, if there is one that wanted accepts.
func (r *rest) take(name string, wanted func(Field) bool) (Field, bool) {
	i := r.find(name)
	if i < 0 || !wanted(r.fields[i]) {
		return Field{}, false
	}
	f := r.fields[i]
	r.fields = slices.Delete(r.fields, i, i+1)
	return f, true
}

func anyField(Field) bool { return true }

// published and updated list the names of dates, the preferred ones first. A loose one is not
// defined by a program, so it is an attribute if it is not a date.
var (
	published = []dateName{{"published_at", false}, {"publishdate", false}, {"pubdate", false}, {"date", false}, {"published", true}, {"created", true}, {"date created", true}}
	updated   = []dateName{{"updated_at", false}, {"lastmod", false}, {"last_modified_at", false}, {"last_update", true}, {"updated", true}, {"modified", true}, {"date modified", true}}
)

type dateName struct {
	name  string
	loose bool
}

func (r *rest) dates(p *Page) (err error) {
	if p.Published, err = r.date(published); err != nil {
		return err
	}
	p.Updated, err = r.date(updated)
	return err
}

// date takes the first field that has a date.
func (r *rest) date(names []dateName) (time.Time, error) {
	for _, n := range names {
		i := r.find(n.name)
		if i < 0 {
			continue
		}
		f := r.fields[i]
		t, ok := date(f.Value)
		if object, isObject := f.Value.(map[string]any); isObject && n.name == "last_update" {
			t, ok = date(object["date"])
		} else if ok {
			r.fields = slices.Delete(r.fields, i, i+1)
		}
		if ok {
			return t, nil
		}
		if !n.loose {
			return time.Time{}, badDate(f)
		}
	}
	return time.Time{}, nil
}

func badDate(f Field) error {
	return errorAt(f.Line, "%s %s: must be a date such as 2024-05-06 or 2024-05-06T07:08:09Z", f.Name, show(f.Value))
}

func (r *rest) texts(p *Page) error {
	for _, name := range []string{"id", "collection", "title", "body", "summary"} {
		f, found := r.take(name, func(Field) bool { return name != "body" || !r.hasText })
		s, isText := f.Value.(Scalar)
		if found && !isText {
			return errorAt(f.Line, "%s: must be text, not %s; put it in quotes", f.Name, show(f.Value))
		}
		p.Texts[name], p.Lines[name] = s.Text, f.Line
	}
	for _, name := range []string{"description", "excerpt"} {
		if p.Texts["summary"] == "" {
			f, _ := r.take(name, isText)
			s, _ := f.Value.(Scalar)
			p.Texts["summary"], p.Lines["summary"] = s.Text, f.Line
		}
	}
	return nil
}

func isText(f Field) bool {
	s, _ := f.Value.(Scalar)
	_, is := s.Value.(string)
	return is
}

// links takes URLs. A path in the site of the other program is an attribute, because it would lead
// into the tenant's site.
func (r *rest) links(p *Page) error {
	for _, l := range [][2]string{{"url", "url"}, {"url", "permalink"}, {"image", "image"}} {
		if p.Texts[l[0]] == "" {
			f, _ := r.take(l[1], func(f Field) bool { return isURL(f, l[1] == "permalink") })
			s, _ := f.Value.(Scalar)
			p.Texts[l[0]], p.Lines[l[0]] = s.Text, f.Line
		}
	}
	return nil
}

// isURL reports whether a value is meant as a URL, valid or not. A permalink may be a pattern, such
// as /:title/ or date.
func isURL(f Field, mayBePattern bool) bool {
	s, ok := f.Value.(Scalar)
	u, err := url.Parse(strings.TrimSpace(s.Text))
	switch {
	case !ok:
		return false
	case mayBePattern:
		return err == nil && (u.Scheme == "http" || u.Scheme == "https")
	}
	return err != nil || u.Scheme != "" || u.Host != ""
}

func (r *rest) attributes(p *Page) error {
	if f, found := r.take("attributes", anyField); found {
		object, ok := f.Value.(map[string]any)
		if !ok {
			return errorAt(f.Line, "attributes: must be names with values")
		}
		for name, v := range object {
			p.Attributes[name] = plain(v)
		}
	}
	for _, f := range r.fields {
		if _, taken := p.Attributes[f.Name]; taken {
			return errorAt(f.Line, "attribute %s is repeated: attributes has it too", quote(f.Name))
		}
		if v, ok := fit(f.Value, maxDepth); ok && isName(f.Name) {
			p.Attributes[f.Name] = v
		}
	}
	return nil
}
