package tenantpages

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/tenants"
)

// perPage is how many tenants a page of the list has.
const perPage = 40 // a page with more is larger than a page may be

func list(r *frame.Request) (any, error) {
	all, err := frame.Do[struct{}, []info](r, "tenant list", struct{}{})
	if err != nil {
		return nil, err
	}
	filter := r.Filter(
		frame.Field{Name: "q", Label: "Name, client_id or site", Kind: "search"},
		frame.Field{Name: "status", Label: "Status", Kind: "select", Options: []frame.Option{{Value: "", Text: "All"}, {Value: "active", Text: "Active"}, {Value: "suspended", Text: "Suspended"}}})
	found, q := all, operations.TenantQuery{Q: r.Query("q"), Status: tenants.Status(r.Query("status"))}
	if filter.Clear != "" {
		if found, err = frame.Do[operations.TenantQuery, []info](r, "tenant list", q); err != nil {
			return nil, err
		}
	}
	t := frame.Table{Caption: "Tenants", Quiet: true, Columns: frame.Columns("Tenant", "Name", "Status", "#Calls this month", "Quota", "Sites", "Added"),
		Empty: &frame.Empty{Title: "No tenant matches", Text: "Change the filter, or clear it."}}
	if len(all) == 0 {
		t.Empty = &frame.Empty{Title: "No tenant yet", Text: "A tenant is an organisation whose pages show your content. Add the first one to get its secret and the snippet for its pages.", Action: "Add a tenant", Href: "/add/tenant"}
	}
	if len(all) == 0 && !r.May("tenant add") {
		t.Empty.Text, t.Empty.Href = "An operator can add the first one.", ""
	}
	shown, next := page(found, r.Query("after"))
	for _, one := range shown {
		t.Rows = append(t.Rows, one.row())
	}
	r.Next(&t, next)
	if err := r.Export(&t, "tenant list", q); err != nil {
		return nil, err
	}
	return struct {
		Filter      frame.Filter
		Table       frame.Table
		Has         bool
		Count, From int
	}{filter, t, len(all) > 0, len(found), len(all)}, nil
}

// page returns the tenants after a client_id, and the client_id after which the next page begins.
// The list is sorted by client_id.
func page(all []info, after string) (shown []info, next string) {
	from := 0
	if after != "" {
		at, found := slices.BinarySearchFunc(all, after, func(t info, id string) int { return cmp.Compare(t.ClientID, id) })
		if from = at; found {
			from++
		}
	}
	all = all[from:]
	if len(all) <= perPage {
		return all, ""
	}
	return all[:perPage], all[perPage-1].ClientID
}

func (t info) row() frame.Row {
	name := frame.Text(t.Name)
	if t.Name == "" {
		name = frame.None()
	}
	return frame.Row{Cells: []frame.Cell{frame.Code(t.ClientID).Link(t.path()), name, t.badge(), frame.Num(t.CallsThisMonth), t.quota(), t.sites(), frame.Time(t.CreatedAt)}}
}

func (t info) badge() frame.Cell {
	if t.Status == "suspended" {
		return frame.Badge("bad", "suspended")
	}
	return frame.Badge("good", t.Status)
}

// quota returns how much of its quota a tenant has used.
func (t info) quota() frame.Cell {
	if t.CallsPerMonth == 0 {
		return frame.Text("no limit")
	}
	used := float64(t.CallsThisMonth) / float64(t.CallsPerMonth)
	return frame.Share(used, frame.Percent(used)+" of "+frame.Number(t.CallsPerMonth))
}

// sites returns the first site, and how many others there are.
func (t info) sites() frame.Cell {
	switch len(t.Sites) {
	case 0:
		return frame.Badge("warn", "any page").Hint("Without sites, any page may use the tenant’s tokens.")
	case 1:
		return frame.Text(t.Sites[0])
	}
	return frame.Text(fmt.Sprintf("%s and %d more", t.Sites[0], len(t.Sites)-1)).Hint(strings.Join(t.Sites, " "))
}
