// Package policy has the commands about the policy.
package policy

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/host"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations/policies"
	"stile.example/stile/simulate"
)

// Commands makes the commands of a program.
type Commands struct{ host.Program }

// Policy returns the noun policy with its verbs.
func (p Commands) Policy() *cobra.Command {
	return syntax.Noun("policy", "the rules in use, and what a change would do",
		`The policy is the settings that decide which calls are admitted. The server reads
them from its settings file, and again on SIGHUP; a tenant can have its own values
of some of them.`,
		"  stile policy show\n  stile policy compare policy.spike.calls=30", p.show(), p.compare())
}

func (p Commands) show() *cobra.Command {
	var q policies.Query
	c := &cobra.Command{Use: "show [NAME]",
		Long: `Show each setting of the policy: its value, where that comes from, and which
tenants have their own. With a NAME, show that setting and explain it.`,
		Example: "  stile policy show\n  stile policy show policy.token.calls\n  stile policy show --tenant acme --json",
		Args:    syntax.Takes(0, 1, "at most one NAME of a setting")}
	c.Flags().StringVar(&q.Tenant, "tenant", "", "`client_id`: show the values that apply to this tenant")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			q.Name = args[0]
		}
		var all []policies.Setting
		if err := p.Run(c, q, &all); err != nil {
			return err
		}
		switch {
		case p.JSON():
			return printing.JSON(p.Out(), all)
		case q.Name != "" && len(all) == 1:
			return p.showSetting(all[0])
		}
		var rows [][]string
		for _, s := range all {
			rows = append(rows, []string{s.Name, printing.OrDash(s.Value), s.Source, printing.OrDash(ownValues(s))})
		}
		return printing.Table(p.Text(), "SETTING VALUE FROM TENANTS", rows)
	}
	return p.Prints(c)
}

func (p Commands) showSetting(s policies.Setting) error {
	return printing.Card(p.Text(), "setting", s.Name, "value", printing.OrDash(s.Value), "from", s.Source, "default", printing.OrDash(s.Default),
		"allowed", s.Allowed, "tenants", printing.OrDash(ownValues(s)), "about", s.Doc)
}

// ownValues returns the tenants that have their own value, with it.
func ownValues(s policies.Setting) string {
	var list []string
	for _, t := range s.Tenants {
		list = append(list, t.ClientID+"="+t.Value)
	}
	return strings.Join(list, " ")
}

func (p Commands) compare() *cobra.Command {
	ch := policies.Change{Days: 1, Seed: 1}
	c := &cobra.Command{Use: "compare NAME=VALUE…",
		Long: `Compare the policy in use with a change of it, on simulated people and scrapers:
how many meet a challenge, a picture or a block, and how much of the corpus a
scraper gets. Nothing is changed. The same seed gives the same result.

Groups: ` + strings.Join(simulate.Groups(), ", ") + ".",
		Example: "  stile policy compare policy.spike.calls=30\n  stile policy compare policy.address.bindings=50 --group office --group fifty\n  stile policy compare policy.token.calls=500 --tenant acme --json",
		Args:    syntax.Takes(1, 50, "the change: one or more NAME=VALUE")}
	c.Flags().StringVar(&ch.Tenant, "tenant", "", "`client_id`: compare with the policy that applies to this tenant")
	c.Flags().StringArrayVar(&ch.Groups, "group", nil, "simulate only this `group`; repeat it for more (default: all groups)")
	c.Flags().IntVar(&ch.Days, "days", ch.Days, "`number` of days to simulate, 1 to 7")
	c.Flags().Uint64Var(&ch.Seed, "seed", ch.Seed, "random seed")
	c.RunE = func(c *cobra.Command, args []string) error {
		ch.Policy = map[string]string{}
		for _, arg := range args {
			name, value, isPair := strings.Cut(arg, "=")
			if !isPair {
				return syntax.Errorf("%q: must be NAME=VALUE, such as policy.spike.calls=30", arg)
			}
			ch.Policy[name] = value
		}
		var all []policies.Comparison
		if err := p.Run(c, ch, &all); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), all)
		}
		return showComparison(p.Text(), all)
	}
	return p.Prints(c)
}

func showComparison(out io.Writer, all []policies.Comparison) error {
	change := func(before, after string) string {
		if before == after {
			return before
		}
		return before + " → " + after
	}
	share := func(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }
	var rows [][]string
	for _, c := range all {
		b, a := c.Before, c.After
		rows = append(rows, []string{c.Group, map[bool]string{true: "scrapers", false: "people"}[c.Scrapers],
			change(fmt.Sprintf("%.2f", b.Work), fmt.Sprintf("%.2f", a.Work)), change(share(b.SawPicture), share(a.SawPicture)),
			change(fmt.Sprint(b.Blocked), fmt.Sprint(a.Blocked)), change(share(b.Day), share(a.Day))})
	}
	if err := printing.Table(out, "GROUP KIND WORK/DAY PICTURE BLOCKED CORPUS/DAY", rows); err != nil {
		return err
	}
	if !slices.ContainsFunc(rows, func(r []string) bool { return strings.Contains(strings.Join(r, " "), "→") }) {
		_, err := fmt.Fprintln(out, "\nThe change makes no difference to these groups.")
		return err
	}
	return nil
}
