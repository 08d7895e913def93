package statement

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
	ops "stile.example/stile/operations/statements"
	"stile.example/stile/statements"
	"stile.example/stile/statements/files"
	"stile.example/stile/tokens/readable"
	"stile.example/stile/usage"
)

// Statement returns the command statement.
func (p Commands) Statement() *cobra.Command {
	return syntax.Noun("statement", "monthly statements, which prove themselves",
		`A statement has a tenant's usage and amounts of one UTC month. A month closes two
days after its end, in the running server or by `+"`stile statement close`"+`. From then
on its statements never change. Each is signed, and contains the root of a Merkle
tree over its ledger lines and the hash of the tenant's statement before. So a
tenant can check it without the server: see `+"`stile usage verify --help`"+`.`,
		`  stile statement list --tenant acme
  stile statement show acme 2026-11
  stile statement export acme 2026-11 --format html acme-2026-11.html`,
		p.list(), p.show(), p.export(), p.prove(), p.key(), p.close())
}

func (p Commands) list() *cobra.Command {
	var q ops.Query
	c := &cobra.Command{Use: "list",
		Long:    "List the statements of closed months, the newest month first.",
		Example: "  stile statement list\n  stile statement list --tenant acme --json",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&q.Tenant, "tenant", "", "only the tenant with this `client_id`")
	c.Flags().StringVar(&q.Month, "month", "", "only this `month`, YYYY-MM")
	c.Flags().IntVar(&q.Limit, "limit", 0, "maximum `number` of statements (default: all)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if q.Limit < 0 {
			return syntax.Errorf("--limit %d: must not be negative", q.Limit)
		}
		all, err := p.all(c, q)
		if err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), all)
		}
		return printing.Table(p.Out(), "MONTH TENANT NUMBER CALLS RECORDS AMOUNT CURRENCY CLOSED", infoRows(all))
	}
	return p.Prints(c)
}

// all reads the list page by page, up to q.Limit statements; 0: all.
func (p Commands) all(c *cobra.Command, q ops.Query) (all []ops.Info, err error) {
	all, limit := []ops.Info{}, q.Limit
	for more := true; more; more = q.After != "" && (limit == 0 || len(all) < limit) {
		q.Limit = operations.MaxPage
		if limit > 0 {
			q.Limit = min(operations.MaxPage, limit-len(all))
		}
		var page ops.Page
		if err := p.Run(c, q, &page); err != nil {
			return nil, err
		}
		all, q.After = append(all, page.Statements...), page.Next
	}
	return all, nil
}

func infoRows(list []ops.Info) (rows [][]string) {
	for _, s := range list {
		rows = append(rows, []string{s.Month, s.Tenant, number(s.Number), number(s.Calls), number(s.Records), s.Amount.String(), printing.OrDash(s.Currency), s.ClosedAt.Format("2006-01-02")})
	}
	return rows
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func (p Commands) show() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "show CLIENT_ID [MONTH]",
		Long: `Show a tenant's statement of a UTC month, or of this month. The statement of an
open month is preliminary: its numbers may still grow, and it is not signed.`,
		Example: "  stile statement show acme\n  stile statement show acme 2026-11 --json",
		Args:    syntax.Takes(1, 2, "a CLIENT_ID and a MONTH, YYYY-MM"),
		RunE: func(c *cobra.Command, args []string) error {
			n := ops.Name{Tenant: args[0]}
			if len(args) == 2 {
				n.Month = args[1]
			}
			if err := checkMonth(n.Month); n.Month != "" && err != nil {
				return err
			}
			var v ops.View
			if err := p.Run(c, n, &v); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), v)
			}
			return p.showStatement(v)
		}})
}

func checkMonth(month string) error {
	if _, err := statements.ParseMonth(month); err != nil {
		return syntax.Errorf("%v", err)
	}
	return nil
}

func (p Commands) showStatement(v ops.View) error {
	pairs := []string{"tenant", v.Tenant, "name", printing.OrDash(v.Name), "month", v.Month}
	if v.Preliminary {
		pairs = append(pairs, "status", statusText(v))
	} else {
		pairs = append(pairs, "status", "closed at "+v.ClosedAt.Format("2006-01-02 15:04 MST"), "number", number(v.Number), "ledger lines", number(v.Lines),
			"root", v.Root, "hash", v.Hash, "previous", printing.OrDash(v.Previous))
	}
	for _, line := range priceLines(v.Statement) {
		pairs = append(pairs, "price", line)
	}
	pairs = append(pairs, "calls", number(v.Calls), "records", number(v.Records), "amount", money(v.Statement))
	if e := v.Projection; e != nil {
		pairs = append(pairs, "projection", fmt.Sprintf("%d calls, %d records, %s, if the month continues as in its first %s", e.Calls, e.Records, inCurrency(e.Amount, v.Statement), readable.Count(e.Days, "day")))
	}
	if err := printing.Card(p.Text(), pairs...); err != nil || len(v.Rows) == 0 {
		return err
	}
	var rows [][]string
	for _, r := range v.Rows {
		rows = append(rows, []string{r.Day, r.Route, number(r.Calls), number(r.Records), r.Amount.String()})
	}
	fmt.Fprintln(p.Text())
	return printing.Table(p.Text(), "DAY ROUTE CALLS RECORDS AMOUNT", rows)
}

// statusText returns why a statement is preliminary.
func statusText(v ops.View) string {
	switch at := v.ClosesAt.Format("2006-01-02 15:04 MST"); v.State {
	case ops.Due:
		return "preliminary: the month is due since " + at + "; the server closes it within 5 minutes, or `stile statement close` does now"
	case ops.Unused:
		return "never closed: nothing was used in this month or before it"
	default:
		return "preliminary: the month is open until " + at + ", and the numbers may grow"
	}
}

