package frame

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"stile.example/stile/operations"
)

// Table is a table with a caption. In a narrow window each row becomes a card.
type Table struct {
	Caption string // what the rows are; shown only to screen readers if Quiet
	Quiet   bool
	Columns []Column
	Rows    []Row
	Empty   *Empty // shown if there are no rows
	// Next and First are the URLs of the next page and the first one; "": there is none. See
	// [Request.Next] and [Request.Older].
	Next, First string
	ByTime      bool // the newest rows are first
	// Exports are the URLs of all rows as files. See [Request.Export].
	Exports []Export
}

// Export is a link to all rows of a list in a format.
type Export struct{ Format, Href string }

// Column is a column of a table.
type Column struct {
	Title string
	Num   bool // numbers: to the right
	Quiet bool // the title is only for screen readers
	Wide  bool // long texts: it gets the space that others leave
}

// Columns returns columns with these titles. A title that begins with # is of numbers; one that
// begins with - is not shown.
func Columns(titles ...string) []Column {
	all := make([]Column, len(titles))
	for i, t := range titles {
		switch {
		case t != "" && t[0] == '#':
			all[i] = Column{Title: t[1:], Num: true}
		case t != "" && t[0] == '-':
			all[i] = Column{Title: t[1:], Quiet: true}
		default:
			all[i] = Column{Title: t}
		}
	}
	return all
}

// Row is a row of a table. The first cell is its heading.
type Row struct {
	ID    string // for links to it; "": none
	Cells []Cell
	Muted bool // it does not count any more
}

// Empty is shown where there is nothing yet: why, and what to do next.
type Empty struct {
	Title, Text  string
	Action, Href string // a link; "": none
	Code         string // a command that does the same; "": none
}

// Cell is a cell of a table, or a value of a definition list.
type Cell struct {
	Kind  string // text, code, num, time, badge, form, ask, share, none; "": empty
	Text  string
	Href  string
	Title string // more about it, shown on hover
	Note  string // more about it, shown below
	Tone  string // of a badge: good, warn, bad, info, muted
	Time  time.Time
	Share float64 // 0 to 1
	Form  *Button
	More  []Cell // after it, in the same cell
}

// Text returns a cell with a text.
func Text(text string) Cell { return Cell{Kind: "text", Text: text} }

// Code returns a cell with an identifier, such as a client_id, a range or a ref.
func Code(text string) Cell { return Cell{Kind: "code", Text: text} }

// Num returns a cell with a number.
func Num[N ~int | ~int64 | ~uint | ~uint16 | ~uint32 | ~uint64](n N) Cell {
	return Cell{Kind: "num", Text: number(int64(n))}
}

// Amount returns a cell with a number that is written already, such as an amount of money.
func Amount(text string) Cell { return Cell{Kind: "num", Text: text} }

// Time returns a cell with a time: relative, with the exact time in UTC as its title. The zero time
// is a dash.
func Time(t time.Time) Cell {
	if t.IsZero() {
		return None()
	}
	return Cell{Kind: "time", Time: t}
}

// Badge returns a cell with a state. Its tone is good, warn, bad, info or muted.
func Badge(tone, text string) Cell { return Cell{Kind: "badge", Tone: tone, Text: text} }

// Share returns a cell with a bar for a part from 0 to 1, and a text.
func Share(part float64, text string) Cell { return Cell{Kind: "share", Share: part, Text: text} }

// None returns a cell without a value.
func None() Cell { return Cell{Kind: "none"} }

// Link returns the cell as a link.
func (c Cell) Link(href string) Cell { c.Href = href; return c }

// Hint returns the cell with a title, shown on hover.
func (c Cell) Hint(title string) Cell { c.Title = title; return c }

// Muted returns the cell as one that matters less.
func (c Cell) Muted() Cell { c.Tone = "muted"; return c }

// Strong returns the cell as one that matters more.
func (c Cell) Strong() Cell { c.Tone = "strong"; return c }

// And returns the cell with others after it.
func (c Cell) And(more ...Cell) Cell { c.More = append(c.More, more...); return c }

// Button is a form that is only a button, with hidden fields.
type Button struct {
	Path, Label string
	Fields      []Field // hidden
	CSRF        string
	Danger      bool
	About       string // for screen readers: what the button is about, such as a range
}

