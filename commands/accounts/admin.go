package accounts

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations/accounts"
)

// Admin returns the command admin.
func (p Commands) Admin() *cobra.Command {
	return syntax.Noun("admin", "those who may sign in at the console or use the admin API",
		`An admin has a name, a role, and something to sign in with at the console: a
password, passkeys, or an account of an OpenID Connect issuer (console.oidc in
`+"`stile help settings`"+`). A program uses an admin token.

A viewer reads. An operator also changes tenants, content, tokens and addresses.
An owner also manages admins and signing keys, and makes backups. The first
owner is created at the first start of the server.`,
		`  stile admin add alice --role operator
  stile admin list
  stile admin set alice --reset-password`,
		p.adminAdd(), p.adminList(), p.adminShow(), p.adminSet(), p.adminRemove(), p.adminPassword(),
		p.tokens(), p.sessions(), p.passkeys())
}

func (p Commands) adminAdd() *cobra.Command {
	var in accounts.Addition
	c := &cobra.Command{Use: "add NAME",
		Long: `Add an admin, and print a one-time password and an admin token. This is the only
time that they are shown. The password signs in at the console once, and must be
changed there. The token is for programs; it has the role of the admin and is
valid for 90 days.`,
		Example: "  stile admin add alice --role operator\n  stile admin add monitoring --json",
		Args:    syntax.Takes(1, 1, "one NAME")}
	c.Flags().StringVar(&in.Role, "role", "viewer", "`role`: viewer, operator or owner")
	c.RunE = func(c *cobra.Command, args []string) error {
		in.Name = args[0]
		if err := checkRole(in.Role); err != nil {
			return err
		}
		var made accounts.Credentials
		if err := p.Run(c, in, &made); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), made)
		}
		if err := printing.Card(p.Out(), "name", made.Name, "role", string(made.Role), "password", made.Password, "token", made.Token); err != nil {
			return err
		}
		_, err := fmt.Fprintln(p.Err(), "The password is one-time, and the token is valid for 90 days. Neither is shown again.")
		return err
	}
	return p.Prints(c)
}

func checkRole(role string) error {
	if role != "viewer" && role != "operator" && role != "owner" {
		return syntax.Errorf("--role %q: must be viewer, operator or owner", role)
	}
	return nil
}

func (p Commands) adminList() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "list",
		Long: `List the admins with their roles, and the numbers of their passkeys, valid tokens
and sessions. BY is the issuer for those who sign in by OpenID Connect.`,
		Example: "  stile admin list --json",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var all []accounts.View
			if err := p.Run(c, accounts.All{}, &all); err != nil {
				return err
			}
			return p.showAdmins(all, all)
		}})
}

func (p Commands) showAdmins(value any, all []accounts.View) error {
	if p.JSON() {
		return printing.JSON(p.Out(), value)
	}
	var rows [][]string
	for _, a := range all {
		by := printing.OrDash(a.Issuer)
		if a.OneTime {
			by = "one-time password"
		}
		rows = append(rows, []string{a.Name, string(a.Role), by, strconv.Itoa(a.Passkeys), strconv.Itoa(a.Tokens), strconv.Itoa(a.Sessions), moment(a.LastSignIn)})
	}
	return printing.Table(p.Out(), "NAME ROLE BY PASSKEYS TOKENS SESSIONS SEEN", rows)
}

// moment returns a time as text, or a dash for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return printing.Time(&t)
}

func (p Commands) adminShow() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "show NAME",
		Long:    "Show one admin. The commands `stile admin token list`, `stile admin session list`\nand `stile admin passkey list` show more.",
		Example: "  stile admin show alice --json",
		Args:    syntax.Takes(1, 1, "one NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			var a accounts.View
			if err := p.Run(c, accounts.Name{Name: args[0]}, &a); err != nil {
				return err
			}
			return p.showAdmins(a, []accounts.View{a})
		}})
}

