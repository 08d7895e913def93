package frame

// Tabs is a row of links to views of the same page.
type Tabs struct {
	Label string // for screen readers
	Tabs  []Tab
}

// Tab is a link of tabs.
type Tab struct {
	Text, Href string
	Current    bool
}

// Tabs returns tabs that set a parameter of the page's URL: its default, and pairs of a value and a
// text.
func (r *Request) Tabs(label, parameter, usual string, pairs ...string) Tabs {
	t := Tabs{Label: label}
	now := r.Query(parameter)
	for i := 0; i+1 < len(pairs); i += 2 {
		value, isUsual := pairs[i], pairs[i] == usual
		if isUsual {
			value = ""
		}
		t.Tabs = append(t.Tabs, Tab{pairs[i+1], r.With(parameter, value, "after", ""), now == pairs[i] || now == "" && isUsual})
	}
	return t
}
