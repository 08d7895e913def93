// Package developers has the commands about a tenant's integration: `stile doctor`, and those about
// what the tenant's developers see in their own view.
package developers

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/host"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/doctor"
	"stile.example/stile/operations"
)

// Commands makes the commands of a program.
type Commands struct{ host.Program }

// Doctor returns the command doctor.
func (p Commands) Doctor() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "doctor CLIENT_ID",
		Long: `Diagnose a tenant's integration: what is wrong, how often it happened in the last
7 days, with the reference of one example, and what to change, with the line of
code. The tenant's developers see the same in their own view: see
` + "`stile tenant link --help`" + `.

It finds: ` + strings.Join(doctor.Checked, "; ") + `.

Severities: critical (most visitors see no content, or soon will), warning (some
visitors are affected), notice (nobody is affected yet). Anyone can send requests
that name a tenant, so a finding may be about them: look at the example with
` + "`stile explain REF`" + `. The exit code is 0 whatever is found.`,
		Example: "  stile doctor acme\n  stile doctor acme --json",
		Args:    syntax.Takes(1, 1, "one CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			var found []doctor.Finding
			if err := p.Run(c, operations.TenantName{ClientID: args[0]}, &found); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), found)
			}
			return p.showDiagnosis(args[0], found)
		}})
}

// showDiagnosis prints findings for people, each as a paragraph.
func (p Commands) showDiagnosis(clientID string, found []doctor.Finding) error {
	out := p.Text()
	if len(found) == 0 {
		fmt.Fprintf(out, "Nothing found for %s in the last 7 days. These were checked:\n", printing.Safe(clientID))
		for _, what := range doctor.Checked {
			fmt.Fprintf(out, "  - %s\n", what)
		}
		return nil
	}
	for i, f := range found {
		if i > 0 {
			fmt.Fprintln(out)
		}
		_, err := fmt.Fprintf(out, "%s: %s\n  Evidence: %s\n  Fix: %s\n", strings.ToUpper(string(f.Severity)), f.Finding,
			printing.Safe(f.Evidence), strings.ReplaceAll(printing.Safe(f.Fix), "\n", "\n       "))
		if err != nil {
			return err
		}
	}
	return nil
}

// Refusals returns the command tenant refusals.
func (p Commands) Refusals() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "refusals CLIENT_ID [REF]",
		Long: `Show a tenant's refusals of the last 7 days as its developers see them in their
own view: one for each day, code and rule, with the number and one example. With
REF, show only the refusal with that reference. ` + "`stile explain REF`" + ` shows more.`,
		Example: "  stile tenant refusals acme\n  stile tenant refusals acme 7QK2-M4TD --json",
		Args:    syntax.Takes(1, 2, "one CLIENT_ID and at most one REF"),
		RunE: func(c *cobra.Command, args []string) error {
			var list []operations.TenantRefusal
			if err := p.Run(c, operations.RefusalsOf{ClientID: args[0], Ref: strings.Join(args[1:], "")}, &list); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), list)
			}
			rows := make([][]string, len(list))
			for i, f := range list {
				rows[i] = []string{printing.OrDash(f.Ref), printing.Time(&f.At), f.Code, strconv.FormatInt(f.Count, 10), printing.OrDash(f.Detail)}
			}
			return printing.Table(p.Text(), "REF AT CODE COUNT DETAIL", rows)
		}})
}

// Link returns the commands tenant link.
func (p Commands) Link() *cobra.Command {
	return syntax.Noun("link", "links to a tenant's own view, for its developers",
		`A link lets a tenant's developers see their own tenant in a browser: usage,
quota, sites, what `+"`stile doctor`"+` finds, refusals, and a token to try out. They see
nothing of other tenants, and change nothing. The view is on the public listener,
below /developers/.`,
		`  stile tenant link add acme --name agency --for 14d
  stile tenant link list acme
  stile tenant link remove acme mfrggzdf`,
		p.linkAdd(), p.linkList(), p.linkRemove())
}

func (p Commands) linkAdd() *cobra.Command {
	var name, life string
	c := &cobra.Command{Use: "add CLIENT_ID",
		Long: `Make a link to a tenant's own view, and print its URL. The URL can't be shown
again, because only a hash of it is stored. It shows the tenant's data to anyone
who has it, so send it to the tenant's developers only.
` + "`stile tenant link remove`" + ` ends it immediately.`,
		Example: "  stile tenant link add acme --name agency\n  stile tenant link add acme --name \"Ada, until the launch\" --for 30d --json",
		Args:    syntax.Takes(1, 1, "one CLIENT_ID")}
	c.Flags().StringVar(&name, "name", "developers", "`name` of those who get the link, 1 to 64 characters")
	c.Flags().StringVar(&life, "for", "7d", "`duration` until the link ends, at most 30d")
	c.RunE = func(c *cobra.Command, args []string) error {
		if _, err := syntax.ParseDuration("for", life); err != nil {
			return err
		}
		var made operations.NewLink
		if err := p.Run(c, operations.LinkRequest{ClientID: args[0], Name: name, For: life}, &made); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), made)
		}
		err := printing.Card(p.Text(), "id", made.ID, "name", made.Name, "expires_at", printing.Time(&made.ExpiresAt), "url", made.URL)
		fmt.Fprintln(p.Err(), "The URL is not shown again. Give it only to the tenant's developers.")
		return err
	}
	return p.Prints(c)
}

func (p Commands) linkList() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "list CLIENT_ID",
		Long: `List the links to a tenant's own view, with who made them and when they were
last used. A link is listed for 7 days after its end.`,
		Example: "  stile tenant link list acme",
		Args:    syntax.Takes(1, 1, "one CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			var list []operations.Link
			if err := p.Run(c, operations.TenantName{ClientID: args[0]}, &list); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), list)
			}
			rows := make([][]string, len(list))
			for i, l := range list {
				rows[i] = []string{l.ID, l.Name, l.CreatedBy, printing.Time(&l.CreatedAt), printing.Time(&l.ExpiresAt), printing.Time(l.LastUsed)}
			}
			return printing.Table(p.Text(), "ID NAME CREATED_BY CREATED_AT EXPIRES_AT LAST_USED", rows)
		}})
}

func (p Commands) linkRemove() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "remove CLIENT_ID ID",
		Long: `Remove a link to a tenant's own view. Its sessions end: people who
have it open see nothing more at their next click.
` + "`stile tenant link list`" + ` shows the ids.`,
		Example: "  stile tenant link remove acme mfrggzdf",
		Args:    syntax.Takes(2, 2, "one CLIENT_ID and one ID"),
		RunE: func(c *cobra.Command, args []string) error {
			var gone operations.Removed
			if err := p.Run(c, operations.LinkName{ClientID: args[0], ID: args[1]}, &gone); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), gone)
			}
			_, err := fmt.Fprintf(p.Text(), "removed the link %s of %s\n", printing.Safe(gone.Removed), printing.Safe(args[0]))
			return err
		}})
}
