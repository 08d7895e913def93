package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stile.example/stile/settings"
)

func (p *program) checkCommand() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "read the settings, try every part, say what is wrong",
		Long: `Reads the settings as serve would, and tries what they name: the data directory,
the database, the two listeners, the certificate, the outside issuers, the disk and
the clock. What is missing in the data directory is made. Exit code 1 if something
is wrong.`,
		Example: "  stile check\n  stile check --config /etc/stile.yaml --json",
		Args:    takes(0, 0, "no arguments, only flags")}
	given := settingFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		found := p.check(c.Context(), given())
		if err := p.showFindings(found); err != nil {
			return err
		}
		for _, f := range found {
			if f.State == wrong {
				return errors.New("something is wrong; mend what is named above")
			}
		}
		return nil
	}
	return p.prints(c)
}

// finding is what came of trying one part.
type finding struct {
	Check  string `json:"check"`
	State  state  `json:"state"`
	Detail string `json:"detail"`
}

// state says how bad a finding is.
type state string

const (
	good  state = "ok"
	doubt state = "warning"
	wrong state = "wrong"
)

func (p *program) showFindings(found []finding) error {
	if p.json {
		return writeJSON(p.out, found)
	}
	var rows [][]string
	for _, f := range found {
		rows = append(rows, []string{f.Check, string(f.State), f.Detail})
	}
	return table(p.out, "CHECK STATE DETAIL", rows)
}

func (p *program) check(ctx context.Context, flags map[string]string) (found []finding) {
	add := func(check string, s state, format string, args ...any) {
		found = append(found, finding{check, s, fmt.Sprintf(format, args...)})
	}
	s, err := p.settings(flags)
	var faults settings.Problems
	if errors.As(err, &faults) {
		for _, f := range faults {
			add("settings", wrong, "%s", f.Error())
		}
		return found
	}
	if err != nil {
		add("settings", wrong, "%v", err)
		return found
	}
	add("settings", good, "read")
	for _, d := range s.Warnings() {
		add("settings", doubt, "%s", d.Error())
	}
	checkURL(s, add)
	checkTLS(s, p.now(), add)
	p.checkIssuers(ctx, s, add)
	serving := p.checkData(ctx, s, add)
	for _, l := range []struct{ key, addr string }{{"listen", s.Listen}, {"admin_listen", s.AdminListen}} {
		checkListener(l.key, l.addr, serving, add)
	}
	checkDisk(s, add)
	checkClock(p.now(), add)
	return found
}
