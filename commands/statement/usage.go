// Package statement has the commands about usage and statements.
package statement

import (
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/host"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
	"stile.example/stile/usage"
)

// Commands makes the commands of a program.
type Commands struct{ host.Program }

// Usage returns the command usage.
func (p Commands) Usage() *cobra.Command {
	var q operations.UsageQuery
	var format string
	c := &cobra.Command{Use: "usage",
		Long: `Print calls, records (items delivered) and amounts by tenant, UTC day and route.
Each answered call is counted exactly once. An amount is what the calls and records
cost at the prices that the tenant had on that day. Amounts are exact and are never
rounded. Tiers count from the first day of the UTC month.

The amounts are those of ` + "`stile statement`" + `. ` + "`stile usage verify`" + ` checks a file of it.`,
		Example: `  stile usage --from 2026-11 --to 2026-11
  stile usage --tenant acme --from 2026-11-15 --format csv > acme.csv
  stile usage verify acme-2026-11.json`,
		Args: syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&q.Tenant, "tenant", "", "only the tenant with this `client_id`")
	c.Flags().StringVar(&q.From, "from", "", "first `day`: YYYY-MM-DD, or YYYY-MM for the first day of a month (default: no limit)")
	c.Flags().StringVar(&q.To, "to", "", "last `day`, included: YYYY-MM-DD, or YYYY-MM for the last day of a month (default: no limit)")
	c.Flags().StringVar(&format, "format", "table", "`format`: table, csv, json or ndjson")
	c.RunE = func(c *cobra.Command, _ []string) error {
		f, err := usage.ParseFormat(format)
		if err != nil {
			return syntax.Errorf("--%v", err)
		}
		if p.JSON() {
			f = usage.JSON
		}
		if err := between(&q); err != nil {
			return err
		}
		var sent []operations.UsageRow
		if err := p.Run(c, q, &sent); err != nil {
			return err
		}
		rows := make([]usage.Row, len(sent))
		for i, r := range sent {
			rows[i] = usage.Row{Tenant: r.Tenant, Day: r.Day, Route: r.Route, Calls: r.Calls, Records: r.Records, Amount: r.Amount}
		}
		return usage.Write(p.Out(), rows, f)
	}
	c.AddCommand(p.verify())
	return p.Prints(c)
}

// between replaces months by their days, and checks that the days are in order.
func between(q *operations.UsageQuery) error {
	from, to, err := syntax.ParseDays(q.From, q.To)
	q.From, q.To = dayOf(from), dayOf(to)
	return err
}

// dayOf returns a day as text, "" for the zero time.
func dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return usage.Day(t)
}
