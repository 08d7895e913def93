package statements

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"stile.example/stile/tenants"
)

// Account is what is known about a client_id for its statements. If a tenant was removed and added
// again, it is both.
type Account struct {
	ClientID  string
	Name      string
	Currency  string
	Numbers   []uint32 // of its tenants
	CreatedAt time.Time
	Removed   bool
	Prices    []tenants.Price // by Since
	Stamp     string          // differs whenever any of the above does
}

// Removed is the status of a tenant that was removed. Package tenants does not know it.
const Removed tenants.Status = "removed"

// Accounts returns the account of each client_id, in order, of all tenants that ever were.
func Accounts(list []tenants.Tenant) []Account {
	list = slices.SortedFunc(slices.Values(list), func(a, b tenants.Tenant) int {
		return cmp.Or(strings.Compare(a.ClientID, b.ClientID), cmp.Compare(a.Number, b.Number))
	})
	var all []Account
	for _, t := range list {
		if n := len(all); n == 0 || all[n-1].ClientID != t.ClientID {
			all = append(all, Account{ClientID: t.ClientID, CreatedAt: t.CreatedAt})
		}
		all[len(all)-1].add(t)
	}
	return all
}

// add adds a tenant that was added after the others of its client_id. Its prices apply from the day
// on which it was added; before, those of the others do.
func (a *Account) add(t tenants.Tenant) {
	if len(a.Numbers) == 0 {
		a.Prices = slices.Clone(t.Prices)
	} else {
		day := t.CreatedAt.UTC().Format(time.DateOnly)
		a.Prices = slices.DeleteFunc(a.Prices, func(p tenants.Price) bool { return p.Since >= day })
		first := t.PriceOn(day)
		first.Since = day
		a.Prices = append(a.Prices, first)
		for _, p := range t.Prices {
			if p.Since > day {
				a.Prices = append(a.Prices, p)
			}
		}
	}
	a.Numbers = append(a.Numbers, t.Number)
	a.Name, a.Currency, a.Removed = t.Name, t.Currency, t.Status == Removed
	a.Stamp += CompactJSON([]any{t.Number, t.Name, t.Currency, t.Status == Removed, t.Prices})
}
