// Package tenantflags reads the flags of `stile tenant add` and `stile tenant set`, as a change of
// a tenant, and notes what may surprise about such a change.
package tenantflags

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
	"stile.example/stile/tokens/bearer"
)

// Flags are the flags of tenant add and tenant set. The zero value is ready for use.
type Flags struct {
	name, keys  string
	sites       []string
	prices      priceFlags
	add, remove []string
	insecure    []string
	clear       bool
	callsPerMon int64
}

// Register adds the flags that both commands have.
func (f *Flags) Register(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "name", "", "`name` of the organisation")
	c.Flags().StringArrayVar(&f.sites, "site", nil, "`origin` of the tenant's pages, such as https://www.acme.example; repeat it for more. Without sites, any page may use the tenant's tokens")
	c.Flags().StringArrayVar(&f.insecure, "insecure-site", nil, "`origin` with plain http to add, such as http://192.168.1.20:3000, for an intranet or for a phone in your network. Others in that network can read its tokens")
	c.Flags().Int64Var(&f.callsPerMon, "calls-per-month", 0, "quota: `number` of calls in a UTC month; 0: no limit")
	f.prices.register(c)
	c.Flags().StringVar(&f.keys, "keys", "", "`file` with the tenant's JWK Set, for private_key_jwt instead of the secret; an empty name removes the key set")
}

// RegisterSet adds the flags of tenant set alone.
func (f *Flags) RegisterSet(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.add, "add-site", nil, "`origin` to add to the tenant's sites; repeat it for more")
	c.Flags().StringArrayVar(&f.remove, "remove-site", nil, "`origin` to remove from the tenant's sites; repeat it for more")
	c.Flags().BoolVar(&f.clear, "clear-sites", false, "remove all sites, so that any page may use the tenant's tokens")
}

// changeSites sets what a change does to the sites. --site and --clear-sites say what they are
// after the command, so they can't be combined with flags that say what differs.
func (f *Flags) changeSites(c *cobra.Command, ch *operations.TenantChange) error {
	given := c.Flags().Changed
	differs := given("add-site") || given("remove-site")
	switch {
	case given("site") && differs:
		return syntax.Errorf("--site replaces all sites: use it without --add-site and --remove-site")
	case f.clear && (given("site") || differs || given("insecure-site")):
		return syntax.Errorf("--clear-sites removes all sites: to replace them, use --site instead")
	case f.clear:
		ch.Sites = &[]string{}
	case given("site"):
		ch.Sites = &f.sites
	}
	ch.AddSites, ch.RemoveSites, ch.InsecureSites = f.add, f.remove, f.insecure
	return nil
}

// Change returns the flags that were given, as a change of a tenant.
func (f *Flags) Change(c *cobra.Command, clientID string, today string) (ch operations.TenantChange, err error) {
	ch.ClientID = clientID
	given := c.Flags().Changed
	if given("name") {
		ch.Name = &f.name
	}
	if err := f.changeSites(c, &ch); err != nil {
		return ch, err
	}
	if given("calls-per-month") {
		ch.CallsPerMonth = &f.callsPerMon
	}
	if ch.Prices, err = f.prices.changes(today); err != nil {
		return ch, err
	}
	if given("currency") {
		ch.Currency = &f.prices.currency
	}
	if given("keys") {
		text, err := readKeySet(f.keys)
		if err != nil {
			return ch, err
		}
		ch.Keys = &text
	}
	return ch, nil
}

// readKeySet reads a tenant's public keys from a file. An empty name means no keys.
func readKeySet(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the tenant's keys: %w", err)
	}
	if _, err := bearer.ParseKeySet(string(text)); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return string(text), nil
}