func (p Commands) adminSet() *cobra.Command {
	var in accounts.Change
	c := &cobra.Command{Use: "set NAME",
		Long: `Change the role of an admin, or help one who can't sign in. A new one-time
password, or another role, ends the sessions of the admin. Without passkeys, the
password alone signs in. Tokens stay valid, since programs use them, with at most the
role of the admin: if the account may be in the wrong hands, add --remove-tokens. The
role of an admin who signs in by OpenID Connect can't be set here.`,
		Example: "  stile admin set alice --role owner\n  stile admin set alice --reset-password --remove-passkeys --remove-tokens",
		Args:    syntax.Takes(1, 1, "one NAME")}
	c.Flags().StringVar(&in.Role, "role", "", "new `role`: viewer, operator or owner")
	c.Flags().BoolVar(&in.ResetPassword, "reset-password", false, "print a new one-time password, and end the sessions")
	c.Flags().BoolVar(&in.RemoveTokens, "remove-tokens", false, "remove all tokens of the admin: programs that use them are refused")
	c.Flags().BoolVar(&in.RemovePasskeys, "remove-passkeys", false, "remove all passkeys of the admin")
	c.RunE = func(c *cobra.Command, args []string) error {
		if in.Name = args[0]; c.Flags().Changed("role") {
			if err := checkRole(in.Role); err != nil {
				return err
			}
		}
		var out accounts.Changed
		if err := p.Run(c, in, &out); err != nil {
			return err
		}
		if err := p.showAdmins(out, []accounts.View{out.View}); err != nil || p.JSON() || out.Password == "" {
			return err
		}
		if err := printing.Card(p.Out(), "password", out.Password); err != nil || out.Tokens == 0 {
			return err
		}
		_, err := fmt.Fprintf(p.Err(), "%s still has valid tokens (%d). `stile admin set %s --remove-tokens` removes them\n", out.Name, out.Tokens, out.Name)
		return err
	}
	return p.Prints(c)
}

func (p Commands) adminRemove() *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "remove NAME",
		Long: `Remove an admin. The sessions and tokens of the admin end at once. The audit log
keeps what the admin has changed. The last owner can't be removed. At a
terminal, the command asks first.`,
		Example: "  stile admin remove alice",
		Args:    syntax.Takes(1, 1, "one NAME")}
	confirmation.AddYesAtTerminal(c, &yes)
	c.RunE = func(c *cobra.Command, args []string) error {
		ask := p.Prompt()
		if err := ask.Confirm(yes || !ask.Terminal, "the sessions and tokens of "+args[0]+" end, and programs that use the tokens are refused", args[0]); err != nil {
			return err
		}
		return p.remove(c, accounts.Name{Name: args[0]})
	}
	return p.Prints(c)
}

// remove performs an operation that removes something, and prints what it was.
func (p Commands) remove(c *cobra.Command, in any) error {
	var gone accounts.Removed
	if err := p.Run(c, in, &gone); err != nil {
		return err
	}
	if p.JSON() {
		return printing.JSON(p.Out(), gone)
	}
	_, err := fmt.Fprintf(p.Out(), "removed %s\n", gone.Removed)
	return err
}

func (p Commands) adminPassword() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "password NAME",
		Long: `Set the password of an admin to the first line of standard input. It must have at
least 12 characters. The sessions of the admin end. For another person, use
` + "`stile admin set NAME --reset-password`" + ` instead.`,
		Example: "  stile admin password alice < password.txt",
		Args:    syntax.Takes(1, 1, "one NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := firstLine(c.InOrStdin())
			if err != nil {
				return err
			}
			var a accounts.View
			if err := p.Run(c, accounts.PasswordChange{Name: args[0], Password: password}, &a); err != nil {
				return err
			}
			return p.showAdmins(a, []accounts.View{a})
		}})
}

// maxLine is how long a password on standard input may be, in bytes.
const maxLine = 1024

func firstLine(in io.Reader) (string, error) {
	text, err := bufio.NewReader(io.LimitReader(in, maxLine)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read the password from standard input: %w", err)
	}
	return strings.TrimRight(text, "\r\n"), nil
}
