package commands

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

func (p *program) tokenCommand() *cobra.Command {
	return syntax.Noun("token", "single tokens, for support",
		`Issue a token for a test, show the state of one, or revoke one. Give the
token or its jti. With -, it is read from standard input, where other users of this
machine can't see it.`,
		"  stile token issue acme\n  stile token show - <token.txt\n  stile token revoke JTI",
		p.tokenIssue(), p.lists().TokenList(), p.tokenShow(), p.tokenRevoke())
}

func (p *program) tokenIssue() *cobra.Command {
	var q operations.TokenRequest
	c := &cobra.Command{Use: "issue CLIENT_ID",
		Long: `Issue a token as the token endpoint does, and print it. Calls with it are counted
and charged to the tenant.`,
		Example: "  stile token issue acme\n  stile token issue acme --subject support-4711 --json",
		Args:    syntax.Takes(0, 1, "one CLIENT_ID")}
	c.Flags().StringVar(&q.Tenant, "tenant", "", "`client_id` of the tenant, instead of the argument")
	c.Flags().StringVar(&q.Subject, "subject", "", "`name` that the tenant uses for the visitor, at most 128 bytes (default: the client_id)")
	c.Flags().BoolVar(&q.Test, "test", false, "limit the token to 20 calls and 15 minutes, to try something out")
	c.Flags().StringVar(&q.Scope, "scope", operations.Scope, "`scope` of the token")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 1 && q.Tenant == "" {
			q.Tenant, args = args[0], nil
		}
		if len(args) > 0 || q.Tenant == "" {
			return syntax.Errorf("`stile token issue` takes one CLIENT_ID, as an argument or with --tenant")
		}
		var made operations.IssuedToken
		if err := p.run(c, q, &made); err != nil {
			return err
		}
		if p.json {
			return printing.JSON(p.out, made)
		}
		_, err := fmt.Fprintln(p.out, made.AccessToken)
		return err
	}
	return p.prints(c)
}

func (p *program) tokenShow() *cobra.Command {
	var story bool
	c := &cobra.Command{Use: "show TOKEN|JTI|ID|-",
		Long: `Show whether a token is active and, if not, why. Also show its binding, its calls
and its challenges. The server stores nothing about a token before its first call:
until then, give the token, because its jti is unknown.

With --story, also show what happened to it, the oldest first: its binding, its
calls, its refusals and challenges as long as they are stored, and its end. With
--json too, only that is printed.
` + inProcessList,
		Example: "  stile token show - --json <token.txt\n  stile token show TOKEN --story",
		Args:    syntax.Takes(1, 1, "one token, jti or ID")}
	c.Flags().BoolVar(&story, "story", false, "show what happened to the token")
	c.RunE = func(c *cobra.Command, args []string) error {
		v, err := p.tokenInfo(c, args)
		switch {
		case err != nil:
			return err
		case story:
			return p.showStory(v)
		}
		return p.showToken(v)
	}
	return p.prints(c)
}

func (p *program) tokenRevoke() *cobra.Command {
	return p.prints(&cobra.Command{Use: "revoke TOKEN|JTI|-",
		Long:    "Revoke a token: its calls are refused with token_revoked from now on. This can't\nbe undone.\n" + inProcessList,
		Example: "  stile token revoke - <token.txt\n  stile token revoke TOKEN",
		Args:    syntax.Takes(1, 1, "one token or jti"),
		RunE:    p.runForToken})
}

// runForToken performs an operation that returns a token, and prints the token.
func (p *program) runForToken(c *cobra.Command, args []string) error {
	v, err := p.tokenInfo(c, args)
	if err != nil {
		return err
	}
	return p.showToken(v)
}

// tokenInfo performs an operation that returns a token.
func (p *program) tokenInfo(c *cobra.Command, args []string) (v operations.TokenInfo, err error) {
	name, err := p.tokenName(args[0])
	if err != nil {
		return v, err
	}
	err = p.run(c, operations.TokenName{Token: name}, &v)
	return v, err
}

// inProcessList is the help text about tokens as arguments.
const inProcessList = `
Other users of this machine can see the arguments of a running command (ps), and
the shell may store them. Use - to read the token from standard input instead.`

// maxTokenText is how much of standard input is read for a token, in bytes: more than the longest
// token, with spaces and line breaks around it.
const maxTokenText = 8 << 10

// tokenName returns the token or jti that an argument names, without the scheme of the header
// Authorization that it was copied with. - means standard input, which must contain nothing else.
// Errors don't quote the token.
func (p *program) tokenName(arg string) (string, error) {
	if arg != "-" {
		if fields := withoutScheme(strings.Fields(arg)); len(fields) == 1 {
			return fields[0], nil
		}
		return arg, nil
	}
	text, err := io.ReadAll(io.LimitReader(p.in, maxTokenText+1))
	fields := withoutScheme(strings.Fields(string(text)))
	switch {
	case err != nil:
		return "", fmt.Errorf("read the token from standard input: %w", err)
	case len(text) > maxTokenText || len(fields) != 1:
		return "", errors.New("standard input must contain one token or jti, and nothing else")
	}
	return fields[0], nil
}

// withoutScheme drops the words of a copied header before a token, such as "Authorization: Bearer".
func withoutScheme(fields []string) []string {
	if len(fields) > 1 && strings.EqualFold(fields[0], "Authorization:") {
		fields = fields[1:]
	}
	if len(fields) > 1 && (strings.EqualFold(fields[0], "Bearer") || strings.EqualFold(fields[0], "DPoP")) {
		fields = fields[1:]
	}
	return fields
}

// showStory shows a token, and what happened to it.
func (p *program) showStory(v operations.TokenInfo) error {
	if !p.json {
		if err := p.showToken(v); err != nil {
			return err
		}
	}
	return p.lists().ShowStory(v.Story)
}

func (p *program) showToken(v operations.TokenInfo) error {
	if p.json {
		return printing.JSON(p.out, v.TokenView)
	}
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	state := "active"
	if !v.Active {
		state = "not active: " + text(v.Reason)
	}
	card := []string{"token", state, "client_id", text(v.ClientID), "binding", v.Binding,
		"calls", fmt.Sprintf("%d of %d", v.Calls, v.CallsLimit), "challenges", strconv.Itoa(v.Challenges), "open", printing.OrDash(v.OpenChallenge),
		"issued_at", printing.Time(v.IssuedAt), "expires_at", printing.Time(v.ExpiresAt)}
	if v.Detail != "" {
		card = append(card, "detail", v.Detail)
	}
	return printing.Card(p.out, card...)
}
