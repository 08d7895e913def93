package frontmatter

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// flags lists the names that keep a page from being published, with the value that does. A strict
// one must be true or false: a draft is never published because of a typing mistake.
var flags = []struct {
	name   string
	hides  bool
	strict bool
}{
	{"draft", true, true},       // Hugo, Docusaurus
	{"unlisted", true, true},    // Docusaurus
	{"published", false, false}, // Jekyll; in Hugo it is a date
	{"publish", false, false},   // Obsidian Publish
	{"headless", true, false},   // Hugo
	{"private", true, false},    // by custom, as hidingTexts
}

// hidingTexts lists names with the text that keeps a page from being published. Another text is an
// attribute.
var hidingTexts = [][2]string{{"status", "draft"}, {"visibility", "private"}}

// leftOut decides whether the page is published.
func (r *rest) leftOut(p *Page, now time.Time) error {
	for _, flag := range flags {
		i := r.find(flag.name)
		if i < 0 {
			continue
		}
		f := r.fields[i]
		set, ok := truth(f.Value)
		switch {
		case !ok && flag.strict:
			return errorAt(f.Line, "%s: must be true or false, not %s", f.Name, show(f.Value))
		case !ok:
			continue
		case set == flag.hides:
			p.hide(f, strings.TrimSuffix(fmt.Sprintf("%s: %t", f.Name, set), ": true"))
			return nil
		}
		r.fields = slices.Delete(r.fields, i, i+1)
	}
	if r.hidden(p); p.LeftOut != "" {
		return nil
	}
	return r.outOfTime(p, now)
}

func (p *Page) hide(f Field, why string) { p.LeftOut, p.Line = why, f.Line }

// hidden leaves out pages whose texts say so, and those that Hugo does not render.
func (r *rest) hidden(p *Page) {
	for _, pair := range hidingTexts {
		if i := r.find(pair[0]); i >= 0 && textIs(r.fields[i].Value, pair[1]) {
			p.hide(r.fields[i], r.fields[i].Name+": "+pair[1])
		}
	}
	for _, name := range []string{"build", "_build"} {
		i := r.find(name)
		if i < 0 {
			continue
		}
		object, _ := r.fields[i].Value.(map[string]any)
		if render := object["render"]; textIs(render, "never") || textIs(render, "false") {
			p.hide(r.fields[i], r.fields[i].Name+": render: "+render.(Scalar).Text)
		}
	}
}

func textIs(v any, text string) bool {
	s, ok := v.(Scalar)
	return ok && strings.EqualFold(strings.TrimSpace(s.Text), text)
}

// outOfTime leaves out pages that Hugo would not build at this time, and those that Jekyll would
// not. A date decides only if the page has none for its publication.
func (r *rest) outOfTime(p *Page, now time.Time) error {
	if now.IsZero() {
		return nil
	}
	for _, name := range []string{"publishdate", "pubdate", "expirydate", "unpublishdate"} {
		i := r.find(name)
		if i < 0 {
			continue
		}
		f := r.fields[i]
		t, ok := date(f.Value)
		expiry := !strings.HasPrefix(name, "pub")
		switch {
		case !ok:
			return badDate(f)
		case expiry && !now.Before(t):
			p.hide(f, fmt.Sprintf("%s %s has passed", f.Name, t.Format(time.RFC3339)))
		case !expiry:
			p.hideUntil(f, now)
		}
	}
	has := func(name string) bool { return r.find(name) >= 0 }
	if i := r.find("date"); i >= 0 && !slices.ContainsFunc([]string{"published_at", "publishdate", "pubdate"}, has) {
		p.hideUntil(r.fields[i], now)
	}
	return nil
}

// hideUntil leaves out the page if the date of a field is in the future.
func (p *Page) hideUntil(f Field, now time.Time) {
	if t, ok := date(f.Value); ok && now.Before(t) {
		p.hide(f, fmt.Sprintf("%s %s is in the future", f.Name, t.Format(time.RFC3339)))
	}
}

// truth returns whether a value is true or false, also as YAML 1.1 and texts have it.
func truth(v any) (value, ok bool) {
	s, _ := v.(Scalar)
	switch strings.ToLower(s.Text) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0":
		return false, true
	}
	return false, false
}
