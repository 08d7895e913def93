package commands

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/commands/tenantflags"
	"stile.example/stile/operations"
	"stile.example/stile/tokens/readable"
)

func (p *program) showSecret(made operations.Credentials) error {
	if p.json {
		return printing.JSON(p.out, made)
	}
	err := printing.Card(p.out, "client_id", made.ClientID, "client_secret", made.Secret)
	fmt.Fprintln(p.err, "The secret is not shown again. Keep it on the tenant's server, never in a page.")
	return err
}

func (p *program) tenantList() *cobra.Command {
	return p.prints(&cobra.Command{Use: "list",
		Long:    "List all tenants by client_id, with their status and the calls of this UTC month.",
		Example: "  stile tenant list\n  stile tenant list --json",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var all []operations.TenantInfo
			if err := p.run(c, operations.None{}, &all); err != nil {
				return err
			}
			if p.json {
				views := make([]operations.TenantView, len(all))
				for i := range all {
					views[i] = all[i].TenantView
				}
				return printing.JSON(p.out, views)
			}
			var rows [][]string
			for _, t := range all {
				rows = append(rows, []string{t.ClientID, printing.OrDash(t.Name), string(t.Status), monthOf(t), printing.OrDash(strings.Join(t.Sites, " "))})
			}
			return printing.Table(p.out, "CLIENT_ID NAME STATUS MONTH SITES", rows)
		}})
}

func (p *program) tenantShow() *cobra.Command {
	return p.prints(&cobra.Command{Use: "show CLIENT_ID",
		Long:    "Show a tenant's status, sites, quota, items, live tokens (those that have made a\ncall), prices and settings.",
		Example: "  stile tenant show acme",
		Args:    syntax.Takes(1, 1, "one CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.runForTenant(c, operations.TenantName{ClientID: args[0]})
		}})
}

func (p *program) showTenant(t operations.TenantInfo) error {
	if p.json {
		return printing.JSON(p.out, t.TenantView)
	}
	pairs := []string{"client_id", t.ClientID, "name", printing.OrDash(t.Name), "status", string(t.Status),
		"sites", printing.OrDash(strings.Join(t.Sites, " ")), "calls this month", monthOf(t), "added", t.CreatedAt.Format(time.DateOnly)}
	if h := t.Holdings; h != nil {
		pairs = append(pairs, "own items", strconv.Itoa(h.Items), "live tokens", strconv.Itoa(h.LiveTokens), "authenticates with", authentication(*h))
	}
	for _, line := range tenantflags.Prices(t.Prices, t.Currency) {
		pairs = append(pairs, "price", line)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Policy)) {
		pairs = append(pairs, name, t.Policy[name])
	}
	return printing.Card(p.out, pairs...)
}

// authentication says what a tenant's server can authenticate with.
func authentication(h operations.TenantHoldings) string {
	text := readable.Count(h.Secrets, "secret")
	if h.HasKeys {
		text += ", its own keys"
	}
	return text
}

// monthOf returns the calls of this month and, if there is one, the quota.
func monthOf(t operations.TenantInfo) string {
	if t.CallsPerMonth == 0 {
		return strconv.FormatInt(t.CallsThisMonth, 10)
	}
	return fmt.Sprintf("%d/%d", t.CallsThisMonth, t.CallsPerMonth)
}
