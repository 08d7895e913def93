package commands

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

func (p *program) backupCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "backup FILE",
		Long: `Write a tar file with the database, the corpus and the keys, all from the same
moment. The server continues to serve. The file contains secrets, so only its
owner can read it (mode 0600). To restore a backup, unpack it into an empty data
directory while no server is running. A file that exists is replaced only after
a confirmation, or with --yes.`,
		Example: "  stile backup stile-2026-11-22.tar\n  mkdir data && tar -xf stile-2026-11-22.tar -C data",
		Args:    syntax.Takes(1, 1, "one FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "-" {
				return syntax.Errorf("a backup must be a FILE, not -: standard output could be cut off, or be read by others, without a sign; copy the file afterwards, or name it ./-")
			}
			if err := p.replace(yes, args[0]); err != nil {
				return err
			}
			var made operations.Written
			err := writeFile(args[0], func(w io.Writer) error {
				return p.perform(c, operations.None{}, &made, operations.Call{Out: w})
			})
			if err != nil {
				return err
			}
			if p.json {
				return printing.JSON(p.out, map[string]any{"file": args[0], "bytes": made.Bytes})
			}
			_, err = fmt.Fprintf(p.out, "%.1f MB in %s\n", float64(made.Bytes)/1e6, printing.Safe(args[0]))
			return err
		}}
	addYes(c, &yes)
	return p.prints(c)
}
