package commands

import (
	"github.com/spf13/cobra"

	"stile.example/stile/commands/statement"
)

// statements returns what the commands about usage and statements need of the program.
func (p *program) statements() statement.Program {
	return statement.Program{
		Out: p.out, AsJSON: func() bool { return p.json }, Prints: p.prints, Perform: p.perform,
		WriteFile: writeFile, AskToReplace: func(c *cobra.Command) func(file string) error {
			var yes bool
			addYesAtTerminal(c, &yes)
			return func(file string) error { return p.replace(yes || !p.terminal, file) }
		},
	}
}
