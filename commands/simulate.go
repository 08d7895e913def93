package commands

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/settings"
	"stile.example/stile/simulate"
)

// maxDays is the maximum length of a simulation, in days: a month.
const maxDays = 31

func (p *program) simulateCommand() *cobra.Command {
	config, file := simulate.Default(), ""
	c := &cobra.Command{Use: "simulate", Short: "try a policy on simulated people and scrapers",
		Long: `Simulate a day of traffic against the real rules, using a fake clock. The traffic
comes from groups of people (at home, in an office behind one address, on phones)
and of scrapers; the report describes each group. For each
group, print what the rules did: challenges, pictures, blocks, and how much of
the corpus a scraper got. The same seed gives the same result. The command does
not read or change the data directory.

Groups: ` + strings.Join(simulate.Groups(), ", ") + ".",
		Example: "  stile simulate\n  stile simulate --policy stricter.yaml --group office --group fifty\n  stile simulate --seed 7 --days 2 --json",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().Uint64Var(&config.Seed, "seed", config.Seed, "random seed")
	c.Flags().StringVar(&file, "policy", "", "settings `file` with the policy to simulate (default: the settings in use)")
	c.Flags().IntVar(&config.Days, "days", config.Days, "`number` of days to simulate, 1 to 31")
	c.Flags().StringArrayVar(&config.Groups, "group", nil, "simulate only this `group`; repeat for more (default: all groups)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if config.Days < 1 || config.Days > maxDays {
			return syntax.Errorf("--days %d: must be from 1 to %d", config.Days, maxDays)
		}
		for _, g := range config.Groups {
			if !slices.Contains(simulate.Groups(), g) {
				return syntax.Errorf("--group %q: unknown group; must be one of %s", g, strings.Join(simulate.Groups(), ", "))
			}
		}
		s, err := p.policyOf(file)
		if err != nil {
			return err
		}
		config.Policy, config.Addresses = s.Policy.Tokens(), s.Addresses()
		config.Progress = groupsDone(p.err)
		report, err := simulate.Run(c.Context(), config)
		if err != nil {
			return err
		}
		return p.showReport(report)
	}
	return p.prints(c)
}

// policyOf returns the settings of a file only, or the settings in use.
func (p *program) policyOf(file string) (*settings.Settings, error) {
	if file == "" {
		return p.settings(nil)
	}
	return settings.Load(settings.Source{File: file})
}

func (p *program) showReport(r simulate.Report) error {
	text := r.Text()
	if p.json {
		asJSON, err := r.JSON()
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		text = string(asJSON) + "\n"
	}
	_, err := io.WriteString(p.out, text)
	return err
}

// groupsDone shows the progress of a simulation. Each group is simulated twice: with the policy,
// and with the plain rules for comparison.
func groupsDone(out io.Writer) func(done, of int) {
	if !printing.IsTerminal(out) {
		return func(done, of int) { fmt.Fprintf(out, "%d of %d done\n", done, of) }
	}
	return func(done, of int) {
		fmt.Fprintf(out, "\r%d of %d done ", done, of)
		if done == of {
			fmt.Fprintln(out)
		}
	}
}
