package upkeep

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/audit"
	"stile.example/stile/backup"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/datadir/access"
	"stile.example/stile/operations"
)

// Restore returns the command restore. It is not an operation: there is no data directory yet.
func (p Commands) Restore() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "restore FILE", Short: "restore a backup into a new data directory",
		Long: `Restore a backup into the data directory, which must not exist yet, or be empty.
First the whole archive is checked: its files, their sizes and checksums. Then the
files are written to a directory of their own and checked again: the database, the
corpus, the keys, and that all numbers of rows are those of the backup. A database of
an older version is migrated. Only then are the files renamed, so a restore that fails
or is interrupted leaves no data directory that looks complete. Nothing is ever
overwritten.

To try a backup, restore it to another directory with --data.`,
		Example: "  stile restore stile-2026-11-22.tar\n  stile restore stile-2026-11-22.tar --data trial --json",
		Args:    syntax.Takes(1, 1, "one FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "-" {
				return syntax.Errorf("a backup must be a FILE, not -: it is read twice; copy it to a file first, or name it ./-")
			}
			s, err := p.Settings()
			if err != nil {
				return err
			}
			if s.Postgres() {
				return errors.New("the setting store is PostgreSQL: restore a dump of it with `pg_restore`. To take over a backup of sqlite, restore it with --data and store set to sqlite, then move that directory with `stile move`")
			}
			by := operations.CommandLine(os.Getuid())
			r, err := backup.Restore(c.Context(), backup.Options{File: args[0], Settings: s, Now: p.Now, Log: p.Logger(s),
				By: audit.Entry{Actor: by.Name, Role: string(by.Role), Credential: by.Credential}})
			if err != nil {
				return access.Explain(p.Again(c), s.Data, err)
			}
			if p.JSON() {
				return printing.JSON(p.Out(), struct {
					backup.Restored
					Next []string `json:"next"`
				}{r, nextAfter(r)})
			}
			return p.showRestored(r)
		}})
}

// showRestored prints what was restored, and what to do next.
func (p Commands) showRestored(r backup.Restored) error {
	made := "at an unknown time: the backup has no manifest, so numbers of rows were not compared"
	if r.MadeAt != nil {
		made = r.MadeAt.Format(time.RFC3339) + " by stile " + r.Version
	}
	pairs := []string{"restored", r.File, "made", made, "data", r.Data, "size", fmt.Sprintf("%.1f MB", float64(r.Bytes)/1e6)}
	for _, part := range backup.Parts {
		pairs = append(pairs, part, printing.Number(int(r.Counts[part])))
	}
	if err := printing.Card(p.Out(), pairs...); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.Text(), "\nnext:\n  %s\n", strings.Join(nextAfter(r), "\n  "))
	return err
}

// nextAfter says what comes after a restore.
func nextAfter(r backup.Restored) (next []string) {
	if owner, _ := access.Owner(r.Data); os.Geteuid() == 0 && owner == 0 {
		next = append(next, "give the directory to the user that the server runs as, such as: chown -R stile: "+r.Data)
	}
	if r.Migrated {
		next = append(next, "the database was migrated from an older version, which can't open it any more")
	}
	return append(next, "check it: `stile fsck`", "start the server: `stile serve`, or systemctl start stile",
		"calls, revocations and blocks from after the backup are lost; tokens from before are valid until they expire")
}
