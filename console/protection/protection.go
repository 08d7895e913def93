// Package protection is the console's pages about refusals, tokens and addresses: their lists, and
// the story of one. Their data is read by the operations of package operations/lists.
package protection

import (
	_ "embed"
	"net/netip"
	"strings"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

var (
	//go:embed address.html
	addressHTML string
	//go:embed addresses.html
	addressesHTML string
	//go:embed proposals.html
	proposalsHTML string
	//go:embed refusal.html
	refusalHTML string
	//go:embed refusals.html
	refusalsHTML string
	//go:embed token.html
	tokenHTML string
	//go:embed tokens.html
	tokensHTML string
)

// perPage is how many lines a page of a list has. More would exceed the size of a page.
const perPage = 30

// Add adds the pages and forms.
func Add(f *frame.Frame) {
	page := func(path, section, title, html string, data func(*frame.Request) (any, error)) {
		f.Page(frame.Page{Path: path, Section: section, Role: operations.Viewer, Title: title, Template: html, Data: data})
	}
	page("/refusals", "refusals", "Refusals", refusalsHTML, refusals)
	page("/refusals/{ref}", "refusals", "", refusalHTML, refusal)
	page("/tokens", "tokens", "Tokens", tokensHTML, tokens)
	page("/tokens/{id}", "tokens", "", tokenHTML, token)
	page("/addresses", "addresses", "Addresses", addressesHTML, addresses)
	page("/addresses/proposals", "addresses", "Proposals", proposalsHTML, proposals)
	page("/addresses/of/{address}", "addresses", "", addressHTML, address)
	form := func(path, section string, role operations.Role, show func(*frame.Request) (frame.FormView, error), do func(*frame.Request, frame.Values) (frame.Done, error)) {
		f.Form(frame.Form{Path: path, Section: section, Role: role, Show: show, Do: do})
	}
	form("/tokens/find", "tokens", operations.Viewer, findForm, findToken)
	form("/tokens/{id}/revoke", "tokens", operations.Operator, revokeForm, revoke)
	form("/addresses/block", "addresses", operations.Operator, blockForm, block)
	form("/addresses/allow", "addresses", operations.Operator, allowForm, allow)
	form("/addresses/lift", "addresses", operations.Operator, liftForm, lift)
	form("/addresses/keep", "addresses", operations.Operator, keepForm, keep)
}

// timeOf reads the time of a filter: a day or an exact time, in UTC.
func timeOf(r *frame.Request, name string) (time.Time, error) {
	text := strings.TrimSpace(r.Query(name))
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, failure.New(failure.Invalid, "%s %.40q: must be a day such as 2026-11-27, or a time such as 2026-11-27T10:00:00Z", name, text)
}

// tenantCell returns a cell with a tenant.
func tenantCell(clientID string) frame.Cell {
	if clientID == "" {
		return frame.None()
	}
	return frame.Code(clientID).Link(frame.Path("tenants", clientID))
}

// addressCell returns a cell with an address as it is shown: a link to its page if it is one.
func addressCell(shown string) frame.Cell {
	if shown == "" {
		return frame.None()
	}
	if a, err := netip.ParseAddr(shown); err == nil {
		return frame.Code(shown).Link(frame.Path("addresses", "of", a.String()))
	}
	return frame.Code(shown).Link(frame.URL("/refusals", "address", shown))
}

// refCell returns a cell with a reference.
func refCell(ref string) frame.Cell {
	if ref == "" {
		return frame.None()
	}
	return frame.Code(ref).Link(frame.Path("refusals", ref))
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
