// Package commands is the program that runs when `stile` is typed: its commands, flags and output.
//
// A command reads the settings and its arguments, performs one operation and prints the result.
// Package operations has the operations. If a server is running, the command performs the
// operation in it, through a Unix socket in the data directory. Otherwise the command opens the
// data directory and performs the operation itself. It is the same function with the same result.
//
// [Run] has no globals, so a test can start the program.
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

	"stile.example/stile/commands/accounts"
	"stile.example/stile/commands/developers"
	"stile.example/stile/commands/help"
	"stile.example/stile/commands/policy"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/statement"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/commands/webhooks"
	"stile.example/stile/server"
	"stile.example/stile/settings"
)

// The exit codes of every command.
const (
	done       = 0
	failed     = 1
	usageError = 2
)

// Run runs the program and returns its exit code. name is what was typed to call it, such as
// ./bin/stile: the commands that it prints begin with it. When ctx is done, or on SIGINT or
// SIGTERM, it stops what it is doing and returns.
func Run(ctx context.Context, name string, args, env []string, in io.Reader, out, err io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	p := &program{name: name, env: env, in: in, out: out, err: err, now: time.Now, patience: 5 * time.Second, terminal: printing.IsTerminal(in)}
	return p.main(ctx, args)
}

// program is one run of the program.
type program struct {
	name     string // what was typed to call it; "" is stile
	env      []string
	in       io.Reader
	out, err io.Writer
	log      io.Writer // of the server; nil is err
	now      func() time.Time
	patience time.Duration        // how long to wait for another process to release the data directory
	terminal bool                 // in is a terminal: a person can be asked
	ready    func(*server.Server) // if not nil, called when the server accepts requests

	config, data string // --config, --data
	json         bool   // --json

	names []string // first words of the commands
}

func (p *program) main(ctx context.Context, args []string) int {
	root := p.root()
	p.log, p.err = p.err, p.asCalled(p.err)
	p.in = readUntil(ctx, p.in) // else a question at the terminal could not be interrupted
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	err := root.ExecuteContext(ctx)
	p.printError(err)
	var use *syntax.UsageError
	switch {
	case err == nil:
		return done
	case errors.As(err, &use) || strings.HasPrefix(err.Error(), "unknown command"):
		return usageError
	}
	return failed
}

// printError writes an error to standard error. Errors in a file are written one to a line, as
// FILE:LINE: ERROR, so that an editor can jump to them.
func (p *program) printError(err error) {
	var problems settings.Problems
	var lines *linesError
	switch {
	case err == nil:
	case errors.As(err, &problems):
		fmt.Fprintf(p.err, "%s\nstile: can't use the settings; fix the lines above\n", printing.Safe(problems.Error()))
	case errors.As(err, &lines):
		fmt.Fprintf(p.err, "%s\nstile: %s\n", printing.Safe(lines.Error()), lines.then)
	default:
		fmt.Fprintf(p.err, "stile: %s\n", printing.Safe(err.Error()))
	}
}

// linesError is a list of errors in a file.
type linesError struct {
	err  error
	then string // the consequence, and what to do next
}

func (e *linesError) Error() string { return e.err.Error() }
func (e *linesError) Unwrap() error { return e.err }

// root returns the tree of all commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "stile",
		Short: "serve a curated corpus to tenants' web sites and keep it from being scraped",
		Long: `Serve a curated corpus to the web sites of tenants, and keep it from being
scraped. A tenant's server gets a token, and a visitor's browser uses it to call
the content API. Each call is checked, counted and charged.

A command acts on the running server, or on the data directory if no server is
running. ` + "`stile help settings`" + ` lists all settings. Exit codes: 0 success, 1 failure,
2 usage error.`,
		Example: `  stile serve --demo         # try it: demo corpus, a site to open, a curl line
  stile tenant add acme --site https://www.acme.example
  stile content import items.jsonl
  stile usage --from 2026-11`,
		SilenceErrors: true, SilenceUsage: true,
		Args: syntax.NoSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().StringVar(&p.config, "config", "", "settings `file` (default stile.yaml, if it exists)")
	root.PersistentFlags().StringVar(&p.data, "data", "", "data `directory` (default ./data)")
	root.SetFlagErrorFunc(syntax.FlagError)
	own, statements := developers.Commands{Program: host{p}}, statement.Commands{Program: host{p}}
	root.AddCommand(p.serveCommand(), p.checkCommand(), p.tenantCommand(own), p.contentCommand(), p.tokenCommand(),
		p.addressCommand(),
		p.lists().Refusal(),
		p.lists().Explain(),
		p.simulateCommand(),
		statements.Usage(),
		statements.Statement(),
		p.keyCommand(),
		p.issuerCommand(),
		accounts.Commands{Program: host{p}}.Admin(),
		accounts.Commands{Program: host{p}}.Audit(),
		webhooks.Commands{Program: host{p}}.Webhook(),
		own.Doctor(),
		p.upkeep().Backup(),
		p.upkeep().Restore(),
		p.upkeep().Move(),
		p.upkeep().Fsck(),
		policy.Commands{Program: host{p}}.Policy(),
		p.lists().Overview(),
		p.nodesCommand(),
		help.Completion(),
		p.versionCommand(),
		help.SettingsTopic())
	help.Describe(root)
	p.names = commandNames(root)
	help.Spell(root, p.asCalled)
	return root
}

// prints adds --json to a command.
func (p *program) prints(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&p.json, "json", false, "print JSON instead of text")
	return c
}
