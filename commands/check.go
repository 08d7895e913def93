package commands

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/help"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/server"
	"stile.example/stile/settings"
)

func (p *program) checkCommand() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "check the settings and everything that they name",
		Long: `Read the settings as serve does, and check what they name: the data directory, the
database, the two listeners, the certificate, the external issuers, the disk and
the clock. On a node, also PostgreSQL with its clock and what is encrypted in it,
Valkey or Redis, the bucket, and whether the settings are those of the other nodes.
Nothing is created or migrated. The exit code is 1 if a check fails.

With --token -, check only the token on standard input, step by step: its format,
issuer, header, claims, times, client and signature, and what it can be used for.
If nothing is wrong and there is a data directory, the tenant, the first call and
the token's state are looked up in it. The exit code is 1 if calls with the token
would be refused. The token is never printed.`,
		Example: "  stile check\n  stile check --config /etc/stile.yaml --json\n  stile check --token - <token.txt",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	given := help.SettingFlags(c)
	token := c.Flags().String("token", "", "check only the token on standard input, if it is `-`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		check := func(s *settings.Settings) []server.Finding {
			return server.Check(c.Context(), s, p.again(c), p.now, p.logger(s))
		}
		if c.Flags().Changed("token") {
			text, err := p.tokenToCheck(*token)
			if err != nil {
				return err
			}
			check = func(s *settings.Settings) []server.Finding {
				return p.checkState(c, s, text, server.CheckToken(c.Context(), s, text, p.now))
			}
		}
		found := p.check(given(), check)
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
	return printing.Table(p.asCalled(p.out), "CHECK STATE DETAIL", rows)
}

// tokenToCheck reads the token from standard input. As an argument, other users could see it.
func (p *program) tokenToCheck(from string) (string, error) {
	if from != "-" {
		return "", syntax.Errorf("--token must be -: the token is read from standard input, where other users of this machine can't see it")
	}
	return p.tokenName(from)
}

// checkState adds what the data directory says about a token in which nothing is wrong.
func (p *program) checkState(c *cobra.Command, s *settings.Settings, token string, found []server.Finding) []server.Finding {
	if slices.ContainsFunc(found, func(f server.Finding) bool {
		return f.State == server.Wrong || f.Check == "token accept" && f.Detail != "calls"
	}) {
		return found
	}
	var info operations.TokenInfo
	x := p.executor(c, s)
	x.Open = datadir.OpenCurrent
	err := performBy(c.Context(), x, "token show", operations.TokenName{Token: token}, &info, operations.Call{})
	switch {
	case errors.Is(err, datadir.ErrNoData):
		return append(found, server.Finding{Check: "token state", State: server.Warning, Detail: "not looked up: " + s.Data + " has no data yet"})
	case err != nil:
		return append(found, server.Finding{Check: "token state", State: server.Warning, Detail: "not looked up: " + strings.ReplaceAll(err.Error(), "\n", "; ")})
	}
	for _, step := range info.Steps {
		f := server.Finding{Check: "token " + step.Name, State: server.OK, Detail: step.Detail}
		if step.Refuse {
			f.State = server.Wrong
		}
		found = append(found, f)
	}
	return found
}

// check reads the settings, and then checks something.
func (p *program) check(flags map[string]string, check func(*settings.Settings) []server.Finding) (found []server.Finding) {
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
	return check(s)
}
