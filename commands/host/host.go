// Package host says what the commands in packages of their own need of the program.
package host

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/printing"
	"stile.example/stile/operations"
)

// Program is the program whose commands these are.
type Program interface {
	// Run performs the operation of a command, and reads its result into out, a pointer.
	Run(c *cobra.Command, in, out any) error
	// Look performs another operation, which only reads.
	Look(c *cobra.Command, operation string, in, out any) error
	// Perform is Run for an operation that reads items or writes bytes: they are in call.
	Perform(c *cobra.Command, in, out any, call operations.Call) error
	// Prints adds --json to a command, and JSON reports whether it was given.
	Prints(c *cobra.Command) *cobra.Command
	JSON() bool
	// Out returns standard output. Text and Err return standard output and standard error for texts
	// in which commands are written as the program was called.
	Out() io.Writer
	Text() io.Writer
	Err() io.Writer
	// Prompt asks before something is lost.
	Prompt() confirmation.Prompt
	// Replace asks before a file is replaced, unless yes is true.
	Replace(yes bool, file string) error
	// WriteFile writes a file completely or not at all.
	WriteFile(name string, fill func(io.Writer) error) error
}

// ShowPage prints a page of a list: a table, or all of the page as JSON. If the list has more, next
// is not the zero value, and standard error says how to continue.
func ShowPage[N comparable](p Program, all any, head string, rows [][]string, more string, next N) (err error) {
	if p.JSON() {
		err = printing.JSON(p.Out(), all)
	} else {
		err = printing.Table(p.Text(), head, rows)
	}
	var none N
	if err == nil && next != none {
		_, err = fmt.Fprintf(p.Err(), "… and %s: --after %v continues\n", more, next)
	}
	return err
}