// money returns the amount with its currency.
func money(s statements.Statement) string {
	return inCurrency(s.Amount, s)
}

func inCurrency(a usage.Amount, s statements.Statement) string {
	return strings.TrimSuffix(a.String()+" "+s.Currency, " ")
}

func priceLines(s statements.Statement) (lines []string) {
	for _, price := range s.Prices {
		line := price.Call.String() + " a call"
		if price.Record != 0 {
			line += ", " + price.Record.String() + " a record"
		}
		for _, t := range price.Tiers {
			line += fmt.Sprintf(", %s for %s from number %d", t.Amount, t.Unit, t.From)
		}
		lines = append(lines, line+", since "+price.Since)
	}
	return lines
}

func (p Commands) export() *cobra.Command {
	var format string
	c := &cobra.Command{Use: "export CLIENT_ID MONTH [FILE]",
		Long: `Write a closed statement to FILE or to standard output. json, csv and ndjson have
all ledger lines; ndjson is CloudEvents 1.0. html is a page that can be printed.
` + "`stile usage verify`" + ` checks each of them.`,
		Example: "  stile statement export acme 2026-11 acme-2026-11.json\n  stile statement export acme 2026-11 --format html acme-2026-11.html",
		Args:    syntax.Takes(2, 3, "a CLIENT_ID, a MONTH (YYYY-MM) and a FILE or nothing")}
	c.Flags().StringVar(&format, "format", string(files.JSON), "`format`: html, csv, json or ndjson")
	yes := false
	confirmation.AddYesAtTerminal(c, &yes)
	c.RunE = func(c *cobra.Command, args []string) error {
		f, err := files.ParseFormat(format)
		if err != nil {
			return syntax.Errorf("--%v", err)
		}
		if err := checkMonth(args[1]); err != nil {
			return err
		}
		var made ops.Exported
		run := func(out io.Writer) error {
			return p.Perform(c, ops.Export{Tenant: args[0], Month: args[1], Format: f}, &made, operations.Call{Out: out})
		}
		if len(args) == 2 || args[2] == "-" {
			return run(p.Out())
		}
		if err := p.Replace(yes || !p.Prompt().Terminal, args[2]); err != nil {
			return err
		}
		if err := p.WriteFile(args[2], run); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), map[string]any{"file": args[2], "statement": made.Statement})
		}
		_, err = fmt.Fprintf(p.Out(), "the statement of %s for %s in %s\n", made.Statement.Tenant, made.Statement.Month, printing.Safe(args[2]))
		return err
	}
	return p.Prints(c)
}

func (p Commands) prove() *cobra.Command {
	var n ops.LineName
	c := &cobra.Command{Use: "prove CLIENT_ID MONTH",
		Long: `Print a proof that a ledger line is in a closed statement, at most 1 KB. Save it to
a file and check it with ` + "`stile usage verify PROOF --statement FILE`" + `.`,
		Example: "  stile statement prove acme 2026-11 --line 1 > line-1.txt\n  stile statement prove acme 2026-11 --token 8Kf3xR0vQ2mZpT6yWn1LdA",
		Args:    syntax.Takes(2, 2, "a CLIENT_ID and a MONTH, YYYY-MM")}
	c.Flags().Int64Var(&n.Line, "line", 0, "`number` of the line, from 1, in the order of the exported files")
	c.Flags().StringVar(&n.Token, "token", "", "the line of the token with this `ID` or jti, if it has only one")
	c.RunE = func(c *cobra.Command, args []string) error {
		if c.Flags().Changed("line") == c.Flags().Changed("token") {
			return syntax.Errorf("`%s` takes --line or --token; see `%s --help`", c.CommandPath(), c.CommandPath())
		}
		if n.Tenant, n.Month = args[0], args[1]; c.Flags().Changed("line") && n.Line < 1 {
			return syntax.Errorf("--line %d: must be 1 or more", n.Line)
		}
		if err := checkMonth(n.Month); err != nil {
			return err
		}
		var proven ops.Proven
		if err := p.Run(c, n, &proven); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), proven)
		}
		_, err := io.WriteString(p.Out(), proven.Proof)
		return err
	}
	return p.Prints(c)
}

func (p Commands) key() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "key",
		Long: `Print the public keys that verify statements, the one that signs first. The public
listener has the same text at ` + ops.KeysPath + `. It is the file that
` + "`stile usage verify --key`" + ` reads. The key is not the one that signs tokens, and
` + "`stile key rotate`" + ` does not change it.`,
		Example: "  stile statement key > keys.txt",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var keys ops.PublicKeys
			if err := p.Run(c, ops.None{}, &keys); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), keys)
			}
			_, err := fmt.Fprintln(p.Out(), strings.Join(keys.Keys, "\n"))
			return err
		}})
}

func (p Commands) close() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "close",
		Long: `Close the months that are due: those that ended two days ago or earlier. A running
server does it by itself. If no month is due, nothing is changed.`,
		Example: "  stile statement close",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var made ops.Closing
			if err := p.Run(c, ops.None{}, &made); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), made)
			}
			return p.showClosing(made)
		}})
}

func (p Commands) showClosing(made ops.Closing) error {
	if len(made.Closed) > 0 {
		if err := printing.Table(p.Out(), "MONTH TENANT NUMBER CALLS RECORDS AMOUNT CURRENCY CLOSED", infoRows(made.Closed)); err != nil {
			return err
		}
	}
	text := "nothing was used yet, so no month is due"
	if made.Next != "" {
		text = made.Next + " closes on " + made.ClosesAt.Format("2006-01-02 15:04 MST")
	}
	_, err := fmt.Fprintln(p.Out(), text)
	return err
}
