package statements

import (
	"slices"
	"strings"
	"time"

	"stile.example/stile/tenants"
)

// Account is what is known about a tenant for its statements.
type Account struct {
	Tenant    string // in statements and usage: see [tenants.Names]
	Name      string
	Currency  string
	Number    uint32
	CreatedAt time.Time
	Removed   bool
	Prices    []tenants.Price // by Since
	Stamp     string          // differs whenever any of the above does
}

// Removed is the status of a tenant that was removed. Package tenants does not know it.
const Removed tenants.Status = "removed"

// Accounts returns the account of each tenant that ever was, in the order of their names.
func Accounts(list []tenants.Tenant) []Account {
	clients := map[uint32]string{}
	for _, t := range list {
		clients[t.Number] = t.ClientID
	}
	names := tenants.Names(clients)
	all := make([]Account, len(list))
	for i, t := range list {
		all[i] = accountOf(t, names[t.Number])
	}
	slices.SortFunc(all, func(a, b Account) int { return strings.Compare(a.Tenant, b.Tenant) })
	return all
}

func accountOf(t tenants.Tenant, name string) Account {
	removed := t.Status == Removed
	return Account{Tenant: name, Name: t.Name, Currency: t.Currency, Number: t.Number, CreatedAt: t.CreatedAt, Removed: removed, Prices: t.Prices,
		Stamp: CompactJSON([]any{t.Number, name, t.Name, t.Currency, removed, t.Prices})}
}
