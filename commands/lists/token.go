package lists

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/host"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

// TokenList returns the command `stile token list`.
func (p Commands) TokenList() *cobra.Command {
	var q operations.TokenQuery
	var state string
	c := &cobra.Command{Use: "list",
		Long: `List the tokens that have made a call, the last used first, as long as they are
stored: 25 hours after they expire. A token is live, dead (refused permanently) or
expired. ID is what ` + "`stile token show`" + ` takes. The last use may be 5 minutes older
than the real one. On a busy server, a new token appears after a minute at most.`,
		Example: "  stile token list --tenant acme --state dead\n  stile token list --address 203.0.113.9 --json",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&q.Tenant, "tenant", "", "only tokens of the tenant with this `client_id`")
	c.Flags().StringVar(&state, "state", "", "only tokens in this `state`: live, dead or expired")
	c.Flags().StringVar(&q.Address, "address", "", "only tokens that are bound to this `address`")
	c.Flags().StringVar(&q.Order, "order", "use", "`order`: use (the last used first) or issue (the newest first)")
	addPage(c, &q.After, &q.Limit)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := syntax.CheckLimit(q.Limit, operations.MaxPage); err != nil {
			return err
		}
		q.State = operations.TokenState(state)
		var page operations.TokenPage
		if err := p.Run(c, q, &page); err != nil {
			return err
		}
		return host.ShowPage(p, page.Tokens, tokenHead, tokenRows(page.Tokens), "more", page.Next)
	}
	return p.Prints(c)
}

const tokenHead = "ID TENANT STATE REASON BOUND_TO CALLS USED ISSUED"

func tokenRows(list []operations.TokenLine) (rows [][]string) {
	for _, t := range list {
		rows = append(rows, []string{t.ID, printing.OrDash(textOf(t.ClientID)), string(t.State), printing.OrDash(textOf(t.Reason)),
			printing.OrDash(t.BoundTo), strconv.Itoa(int(t.Calls)), t.UsedAt.Format(time.RFC3339), t.IssuedAt.Format(time.RFC3339)})
	}
	return rows
}

// ShowStory prints what happened to a token, under its card.
func (p Commands) ShowStory(story []operations.TokenMoment) error {
	if p.JSON() {
		return printing.JSON(p.Out(), story)
	}
	fmt.Fprintln(p.Text())
	var rows [][]string
	for _, m := range story {
		rows = append(rows, []string{m.At.Format(time.RFC3339), m.Kind, printing.OrDash(m.Ref), m.Text})
	}
	return printing.Table(p.Text(), "AT WHAT REF DETAIL", rows)
}
