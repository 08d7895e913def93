package lists

import (
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/host"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

// Refusal returns the command `stile refusal`.
func (p Commands) Refusal() *cobra.Command {
	return syntax.Noun("refusal", "why requests were refused",
		`List refusals. `+"`stile explain REF`"+` explains one of them in full.`,
		"  stile refusal list --tenant acme\n  stile refusal list --code token_hijacked --from 2026-11-27T10:00:00Z",
		p.refusalList())
}

func (p Commands) refusalList() *cobra.Command {
	var q operations.RefusalQuery
	var from, to, observed string
	c := &cobra.Command{Use: "list",
		Long: `List refusals, the newest first, with what decided each in one sentence. All
filters may be combined. Refusals of the same address, tenant, code and minute are
one line. COUNT is their number. Lists have what is stored, up to 7 days old, and
what is only in the memory of the running server.

ADDRESS is as the setting log_addresses shows it. --address takes an address or what
the list shows.`,
		Example: "  stile refusal list --tenant acme --code token_hijacked\n  stile refusal list --address 203.0.113.9 --limit 20\n  stile refusal list --observed yes --json",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&q.Ref, "ref", "", "only the refusal with this `reference`")
	c.Flags().StringVar(&q.Code, "code", "", "only refusals with this `code`")
	c.Flags().StringVar(&q.Tenant, "tenant", "", "only refusals of the tenant with this `client_id`")
	c.Flags().StringVar(&q.Address, "address", "", "only refusals of this source `address`")
	c.Flags().StringVar(&q.Token, "token", "", "only refusals of the token with this `ID` or jti")
	c.Flags().StringVar(&from, "from", "", "only refusals from this `time` on: RFC 3339, or YYYY-MM-DD (UTC)")
	c.Flags().StringVar(&to, "to", "", "only refusals before this `time`: RFC 3339, or YYYY-MM-DD (UTC)")
	c.Flags().StringVar(&observed, "observed", "", "`choice`: yes, only what a rule would have refused if it were not only observed; no, only real refusals")
	addPage(c, &q.After, &q.Limit)
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		if err := syntax.CheckLimit(q.Limit, operations.MaxPage); err != nil {
			return err
		}
		if q.From, err = timeOf("from", from); err != nil {
			return err
		}
		if q.To, err = timeOf("to", to); err != nil {
			return err
		}
		if q.Observed, err = choiceOf("observed", observed); err != nil {
			return err
		}
		return p.listRefusals(c, q)
	}
	return p.Prints(c)
}

func (p Commands) listRefusals(c *cobra.Command, q operations.RefusalQuery) error {
	var page operations.RefusalPage
	if err := p.Run(c, q, &page); err != nil {
		return err
	}
	return host.ShowPage(p, page.Refusals, refusalHead, refusalRows(page.Refusals), "more", page.Next)
}

const refusalHead = "REF AT CODE TENANT ADDRESS COUNT DECISION"

func refusalRows(list []operations.RefusalLine) (rows [][]string) {
	for _, f := range list {
		rows = append(rows, []string{f.Ref, f.At.Format(time.RFC3339), f.Code, printing.OrDash(textOf(f.Tenant)), printing.OrDash(textOf(f.Address)),
			printing.Number(int(max(f.Count, 1))), f.Decision})
	}
	return rows
}
