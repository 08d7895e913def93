package commands

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/settings"
	"stile.example/stile/simulate"
)

// maxDays is how long a simulation may be: a month.
const maxDays = 31

func (p *program) simulateCommand() *cobra.Command {
	played, file := simulate.Default(), ""
	c := &cobra.Command{Use: "simulate", Short: "try a policy on made-up people and scrapers",
		Long: `Plays a day of made-up traffic through the real rules, by a false clock: people at
home, in an office behind one address, on phones, and scrapers. It prints what the
rules did to each group: challenges, pictures, blocks, and how much of the corpus a
scraper got. The policy is that of --policy, else of the settings in use. The same
seed prints the same. Nothing of the server's data is read or changed.

Groups: ` + wrapped(simulate.Groups(), 80, 8) + `.`,
		Example: "  stile simulate\n  stile simulate --policy stricter.yaml --group office --group fifty\n  stile simulate --seed 7 --days 2 --json",
		Args:    takes(0, 0, "no arguments, only flags")}
	c.Flags().Uint64Var(&played.Seed, "seed", played.Seed, "what chance begins with")
	c.Flags().StringVar(&file, "policy", "", "settings `file` whose policy is tried")
	c.Flags().IntVar(&played.Days, "days", played.Days, "`days` to play")
	c.Flags().StringArrayVar(&played.Groups, "group", nil, "only this `group`; repeat for more")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if played.Days < 1 || played.Days > maxDays {
			return useErrorf("--days %d is not allowed; allowed: 1 to %d", played.Days, maxDays)
		}
		for _, g := range played.Groups {
			if !slices.Contains(simulate.Groups(), g) {
				return useErrorf("--group %q is unknown; allowed: %s", g, strings.Join(simulate.Groups(), ", "))
			}
		}
		s, err := p.policyOf(file)
		if err != nil {
			return err
		}
		played.Policy, played.Addresses = s.Policy.Tokens(), s.Addresses()
		played.Progress = groupsDone(p.err)
		report, err := simulate.Run(c.Context(), played)
		if err != nil {
			return err
		}
		return p.showReport(report)
	}
	return p.prints(c)
}

// policyOf is the settings of a file alone, or those in use.
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

// groupsDone shows how far a simulation is. Each group is played twice: by the
// policy, and by the plain rules beside it.
func groupsDone(out io.Writer) func(done, of int) {
	if !isTerminal(out) {
		return func(done, of int) { fmt.Fprintf(out, "%d of %d done\n", done, of) }
	}
	return func(done, of int) {
		fmt.Fprintf(out, "\r%d of %d done ", done, of)
		if done == of {
			fmt.Fprintln(out)
		}
	}
}

// wrapped joins words with commas into lines of a width, the first of which
// begins at a column.
func wrapped(words []string, width, column int) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteString(",")
			column++
			if column+1+len(word) > width {
				b.WriteString("\n")
				column = 0
			} else {
				b.WriteString(" ")
				column++
			}
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
