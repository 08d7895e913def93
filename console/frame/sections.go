package frame

import "slices"

// Section is an entry of the navigation.
type Section struct {
	ID, Label string
	Path      string // of its first page
	Key       string // the letter after g on the keyboard
	Group     string // heading in the navigation
	IsCurrent bool
}

// Sections returns the sections of the console in their order.
func Sections() []Section {
	return []Section{
		{ID: "overview", Label: "Overview", Path: "/", Key: "o"},
		{ID: "tenants", Label: "Tenants", Path: "/tenants", Key: "t", Group: "Tenants"},
		{ID: "usage", Label: "Usage", Path: "/usage", Key: "u", Group: "Tenants"},
		{ID: "statements", Label: "Statements", Path: "/statements", Key: "s", Group: "Tenants"},
		{ID: "refusals", Label: "Refusals", Path: "/refusals", Key: "r", Group: "Protection"},
		{ID: "tokens", Label: "Tokens", Path: "/tokens", Key: "k", Group: "Protection"},
		{ID: "addresses", Label: "Addresses", Path: "/addresses", Key: "a", Group: "Protection"},
		{ID: "policy", Label: "Policy", Path: "/policy", Key: "p", Group: "Protection"},
		{ID: "content", Label: "Content", Path: "/content", Key: "c", Group: "Server"},
		{ID: "keys", Label: "Issuers & keys", Path: "/keys", Key: "i", Group: "Server"},
		{ID: "webhooks", Label: "Webhooks", Path: "/webhooks", Key: "w", Group: "Server"},
		{ID: "admins", Label: "Admins", Path: "/admins", Key: "m", Group: "Server"},
		{ID: "audit", Label: "Audit", Path: "/audit", Key: "l", Group: "Server"},
	}
}

// sectionsFor returns the sections that have a page that the caller may see.
func (f *Frame) sectionsFor(r *Request) []Section {
	all := Sections()
	all = slices.DeleteFunc(all, func(s Section) bool {
		return !slices.ContainsFunc(f.pages, func(p Page) bool { return p.Path == s.Path && r.Can(p.Role) })
	})
	for i := range all {
		all[i].IsCurrent = all[i].ID == r.Section
	}
	return all
}

// groups returns the sections by group.
func groups(all []Section) (groups []struct {
	Name     string
	Sections []Section
}) {
	for _, s := range all {
		if len(groups) == 0 || groups[len(groups)-1].Name != s.Group {
			groups = append(groups, struct {
				Name     string
				Sections []Section
			}{Name: s.Group})
		}
		last := &groups[len(groups)-1]
		last.Sections = append(last.Sections, s)
	}
	return groups
}
