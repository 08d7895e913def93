// Package search is the console's one search box. It recognises what was typed: a reference, a
// client_id, an address, a token, or a word.
//
// The box sends a POST, because a token must not be in a URL. Only what is not a token gets into
// the URL of the next page.
package search

import (
	_ "embed"
	"net/netip"
	"regexp"
	"strings"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

//go:embed found.html
var foundHTML string

// Add adds the form of the search box, and the page of what was found by a word.
func Add(f *frame.Frame) {
	f.Form(frame.Form{Path: "/search", Role: operations.Viewer, Show: form, Do: find})
	f.Page(frame.Page{Path: "/found", Role: operations.Viewer, Title: "Search", Template: foundHTML, Data: found})
}

func form(*frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Search", Button: "Search", Cancel: "/", Fields: []frame.Field{{Name: "q", Label: "Search for", Kind: "search", Required: true,
		Help: "A reference such as 7QK2-M4TD, a client_id, an address or range, a token or its jti, or a word in the name of a tenant or the title of an item."}}}, nil
}

var (
	refForm   = regexp.MustCompile(`^(?i)[0-9A-HJKMNP-TV-Z]{4}-?[0-9A-HJKMNP-TV-Z]{4}$`)
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$|^stile_`)
	idForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)
)

// maxWord is the longest text that gets into a URL. A longer one may be a secret.
const maxWord = 64

// find goes to the page of what was typed.
func find(r *frame.Request, v frame.Values) (frame.Done, error) {
	q := v.Text("q")
	if q == "" {
		return frame.Done{}, frame.About("q", failure.New(failure.Invalid, "type what to search for"))
	}
	if tokenForm.MatchString(q) {
		return token(r, q)
	}
	if _, err := tenantOf(r, q); err == nil {
		return frame.Done{To: frame.Path("tenants", q)}, nil
	}
	if refForm.MatchString(q) && isRefusal(r, q) {
		return frame.Done{To: frame.Path("refusals", q)}, nil
	}
	if isAddress(q) {
		return frame.Done{To: frame.URL("/addresses", "address", q)}, nil
	}
	if idForm.MatchString(q) {
		if done, err := token(r, q); err == nil {
			return done, nil
		}
	}
	if len(q) > maxWord {
		return frame.Done{}, frame.About("q", failure.New(failure.Invalid, "the text is too long for a word, and is not a token of this server"))
	}
	return frame.Done{To: frame.URL("/found", "q", q)}, nil
}

// token goes to the page of a token, or of a jti.
func token(r *frame.Request, text string) (frame.Done, error) {
	type name struct {
		Token string `json:"token"`
	}
	t, err := frame.Do[name, struct {
		ID string `json:"id"`
	}](r, "token show", name{text})
	if err != nil {
		return frame.Done{}, frame.About("q", err)
	}
	return frame.Done{To: frame.Path("tokens", t.ID)}, nil
}

func tenantOf(r *frame.Request, clientID string) (any, error) {
	type name struct {
		ClientID string `json:"client_id"`
	}
	return frame.Do[name, struct{}](r, "tenant show", name{clientID})
}

func isRefusal(r *frame.Request, ref string) bool {
	type name struct {
		Ref string `json:"ref"`
	}
	_, err := frame.Do[name, struct{}](r, "explain", name{ref})
	return err == nil
}

func isAddress(text string) bool {
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	_, err := netip.ParseAddr(text)
	return err == nil
}

// page is what was found by a word.
type page struct {
	Word    string
	Tenants frame.Table
	Item    *frame.Cell // the item of this id
	Content string      // URL of the search in the content
}

// maxTenants is how many tenants the page lists.
const maxTenants = 20

func found(r *frame.Request) (any, error) {
	word := strings.TrimSpace(r.Query("q"))
	if len(word) > maxWord {
		return nil, failure.New(failure.Invalid, "the word is too long")
	}
	p := page{Word: word, Content: frame.URL("/content/search", "q", word)}
	list, err := frame.Do[struct{}, []struct {
		ClientID string   `json:"client_id"`
		Name     string   `json:"name"`
		Sites    []string `json:"sites"`
	}](r, "tenant list", struct{}{})
	if err != nil {
		return nil, err
	}
	p.Tenants = frame.Table{Caption: "Tenants", Columns: frame.Columns("Tenant", "Name", "Sites"), Empty: &frame.Empty{Title: "No tenant", Text: "No tenant has “" + word + "” in its name, client_id or sites."}}
	for _, t := range list {
		text := strings.ToLower(t.ClientID + "\n" + t.Name + "\n" + strings.Join(t.Sites, "\n"))
		if strings.Contains(text, strings.ToLower(word)) && len(p.Tenants.Rows) < maxTenants {
			p.Tenants.Rows = append(p.Tenants.Rows, frame.Row{Cells: []frame.Cell{frame.Code(t.ClientID).Link(frame.Path("tenants", t.ClientID)), frame.Text(t.Name), frame.Text(strings.Join(t.Sites, " "))}})
		}
	}
	type itemName struct {
		ID string `json:"id"`
	}
	item, err := frame.Do[itemName, struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}](r, "content show", itemName{word})
	if err == nil && item.ID != "" {
		cell := frame.Text(item.Title).Link(frame.Path("content", "items", item.ID))
		p.Item = &cell
	}
	return p, nil
}
