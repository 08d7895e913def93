package frame

import (
	"bytes"
	"cmp"
	"html/template"
	"slices"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// Part is a part of a page that another package adds, such as a tenant's diagnosis on the page of
// the tenant.
type Part struct {
	Role  operations.Role
	Order int // parts of a page are shown in ascending order
	// Template is the part, as html/template: a section with a heading h2. It gets a [View].
	Template string
	// Data returns what the template gets as .Data, for the request of the page. Nil: the part is
	// not shown.
	Data func(*Request) (any, error)

	template *template.Template
}

// Part adds a part to a page: the name is that which the page's template gives to .Parts.
func (f *Frame) Part(page string, p Part) {
	p.template = f.Template(p.Template)
	f.parts[page] = append(f.parts[page], p)
	slices.SortStableFunc(f.parts[page], func(a, b Part) int { return cmp.Compare(a.Order, b.Order) })
}

// Parts returns the parts that others add to a page. A part that fails shows why, and the page is
// shown without it.
func (v View) Parts(page string) (all []template.HTML) {
	f, r := v.request.frame, v.request
	for _, p := range f.parts[page] {
		if !r.Can(p.Role) {
			continue
		}
		data, err := p.Data(r)
		if err == nil && data == nil {
			continue
		}
		own := v
		own.Data = data
		var b bytes.Buffer
		if err == nil {
			err = p.template.ExecuteTemplate(&b, "content", own)
		}
		if err != nil {
			b.Reset()
			own.Data = f.problemOf(r, err)
			if err := p.template.ExecuteTemplate(&b, "part-problem", own); err != nil {
				continue // of a constant template: impossible
			}
		}
		all = append(all, template.HTML(b.String()))
	}
	return all
}

// problemOf returns what is shown of an error. A fault is logged under a reference, and only that
// is shown: its text may contain paths.
func (f *Frame) problemOf(r *Request, err error) problem {
	kind := failure.KindOf(err)
	p := problem{Status: statuses[kind].status, Text: Say(err)}
	if kind == failure.Fault {
		p.Ref = codes.NewRef()
		p.Text = "The log of the server says why, under this reference."
		if !isAborted(err) {
			f.log.Error("console: can't show a page", "ref", p.Ref, "path", r.URL.Path, "err", err)
		}
	}
	return p
}
