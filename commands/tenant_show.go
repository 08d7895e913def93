package commands

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/usage"
)

// credentials are what a tenant's server authenticates with.
type credentials struct {
	ClientID string `json:"client_id"`
	Secret   string `json:"client_secret"`
}

func (p *program) showSecret(made credentials) error {
	if p.json {
		return writeJSON(p.out, made)
	}
	err := card(p.out, "client_id", made.ClientID, "client_secret", made.Secret)
	fmt.Fprintln(p.err, "The secret is shown only now: keep it on the tenant's server, never in a page.")
	return err
}

func (p *program) tenantList() *cobra.Command {
	return p.prints(&cobra.Command{Use: "list", Short: "list the tenants",
		Long:    "Lists all tenants by client_id, with their status and the calls of this UTC month.",
		Example: "  stile tenant list\n  stile tenant list --json",
		Args:    takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var all []tenantInfo
			if err := p.run(c.Context(), "tenant.list", tenantQuery{}, &all); err != nil {
				return err
			}
			if p.json {
				views := make([]tenantView, len(all))
				for i := range all {
					views[i] = all[i].tenantView
				}
				return writeJSON(p.out, views)
			}
			var rows [][]string
			for _, t := range all {
				rows = append(rows, []string{t.ClientID, cellOr(t.Name), string(t.Status), t.month(), cellOr(strings.Join(t.Sites, " "))})
			}
			return table(p.out, "CLIENT_ID NAME STATUS MONTH SITES", rows)
		}})
}

func (p *program) tenantShow() *cobra.Command {
	return p.prints(&cobra.Command{Use: "show CLIENT_ID", Short: "show one tenant",
		Long:    "Shows what is kept of a tenant: its sites, quota, prices and settings of its own.",
		Example: "  stile tenant show acme",
		Args:    takes(1, 1, "one CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			var all []tenantInfo
			if err := p.run(c.Context(), "tenant.list", tenantQuery{ClientID: args[0]}, &all); err != nil {
				return err
			}
			if p.json {
				return writeJSON(p.out, all[0].tenantView)
			}
			return all[0].print(p)
		}})
}

func (t tenantInfo) print(p *program) error {
	pairs := []string{"client_id", t.ClientID, "name", cellOr(t.Name), "status", string(t.Status),
		"sites", cellOr(strings.Join(t.Sites, " ")), "month", t.month(), "since", t.CreatedAt.Format(time.DateOnly)}
	for _, price := range t.Prices {
		pairs = append(pairs, "price", usage.Amount(price.Micros).String()+" a call since "+price.Since)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Policy)) {
		pairs = append(pairs, name, t.Policy[name])
	}
	return card(p.out, pairs...)
}

// month is the calls of the month, of those that there may be.
func (t tenantInfo) month() string {
	if t.CallsPerMonth == 0 {
		return strconv.FormatInt(t.Used, 10)
	}
	return fmt.Sprintf("%d/%d", t.Used, t.CallsPerMonth)
}
