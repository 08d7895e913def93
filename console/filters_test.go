package console_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/endpoint"
	"stile.example/stile/operations"
	"stile.example/stile/operations/webhooks"
)

// lists has the pages of lists, with the operation that the admin API has for the same rows.
var lists = map[string]string{
	"/tenants": "tenant list", "/usage": "usage", "/tokens": "token list", "/addresses": "address list", "/refusals": "refusal list",
	"/audit": "audit list", "/statements": "statement list", "/content/search": "content search",
	"/webhooks/ID": "webhook deliveries",
}

// TestFilters checks that the filters of a page are parameters of the admin API, so that the URL of
// a page says how a program gets the same, and that a page has all filters that the API has, except
// those that its path or a search by name stands for.
func TestFilters(t *testing.T) {
	s, _ := open(t)
	consoletest.Fill(s.Frame, time.Now(), "acme", "other")
	hook, err := operations.RunAs[webhooks.Addition, webhooks.Created](t.Context(), s.Dir, s.Caller().Actor, "webhook add", webhooks.Addition{URL: "https://ops.example/stile"})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := map[string][]string{
		"webhook deliveries": {"id", "webhook"}, // in the path
		"content search":     {"tags"},          // there is no field for several
	}
	for path, name := range lists {
		o, ok := operations.Find(name)
		if !ok {
			t.Fatal(name)
		}
		var has []string
		for _, f := range endpoint.Of(o).Query {
			if f.Name != "limit" && f.Name != "after" && !slices.Contains(elsewhere[name], f.Name) {
				has = append(has, f.Name)
			}
		}
		slices.Sort(has)
		got := filters(t, s.Get(strings.Replace(path, "ID", hook.ID, 1), 200))
		if !slices.Equal(got, has) {
			t.Errorf("%s filters by %v, and %s by %v", path, got, name, has)
		}
	}
}

// filters returns the names of the fields of a page's filters.
func filters(t *testing.T, page string) (names []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	attr := func(n *html.Node, name string) string {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val
			}
		}
		return ""
	}
	var isFilter func(n *html.Node) bool
	isFilter = func(n *html.Node) bool {
		if n == nil {
			return false
		}
		if n.Data == "form" {
			return attr(n, "class") == "filter" && attr(n, "method") == "get"
		}
		return isFilter(n.Parent)
	}
	for n := range root.Descendants() {
		if (n.Data == "input" || n.Data == "select") && attr(n, "name") != "" && isFilter(n) {
			names = append(names, attr(n, "name"))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
