package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/audit"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/datadir"
	"stile.example/stile/datadir/access"
	"stile.example/stile/move"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

// moveFlags are the flags of the command move.
type moveFlags struct {
	from, to string
	dryRun   bool
}

// Move returns the command move. It is not an operation: it has two places for the data.
func (p Commands) Move() *cobra.Command {
	var f moveFlags
	c := &cobra.Command{Use: "move", Short: "move an installation to PostgreSQL, for several nodes",
		Long: `Move an installation from a data directory to the store of several nodes: to
PostgreSQL, and to the engine that the setting state names. It moves everything:
tenants, admins, the audit log, usage, statements, webhooks, the address list,
tokens, source addresses, keys, and the corpus with the one before its last change.
Then it reads everything back and compares it. Live tokens stay valid, and keep
their counts.

Stop the server first: the data directory is locked meanwhile. It is only read. At
the end it gets a file that says where its data is, so that nobody serves it by
mistake. A move that fails or is interrupted can be repeated: it replaces what it
has written. Nodes do not start on the database until the move is complete. The
database must be new, or have what an interrupted move of the same data directory
has written.

The settings are those of the nodes (state, store_key_file, corpus_store), so name
their file with --config. Without --to, the database is that of the setting store.
A password in --to comes before that in store_password_file, but other users of
the machine can read it: better set the file, or the variable STILE_STORE.

There is no command that moves the data back.`,
		Example: `  stile move --config nodes.yaml --from /var/lib/stile --dry-run
  stile move --config nodes.yaml --from /var/lib/stile
  stile move --from ./data --to postgres://stile@db.internal/stile --json`,
		Args: syntax.Takes(0, 0, "no arguments, only flags"),
		RunE: func(c *cobra.Command, _ []string) error { return p.move(c, f) }}
	c.Flags().StringVar(&f.from, "from", "", "data `directory` to move; no server may use it")
	c.Flags().StringVar(&f.to, "to", "", "`URL` of the PostgreSQL database (default: the setting store)")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "check both sides and count, and move nothing; a new database gets its empty tables")
	return p.Prints(c)
}

func (p Commands) move(c *cobra.Command, f moveFlags) (err error) {
	s, err := p.moveSettings(f)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && c.Context().Err() != nil {
			err = fmt.Errorf("the move was interrupted, and is not complete: run the same command again; until it is complete, the server can also be started again on %s (%w)", f.from, err)
		}
	}()
	by := operations.CommandLine(os.Getuid())
	shown := &progress{out: p.Err(), now: p.Now, next: p.Now().Add(2 * time.Second)}
	r, err := moveTo(c.Context(), s, move.Options{
		From: f.from, Now: p.Now, DryRun: f.dryRun,
		By:       audit.Entry{Actor: by.Name, Role: string(by.Role), Credential: by.Credential},
		Progress: func(part string, n int64) { shown.show("moving", part, int(n)) },
	}, p.Logger(s))
	if errors.Is(err, datadir.ErrNoData) {
		return fmt.Errorf("--from %s is not a data directory of stile: it has no stile.db and keys.json; name the setting data of the server to move", f.from)
	}
	if err != nil {
		return access.Explain(p.Again(c), f.from, err)
	}
	if p.JSON() {
		return printing.JSON(p.Out(), r)
	}
	return p.showMoved(r)
}

// moveTo moves an installation to the store that the settings name.
func moveTo(ctx context.Context, s *settings.Settings, o move.Options, log *slog.Logger) (r move.Result, err error) {
	target, err := move.Open(ctx, s, o, log)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	o.Target = &target.Target
	return move.Run(ctx, o)
}

// moveSettings returns the settings of the nodes.
func (p Commands) moveSettings(f moveFlags) (*settings.Settings, error) {
	switch {
	case f.from == "":
		return nil, syntax.Errorf("--from is missing: name the data directory to move, such as --from /var/lib/stile")
	case strings.Contains(f.from, "://"):
		return nil, syntax.Errorf("--from must be a data directory: data can't be moved back out of PostgreSQL")
	}
	if i, err := os.Stat(f.from); err == nil && !i.IsDir() {
		return nil, syntax.Errorf("--from must be a data directory, and %s is a file; name the setting data of the server to move", f.from)
	}
	flags := map[string]string{}
	if f.to != "" {
		if !strings.HasPrefix(f.to, "postgres://") && !strings.HasPrefix(f.to, "postgresql://") {
			return nil, syntax.Errorf("--to must be the URL of a PostgreSQL database, such as postgres://stile@db.internal/stile")
		}
		flags["store"] = f.to
	}
	s, err := p.SettingsWith(flags)
	if err == nil && !s.Postgres() {
		err = syntax.Errorf("--to must be the URL of a PostgreSQL database, such as postgres://stile@db.internal/stile; or name the settings of the nodes with --config, whose store is such a URL")
	}
	return s, err
}

// compared says what a comparison has found. Of what is committed, only the chain of the audit log
// can differ: it was wrong in the data directory already.
func compared(same bool) string {
	if same {
		return "same"
	}
	return "wrong, as before"
}

// showMoved prints what was moved, and what to do next.
func (p Commands) showMoved(r move.Result) error {
	if r.Already {
		_, err := fmt.Fprintf(p.Text(), "%s has everything since %s, and %s has not changed since\n", r.To, r.At.Format(time.RFC3339), r.From)
		return err
	}
	var lines [][]string
	for _, part := range r.Parts {
		line := []string{part.Part, printing.Number(int(part.Source))}
		if !r.DryRun {
			line = append(line, printing.Number(int(part.Target)), compared(part.Same))
		}
		lines = append(lines, line)
	}
	head := "PART SOURCE TARGET COMPARED"
	if r.DryRun {
		head = "PART SOURCE"
	}
	if err := printing.Table(p.Out(), head, lines); err != nil {
		return err
	}
	next := "\neverything was moved to %s, read back and compared\n\nnext:\n" +
		"  start the nodes: `stile serve`, with the settings of this command\n" +
		"  look at the usage and the nodes: `stile usage`, `stile nodes`\n" +
		"  keep %s until you have a backup of the database; `stile serve` refuses it now\n"
	if r.DryRun {
		next = "\nthis can be moved to %s: run the command again without --dry-run; nothing was changed in %s\n"
	}
	_, err := fmt.Fprintf(p.Text(), next, r.To, r.From)
	return err
}