// Button returns a cell with a button that sends a form: a path, a label, and pairs of the name and
// the value of a field. about says to screen readers what the button is about. If the caller may
// not use it, the cell is empty.
func (r *Request) Button(path, label, about string, pairs ...string) Cell {
	if !r.mayPost(path) {
		return Cell{}
	}
	b := &Button{Path: path, Label: label, CSRF: r.Caller.CSRF, About: about}
	for i := 0; i+1 < len(pairs); i += 2 {
		b.Fields = append(b.Fields, Field{Name: pairs[i], Kind: "hidden", Value: pairs[i+1]})
	}
	return Cell{Kind: "form", Form: b}
}

// Ask returns a cell with a link to a form's page, which the script opens as a dialog. If the
// caller may not use the form, the cell is empty.
func (r *Request) Ask(path, label, about string, pairs ...string) Cell {
	if !r.mayPost(path) {
		return Cell{}
	}
	return Cell{Kind: "ask", Text: label, Href: URL(path, pairs...), Title: about}
}

// Next sets the links of a table that is a part of a list: to the rows after a cursor, and to the
// first ones. An empty cursor says that there are no more rows.
func (r *Request) Next(t *Table, next string) {
	if next != "" {
		t.Next = r.With("after", next)
	}
	if r.Query("after") != "" {
		t.First = r.With("after", "")
	}
}

// Older is Next for a list whose newest rows are first.
func (r *Request) Older(t *Table, next string) {
	r.Next(t, next)
	t.ByTime = true
}

// Export sets the links that download all rows that an operation lists for an input, whatever page
// of them is shown. The admin API sends the files, and records in the audit log who got them.
func (r *Request) Export(t *Table, operation string, in any) error {
	o, ok := operations.Find(operation)
	if !ok || len(t.Rows) == 0 {
		return nil
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: write the input: %w", operation, err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return fmt.Errorf("%s: read the input: %w", operation, err)
	}
	var pairs []string
	for name, value := range fields {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value) // not a text, such as true
		}
		if name != "after" && name != "limit" && !slices.Contains(unset, text) {
			pairs = append(pairs, name, text)
		}
	}
	for _, format := range []string{"csv", "ndjson"} {
		t.Exports = append(t.Exports, Export{strings.ToUpper(format), URL("/api/v1"+o.Route.Path, append(pairs, "format", format)...)})
	}
	return nil
}

// unset are the values of fields that are not set.
var unset = []string{"", "null", "0", "0001-01-01T00:00:00Z"}

// Item is a line of a definition list.
type Item struct {
	Term  string
	Value Cell
	Help  string
}

// Card is a figure, and how it has changed.
type Card struct {
	Label  string
	Value  string
	Href   string
	Before string  // the figure of the period before; "": unknown
	Change string  // such as +12 %
	Tone   string  // of the change: good, bad, or "" for neither
	Spark  Drawing // a small chart; nil: none
	Note   string
}

// Filter is a form that selects rows. Its fields have the names of the admin API's parameters.
type Filter struct {
	Action string
	Fields []Field
	Clear  string // URL without the filter; "": nothing is filtered
}

// Filter returns a filter of the page with the values of its URL.
func (r *Request) Filter(fields ...Field) Filter {
	f := Filter{Action: r.URL.Path, Fields: fields}
	for i := range f.Fields {
		f.Fields[i].Scope = "filter-"
		f.Fields[i].Value = r.Query(f.Fields[i].Name)
		if f.Fields[i].Value != "" {
			f.Clear = r.URL.Path
		}
	}
	return f
}

// maxOptions is how many tenants a page offers to choose from: each option takes about 60 bytes.
const maxOptions = 100

// TenantField returns a field that chooses a tenant by its client_id. none is the option that
// chooses none. If there are too many tenants for a list, the client_id is typed.
func (r *Request) TenantField(label, none string) (Field, error) {
	all, err := Do[operations.None, []operations.TenantInfo](r, "tenant list", operations.None{})
	if len(all) > maxOptions {
		return Field{Name: "tenant", Label: label, Mono: true, Placeholder: "client_id", Help: "Empty: " + none + "."}, err
	}
	f := Field{Name: "tenant", Label: label, Kind: "select", Options: []Option{{Value: "", Text: none}}}
	for _, t := range all {
		f.Options = append(f.Options, Option{Value: t.ClientID, Text: t.ClientID})
	}
	return f, err
}

// Snippet is a block of code that can be copied.
type Snippet struct {
	Label string // what it is
	Code  string
	Once  bool // it is shown only now
}

// mayPost reports whether the caller may use the form of a path.
func (r *Request) mayPost(path string) bool {
	for _, form := range r.frame.forms {
		if matches(form.Path, path) {
			return r.Can(form.Role)
		}
	}
	return false
}

// matches reports whether a pattern of net/http without a method matches an escaped path.
func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}
