package commands

import (
	"io"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/lists"
	"stile.example/stile/operations"
)

// host gives the commands in packages of their own what they need of the program.
type host struct{ p *program }

func (p *program) lists() lists.Commands { return lists.Commands{Program: host{p}} }

func (h host) Run(c *cobra.Command, in, out any) error { return h.p.run(c, in, out) }
func (h host) Look(c *cobra.Command, operation string, in, out any) error {
	return h.p.look(c, operation, in, out)
}

func (h host) Perform(c *cobra.Command, in, out any, call operations.Call) error {
	return h.p.perform(c, in, out, call)
}
func (h host) Prints(c *cobra.Command) *cobra.Command { return h.p.prints(c) }
func (h host) JSON() bool                             { return h.p.json }
func (h host) Out() io.Writer                         { return h.p.out }
func (h host) Text() io.Writer                        { return h.p.asCalled(h.p.out) }
func (h host) Err() io.Writer                         { return h.p.err }
func (h host) Prompt() confirmation.Prompt            { return h.p.prompt() }
func (h host) Replace(yes bool, file string) error    { return h.p.replace(yes, file) }
func (h host) WriteFile(name string, fill func(io.Writer) error) error {
	return writeFile(name, fill)
}
