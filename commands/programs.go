package commands

import (
	"io"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/lists"
)

// host gives the commands in packages of their own what they need of the program.
type host struct{ p *program }

func (p *program) lists() lists.Commands { return lists.Commands{Program: host{p}} }

func (h host) Run(c *cobra.Command, in, out any) error { return h.p.run(c, in, out) }
func (h host) Prints(c *cobra.Command) *cobra.Command  { return h.p.prints(c) }
func (h host) JSON() bool                              { return h.p.json }
func (h host) Err() io.Writer                          { return h.p.err }

// Out returns standard output. JSON is data, and is not changed.
func (h host) Out() io.Writer {
	if h.p.json {
		return h.p.out
	}
	return h.p.asCalled(h.p.out)
}

func (p *program) contentUndo() *cobra.Command {
	return p.lists().Undo(func(yes bool, loss string) error { return p.prompt().Confirm(yes, loss, "yes") })
}
