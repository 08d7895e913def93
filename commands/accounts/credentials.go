package accounts

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations/accounts"
)

func (p Commands) tokens() *cobra.Command {
	return syntax.Noun("token", "admin tokens, for programs",
		`A program sends an admin token as Authorization: Bearer to the admin API. A token
has a role, which is never above that of its admin, and expires.`,
		`  stile admin token add alice "backup script" --role viewer --for 30d
  stile admin token list alice
  stile admin token remove alice 3`,
		p.tokenAdd(), p.tokenList(), p.removal("token", "remove", "End an admin token. Programs that use it are refused from the next request on.", "3"))
}

func (p Commands) tokenAdd() *cobra.Command {
	var in accounts.TokenAddition
	c := &cobra.Command{Use: "add ADMIN PURPOSE",
		Long: `Add an admin token and print it. This is the only time that it is shown. PURPOSE
is what it is for, in a few words, to recognise it later.`,
		Example: "  stile admin token add alice \"backup script\" --role viewer --for 30d",
		Args:    syntax.Takes(2, 2, "an ADMIN and a PURPOSE")}
	c.Flags().StringVar(&in.Role, "role", "", "`role` of the token, at most the admin's (default: the admin's)")
	c.Flags().StringVar(&in.For, "for", "90d", "`duration` for which it is valid, at most 366d")
	c.RunE = func(c *cobra.Command, args []string) error {
		in.Admin, in.Name = args[0], args[1]
		if in.Role != "" {
			if err := checkRole(in.Role); err != nil {
				return err
			}
		}
		if _, err := syntax.ParseDuration("for", in.For); err != nil {
			return err
		}
		var made accounts.NewToken
		if err := p.Run(c, in, &made); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), made)
		}
		return printing.Card(p.Out(), "id", strconv.FormatInt(made.ID, 10), "role", string(made.Role), "expires", moment(made.ExpiresAt), "token", made.Token)
	}
	return p.Prints(c)
}

func (p Commands) tokenList() *cobra.Command {
	return listOf(p, "token", "List admin tokens by their last four characters, those of one admin or of all.",
		"NUMBER ADMIN ROLE ENDS PURPOSE EXPIRES USED", func(t accounts.TokenView) []string {
			return []string{strconv.FormatInt(t.ID, 10), t.Admin, string(t.Role), t.LastFour, t.Name, moment(t.ExpiresAt), moment(t.LastUsed)}
		})
}

func (p Commands) sessions() *cobra.Command {
	return syntax.Noun("session", "browsers that are signed in at the console",
		"A session ends 12 hours after it was started, or after 30 minutes without a\nrequest.",
		"  stile admin session list alice\n  stile admin session revoke alice 7\n  stile admin session revoke alice",
		listOf(p, "session", "List the sessions, those of one admin or of all.",
			"NUMBER ADMIN WITH FROM STARTED SEEN BROWSER", func(s accounts.SessionView) []string {
				return []string{strconv.FormatInt(s.ID, 10), s.Admin, s.Credential, s.Address, moment(s.CreatedAt), moment(s.SeenAt), printing.Short(s.Browser, 60)}
			}), p.sessionRevoke())
}

func (p Commands) sessionRevoke() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "revoke ADMIN [NUMBER]",
		Long:    "End a session of an admin, or all of them. The next request of the browser must\nsign in.",
		Example: "  stile admin session revoke alice 7\n  stile admin session revoke alice",
		Args:    syntax.Takes(1, 2, "an ADMIN, and a NUMBER for only one session"),
		RunE: func(c *cobra.Command, args []string) error {
			in := accounts.SessionNames{Admin: args[0]}
			if len(args) == 2 {
				id, err := parseID(args[1])
				if err != nil {
					return err
				}
				in.ID = id
			}
			return p.remove(c, in)
		}})
}

func (p Commands) passkeys() *cobra.Command {
	return syntax.Noun("passkey", "passkeys of admins",
		"Admins add passkeys at the console, on the page of their account.",
		"  stile admin passkey list alice\n  stile admin passkey remove alice 1",
		listOf(p, "passkey", "List passkeys, those of one admin or of all. HOST is where one can be used.",
			"NUMBER ADMIN NAME HOST ADDED USED", func(p accounts.PasskeyView) []string {
				return []string{strconv.FormatInt(p.ID, 10), p.Admin, p.Name, p.Host, moment(p.CreatedAt), moment(p.LastUsed)}
			}), p.removal("passkey", "remove", "Remove a passkey. With their last one, admins sign in with the password alone\nagain.", "1"))
}

// listOf returns a command that lists what belongs to an admin, or to all.
func listOf[V any](p Commands, noun, long, head string, row func(V) []string) *cobra.Command {
	return p.Prints(&cobra.Command{Use: "list [ADMIN]", Long: long,
		Example: "  stile admin " + noun + " list alice\n  stile admin " + noun + " list --json",
		Args:    syntax.Takes(0, 1, "at most one ADMIN"),
		RunE: func(c *cobra.Command, args []string) error {
			var all []V
			if err := p.Run(c, accounts.Name{Name: strings.Join(args, "")}, &all); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), all)
			}
			var rows [][]string
			for _, v := range all {
				rows = append(rows, row(v))
			}
			return printing.Table(p.Out(), head, rows)
		}})
}

// removal returns a command that removes what belongs to an admin, by its id.
func (p Commands) removal(noun, verb, long, example string) *cobra.Command {
	return p.Prints(&cobra.Command{Use: verb + " ADMIN NUMBER", Long: long,
		Example: "  stile admin " + noun + " " + verb + " alice " + example,
		Args:    syntax.Takes(2, 2, "an ADMIN and a NUMBER"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID(args[1])
			if err != nil {
				return err
			}
			return p.remove(c, accounts.Credential{Admin: args[0], ID: id})
		}})
}

func parseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, syntax.Errorf("%q: must be a number that the list shows", text)
	}
	return id, nil
}
