package commands

import (
	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
)

// prompt asks before a command does what is hard to undo.
func (p *program) prompt() confirmation.Prompt {
	return confirmation.Prompt{In: p.in, Out: p.err, Terminal: p.terminal}
}

// addYes adds --yes to a command that asks for confirmation.
func addYes(c *cobra.Command, yes *bool) {
	c.Flags().BoolVar(yes, "yes", false, "don't ask for confirmation; needed in scripts")
}

// addYesAtTerminal adds --yes to a command that asks at a terminal only.
func addYesAtTerminal(c *cobra.Command, yes *bool) {
	c.Flags().BoolVar(yes, "yes", false, "don't ask for confirmation at a terminal")
}
