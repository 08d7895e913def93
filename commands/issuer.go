package commands

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

func (p *program) issuerCommand() *cobra.Command {
	return syntax.Noun("issuer", "external issuers and their keys",
		`The setting issuers lists external authorization servers whose tokens are
accepted. Their keys are fetched at the start, each hour, and when a token names
an unknown one.`,
		"  stile issuer list\n  stile issuer refresh https://id.example/realms/demo", p.issuerList(), p.issuerRefresh())
}

func (p *program) issuerList() *cobra.Command {
	return p.prints(&cobra.Command{Use: "list",
		Long: `List the external issuers, the keys that verify their tokens, and why the last
fetch failed. Without a running server, no keys have been fetched.`,
		Example: "  stile issuer list --json",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE:    func(c *cobra.Command, _ []string) error { return p.showIssuers(c, operations.None{}) }})
}

func (p *program) issuerRefresh() *cobra.Command {
	return p.prints(&cobra.Command{Use: "refresh [ISSUER]",
		Long: `Fetch the keys of an external issuer now, or those of all issuers. Keys that the
issuer no longer publishes are forgotten: the next call with a token that one of
them signed is refused. So run this after you have disabled a key there. Opaque
tokens are introspected again at their next call. If the keys can't be fetched,
those from before stay in use. Without a running server, the command only checks
that the keys can be fetched.`,
		Example: "  stile issuer refresh\n  stile issuer refresh https://id.example/realms/demo",
		Args:    syntax.Takes(0, 1, "at most one issuer"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.showIssuers(c, operations.IssuerRefresh{Issuer: strings.Join(args, "")})
		}})
}

// showIssuers performs an operation whose result is a list of issuers, and prints it.
func (p *program) showIssuers(c *cobra.Command, in any) error {
	var all []operations.IssuerView
	if err := p.run(c, in, &all); err != nil {
		return err
	}
	if p.json {
		return printing.JSON(p.out, all)
	}
	var rows [][]string
	for _, i := range all {
		rows = append(rows, []string{i.Issuer, strconv.Itoa(len(i.Keys)), strings.Join(i.Keys, " "), printing.Time(i.FetchedAt), printing.OrDash(i.Error)})
	}
	return printing.Table(p.out, "ISSUER KEYS NAMES FETCHED ERROR", rows)
}
