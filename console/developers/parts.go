// Package developers shows what `stile doctor` finds, and has the tenant's own view: what a
// tenant's developers see of their tenant, by a link that the publisher gives them.
//
//   - [Add] adds the diagnosis and the links to the page of a tenant in the console.
//   - [New] returns the tenant's own view, for the public listener. A link opens a session there
//     with the role developer of one tenant. Package operations confines it to that tenant, so
//     these pages can't show anything else.
package developers

import (
	"embed"
	"strings"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/console/tenantpages"
	"stile.example/stile/operations"
)

//go:embed templates
var files embed.FS

// text returns a template of this package, with the one that shows a diagnosis.
func text(name string) string {
	var all strings.Builder
	for _, file := range []string{"diagnosis.html", name} {
		b, err := files.ReadFile("templates/" + file)
		if err != nil {
			panic(err) // the name is a constant
		}
		all.Write(b)
	}
	return all.String()
}

// Add adds the diagnosis and the links to the page of a tenant.
func Add(f *frame.Frame) {
	f.Part(tenantpages.TenantPage, frame.Part{Role: operations.Viewer, Order: 10, Template: text("part.html"), Data: partData})
	add := frame.Form{Path: "/tenants/{client_id}/links/add", Section: "tenants", Role: operations.Operator, Show: linkForm, Do: addLink, Result: text("link.html")}
	f.Form(add)
	f.Form(frame.Form{Path: "/tenants/{client_id}/links/remove", Section: "tenants", Role: operations.Operator, Show: unlinkForm, Do: removeLink})
}

// part is what the part of a tenant's page shows.
type part struct {
	diagnosis
	Links frame.Table
	Add   frame.Cell
}

func partData(r *frame.Request) (any, error) {
	clientID := r.PathValue("client_id")
	found, err := diagnose(r, clientID, func(ref string) string { return frame.Path("refusals", ref) })
	if err != nil {
		return nil, err
	}
	list, err := frame.Do[tenantName, []operations.Link](r, "tenant link list", tenantName{clientID})
	if err != nil {
		return nil, err
	}
	p := part{diagnosis: found, Add: r.Ask(frame.Path("tenants", clientID, "links", "add"), "New link…", "")}
	p.Links = frame.Table{Caption: "Links to the tenant’s own view", Quiet: true, Columns: frame.Columns("For", "Made by", "Ends", "Last used", "-Change"),
		Empty: &frame.Empty{Title: "No links", Text: "A link shows the tenant’s developers their own usage, refusals and this diagnosis, and nothing of other tenants."}}
	for _, l := range list {
		used := frame.None()
		if l.LastUsed != nil {
			used = frame.Time(*l.LastUsed)
		}
		ends := frame.Time(l.ExpiresAt)
		if l.Ended {
			ends = frame.Badge("muted", "ended")
		}
		p.Links.Rows = append(p.Links.Rows, frame.Row{Muted: l.Ended, Cells: []frame.Cell{frame.Text(l.Name), frame.Text(l.CreatedBy), ends, used,
			r.Ask(frame.Path("tenants", clientID, "links", "remove"), "Remove…", l.Name, "id", l.ID)}})
	}
	return p, nil
}

// lives are the choices of how long a link lives.
var lives = []frame.Option{{Value: "1d", Text: "1 day"}, {Value: "7d", Text: "7 days"}, {Value: "14d", Text: "14 days"}, {Value: "30d", Text: "30 days"}}

func linkForm(r *frame.Request) (frame.FormView, error) {
	clientID := r.PathValue("client_id")
	return frame.FormView{Title: "New link for the developers of " + clientID, Button: "Make the link", Cancel: frame.Path("tenants", clientID),
		Text: []string{"The link shows anyone who has it the usage, the refusals and the diagnosis of " + clientID + ", and gives them tokens to try out. They see nothing of other tenants."},
		Fields: []frame.Field{
			{Name: "name", Label: "For", Required: true, Placeholder: "agency", Help: "Name of those who get the link, 1 to 64 characters."},
			{Name: "for", Label: "Ends after", Kind: "select", Options: lives, Value: "7d"},
		}}, nil
}

// newLink is the input of the operation tenant link add.
type newLink struct {
	ClientID string `json:"client_id"`
	Name     string `json:"name"`
	For      string `json:"for"`
}

// shownLink is what is shown once of a new link.
type shownLink struct {
	operations.NewLink
	ClientID string
	Ends     time.Time
}

func addLink(r *frame.Request, v frame.Values) (frame.Done, error) {
	clientID := r.PathValue("client_id")
	made, err := frame.Do[newLink, operations.NewLink](r, "tenant link add", newLink{clientID, v.Text("name"), v.Text("for")})
	if err != nil {
		return frame.Done{}, frame.About(fieldOf(err), err)
	}
	return frame.Done{Title: "Link for the developers of " + clientID, Data: shownLink{made, clientID, made.ExpiresAt},
		To: frame.Path("tenants", clientID), Again: frame.Crumb{Text: "Make another link", Href: frame.Path("tenants", clientID, "links", "add")}}, nil
}

// fieldOf returns the field that an error of the operation is about.
func fieldOf(err error) string {
	if strings.HasPrefix(err.Error(), "for ") {
		return "for"
	}
	return "name"
}

func unlinkForm(r *frame.Request) (frame.FormView, error) {
	clientID := r.PathValue("client_id")
	return frame.FormView{Title: "Remove a link to " + clientID, Button: "Remove the link", Danger: true, Cancel: frame.Path("tenants", clientID),
		Text:   []string{"Its sessions end: people who have it open see nothing more. You can make a new one at any time."},
		Fields: []frame.Field{{Name: "id", Kind: "hidden"}}}, nil
}

// linkName is the input of the operation tenant link remove.
type linkName struct {
	ClientID string `json:"client_id"`
	ID       string `json:"id"`
}

func removeLink(r *frame.Request, v frame.Values) (frame.Done, error) {
	clientID := r.PathValue("client_id")
	if _, err := frame.Do[linkName, map[string]string](r, "tenant link remove", linkName{clientID, v.Text("id")}); err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: frame.Path("tenants", clientID), Flash: "Removed the link."}, nil
}
