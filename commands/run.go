// Package commands is the program: what `stile` does when it is typed.
//
// A command reads the settings and its arguments, does one operation, and
// prints what came of it. The operations ([operations]) are functions over
// the opened data directory. Where a server runs, the command asks it to do
// the operation, over a Unix socket in the data directory; where none runs, it
// opens the data directory and does it itself: the same function, the same
// answer. [Run] has no globals, so a test can start the program.
//
// What things mean is decided elsewhere: here they are only put together.
package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/server"
	"stile.example/stile/settings"
)

// The exit codes of every command.
const (
	done     = 0
	failed   = 1
	wrongUse = 2
)

// Run is the program: it returns the exit code. It ends early, and in good
// order, when ctx does, or on SIGINT and SIGTERM.
func Run(ctx context.Context, args, env []string, in io.Reader, out, err io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return (&program{env: env, in: in, out: out, err: err, now: time.Now, patience: 5 * time.Second}).main(ctx, args)
}

// program is one run of the program.
type program struct {
	env      []string
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
	patience time.Duration        // to wait for who has the data directory open
	ready    func(*server.Server) // if set, told when a server serves

	config, data string // --config, --data
	json         bool   // --json
}

func (p *program) main(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	err := root.ExecuteContext(ctx)
	p.printError(err)
	var use *useError
	switch {
	case err == nil:
		return done
	case errors.As(err, &use) || strings.HasPrefix(err.Error(), "unknown command"):
		return wrongUse
	}
	return failed
}

// printError writes an error on standard error. Faults of files stand on lines
// of their own, as FILE:LINE: what is wrong, so that an editor can find them.
func (p *program) printError(err error) {
	var faults settings.Faults
	var lines *linesError
	switch {
	case err == nil:
	case errors.As(err, &faults):
		fmt.Fprintf(p.err, "%s\nstile: the settings cannot be used; mend what is named above\n", printable(faults.Error()))
	case errors.As(err, &lines):
		fmt.Fprintf(p.err, "%s\nstile: %s\n", printable(lines.Error()), lines.then)
	default:
		fmt.Fprintf(p.err, "stile: %s\n", printable(err.Error()))
	}
}

// useError is wrong use: an unknown flag, a missing or a malformed argument.
type useError struct{ what string }

func (e *useError) Error() string { return e.what }

func useErrorf(format string, args ...any) error { return &useError{fmt.Sprintf(format, args...)} }

// linesError is what is wrong in a file that was read.
type linesError struct {
	err  error
	then string // what became of it, and what to do next
}

func (e *linesError) Error() string { return e.err.Error() }
func (e *linesError) Unwrap() error { return e.err }

// root is the tree of all commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "stile",
		Short: "serves a curated corpus to tenants' web sites and keeps it from being scraped",
		Long: `stile serves a curated corpus to the web sites of tenants, and keeps it from
being pulled out by scripts. A tenant's server gets a token; a visitor's browser
calls the content API with it; each call is checked, counted and charged.

Commands act on the running server, or on the data directory when none runs.
Exit codes: 0 done, 1 failed, 2 wrong use.`,
		Example: `  stile serve --demo          try it: a corpus, a site to open, a curl line that works
  stile tenant add acme --site https://www.acme.example
  stile content import items.jsonl
  stile usage --from 2026-11`,
		SilenceErrors: true, SilenceUsage: true,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().StringVar(&p.config, "config", "", "settings `file` (default stile.yaml, if it is there)")
	root.PersistentFlags().StringVar(&p.data, "data", "", "data `directory` (default ./data)")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return useErrorf("%v; `%s --help` shows how it is used", err, c.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(p.serveCommand(), p.checkCommand(), p.tenantCommand(), p.contentCommand(), p.tokenCommand(),
		p.addressCommand(), p.explainCommand(), p.simulateCommand(), p.usageCommand(), p.keyCommand(), p.backupCommand(), p.versionCommand(), settingsTopic())
	return root
}

// noun is a command that only has verbs.
func noun(use, short, long, example string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(verbs...)
	return c
}

// noSuchCommand refuses what is none of a command's verbs.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	what := fmt.Sprintf("unknown command %q", c.CommandPath()+" "+args[0])
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return useErrorf("%s; did you mean `%s %s`?", what, c.CommandPath(), near[0])
	}
	return useErrorf("%s; `%s --help` lists them", what, c.CommandPath())
}

// takes says how many arguments a command has, in words for who gave others.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return useErrorf("`%s` takes %s; `%s --help` shows how it is used", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}

// prints adds --json to a command that prints.
func (p *program) prints(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&p.json, "json", false, "print JSON")
	return c
}
