// Package accounts has the commands about those who administer the server, and about the audit
// log of what they changed.
package accounts

import "github.com/spf13/cobra"

// Run performs the operation of a command and reads its result into out, a pointer.
type Run func(c *cobra.Command, in, out any) error

// prints adds --json to a command.
func prints(c *cobra.Command) *cobra.Command {
	c.Flags().Bool("json", false, "print JSON instead of text")
	return c
}

// asJSON reports whether a command is to print JSON.
func asJSON(c *cobra.Command) bool {
	yes, err := c.Flags().GetBool("json")
	return err == nil && yes
}
