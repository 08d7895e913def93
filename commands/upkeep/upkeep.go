// Package upkeep has the commands for all data: backup, restore, move and fsck.
package upkeep

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/execution"
	"stile.example/stile/commands/host"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

// Commands makes the commands of a program. All fields are required.
type Commands struct {
	host.Program
	Settings func() (*settings.Settings, error)
	// SettingsWith reads the settings, and replaces some by their names.
	SettingsWith func(map[string]string) (*settings.Settings, error)
	Executor     func(*cobra.Command, *settings.Settings) execution.Executor
	// PerformBy performs the operation of a name.
	PerformBy func(ctx context.Context, x execution.Executor, name string, in, out any, c operations.Call) error
	Logger    func(*settings.Settings) *slog.Logger
	Again     func(*cobra.Command) string // the whole command, for advice to run it as another user
	Now       func() time.Time
}

// Backup returns the command backup.
func (p Commands) Backup() *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "backup FILE",
		Long: `Write a tar file with the database, the corpus, the keys and the certificates that
the server obtained, all from the same moment. The server continues to serve. The
file contains secrets, so only its owner can read it (mode 0600). ` + "`stile restore`" + `
restores it. A file that exists is replaced only after a confirmation, or with
--yes.`,
		Example: "  stile backup stile-2026-11-22.tar\n  stile restore stile-2026-11-22.tar --data trial",
		Args:    syntax.Takes(1, 1, "one FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "-" {
				return syntax.Errorf("a backup must be a FILE, not -: standard output could be cut off, or be read by others, without a sign; copy the file afterwards, or name it ./-")
			}
			if err := p.Replace(yes, args[0]); err != nil {
				return err
			}
			return p.backup(c, args[0])
		}}
	confirmation.AddYes(c, &yes)
	return p.Prints(c)
}

func (p Commands) backup(c *cobra.Command, file string) error {
	var made operations.Written
	err := p.WriteFile(file, func(w io.Writer) error {
		return p.Perform(c, operations.None{}, &made, operations.Call{Out: w})
	})
	if err != nil {
		return err
	}
	if p.JSON() {
		return printing.JSON(p.Out(), map[string]any{"file": file, "bytes": made.Bytes})
	}
	_, err = fmt.Fprintf(p.Out(), "%.1f MB in %s\n", float64(made.Bytes)/1e6, printing.Safe(file))
	return err
}
