package commands

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/server"
	"stile.example/stile/settings"
)

func (p *program) checkCommand() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "check the settings and everything that they name",
		Long: `Read the settings as serve does, and check what they name: the data directory, the
database, the two listeners, the certificate, the external issuers, the disk and
the clock. Nothing is created. The exit code is 1 if a check fails.`,
		Example: "  stile check\n  stile check --config /etc/stile.yaml --json",
		Args:    takes(0, 0, "no arguments, only flags")}
	given := settingFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		found := p.check(c.Context(), given())
		if err := p.showFindings(found); err != nil {
			return err
		}
		for _, f := range found {
			if f.State == server.Wrong {
				return errors.New("some checks failed; fix the problems listed above")
			}
		}
		return nil
	}
	return p.prints(c)
}

func (p *program) showFindings(found []server.Finding) error {
	if p.json {
		return printing.JSON(p.out, found)
	}
	var rows [][]string
	for _, f := range found {
		rows = append(rows, []string{f.Check, string(f.State), f.Detail})
	}
	return printing.Table(p.out, "CHECK STATE DETAIL", rows)
}

// check reads the settings and checks what they name.
func (p *program) check(ctx context.Context, flags map[string]string) (found []server.Finding) {
	s, err := p.settings(flags)
	var problems settings.Problems
	switch {
	case errors.As(err, &problems):
		for _, f := range problems {
			found = append(found, server.Finding{Check: "settings", State: server.Wrong, Detail: f.Error()})
		}
		return found
	case err != nil:
		return []server.Finding{{Check: "settings", State: server.Wrong, Detail: err.Error()}}
	}
	return server.Check(ctx, s, p.now, p.logger(s))
}
