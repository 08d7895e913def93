// Package lists has the operations that list refusals, tokens and addresses, a page at a time, and
// tell the story of one.
//
// Every list has an exact order that does not change when others are added. A page's next is the
// after of the page that follows it. So reading page after page neither skips nor repeats what was
// there at the start.
package lists

import (
	"net/netip"

	"stile.example/stile/addresses"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/paging"
)

// limitOf returns the number of lines of a page.
func limitOf(asked int) (int, error) { return paging.Limit(asked, 100) }

// addressOf returns the source address that a text names, as the rules count it.
func addressOf(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return a, failure.New(failure.Invalid, "address %.60q: must be an address, such as 203.0.113.9 or 2001:db8::1", text)
	}
	return addresses.Canonical(a), nil
}
