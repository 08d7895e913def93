package commands

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/operations"
	"stile.example/stile/usage"
)

func (p *program) tenantCommand() *cobra.Command {
	return noun("tenant", "the sites that may embed the corpus",
		`A tenant is an organisation that embeds the corpus in its pages. It is known by
its client_id, gets its tokens with a secret, and pays for its calls.`,
		`  stile tenant add acme --name "Acme Ltd" --site https://www.acme.example
  stile tenant set acme policy.token.calls=500 --calls-per-month 100000
  stile tenant rotate-secret acme --overlap 24h`,
		p.tenantAdd(), p.tenantList(), p.tenantShow(), p.tenantSet(),
		p.tenantStatus("suspend", "refuse a tenant's calls until it is resumed",
			"Suspends a tenant: its calls are refused with tenant_suspended and it gets no\ntokens. Nothing is lost, and `stile tenant resume` undoes it."),
		p.tenantStatus("resume", "let a suspended tenant's calls through again",
			"Resumes a suspended tenant: its live tokens are good again, and it gets new ones."),
		p.tenantRemove(), p.tenantRotate())
}

func (p *program) tenantAdd() *cobra.Command {
	var f tenantFlags
	c := &cobra.Command{Use: "add CLIENT_ID", Short: "add a tenant, and show its secret once",
		Long: `Adds a tenant and prints its client_id and its secret. The secret is shown this
once: only a hash of it is kept. A lost one is replaced by rotate-secret. Without
--site, any page may use the tenant's tokens.`,
		Example: `  stile tenant add acme --name "Acme Ltd" --site https://www.acme.example
  stile tenant add acme --price 0.002 --calls-per-month 100000 --json`,
		Args: takes(1, 1, "one CLIENT_ID")}
	f.register(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		ch, err := f.change(c, args[0], usage.Day(p.now()))
		if err != nil {
			return err
		}
		var made operations.Credentials
		if err := p.run(c, ch, &made); err != nil {
			return err
		}
		if ch.Sites == nil {
			fmt.Fprintf(p.err, "No --site was given: any page may use this tenant's tokens. To allow only its own pages:\n  stile tenant set %s --site https://www.example.com\n", printable(args[0]))
		}
		return p.showSecret(made)
	}
	return p.prints(c)
}

func (p *program) tenantSet() *cobra.Command {
	var f tenantFlags
	c := &cobra.Command{Use: "set CLIENT_ID [KEY=VALUE…]", Short: "change a tenant",
		Long: `Changes what is given and leaves the rest. KEY=VALUE is a setting for this tenant
alone, such as policy.token.calls=500 or site=required; KEY= takes it away again,
so that the server's own is good. It holds at once, for live tokens too.
` + "`stile help settings`" + ` marks those that a tenant may have.`,
		Example: `  stile tenant set acme policy.token.calls=500 site=required
  stile tenant set acme policy.token.calls=
  stile tenant set acme --site https://www.acme.example --site https://m.acme.example
  stile tenant set acme --price 0.003@2027-01-01`,
		Args: takes(1, 100, "a CLIENT_ID and any number of KEY=VALUE")}
	f.register(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		ch, err := f.change(c, args[0], usage.Day(p.now()))
		if err != nil {
			return err
		}
		ch.Policy = map[string]string{}
		for _, pair := range args[1:] {
			name, text, has := strings.Cut(pair, "=")
			if !has {
				return useErrorf("%q is no KEY=VALUE", pair)
			}
			ch.Policy[name] = text
		}
		return p.runForTenant(c, ch)
	}
	return p.prints(c)
}

// tenantStatus returns suspend or resume.
func (p *program) tenantStatus(verb, short, long string) *cobra.Command {
	return p.prints(&cobra.Command{Use: verb + " CLIENT_ID", Short: short, Long: long,
		Example: "  stile tenant " + verb + " acme",
		Args:    takes(1, 1, "one CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.runForTenant(c, operations.TenantName{ClientID: args[0]})
		}})
}

// runForTenant performs an operation that returns a tenant, and prints the tenant.
func (p *program) runForTenant(c *cobra.Command, in any) error {
	var t operations.TenantInfo
	if err := p.run(c, in, &t); err != nil {
		return err
	}
	return p.showTenant(t)
}

func (p *program) tenantRotate() *cobra.Command {
	var overlap string
	c := &cobra.Command{Use: "rotate-secret CLIENT_ID", Short: "give a tenant a new secret, and show it once",
		Long: `Makes a new secret and prints it. The old one is good for --overlap longer, so
that the tenant can change it without a gap; without --overlap it is dead at once.
Tokens that are out stay good.`,
		Example: "  stile tenant rotate-secret acme --overlap 24h",
		Args:    takes(1, 1, "one CLIENT_ID")}
	c.Flags().StringVar(&overlap, "overlap", "0s", "`time` that the old secret stays good, such as 24h or 7d")
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := parseFor("overlap", overlap)
		if err != nil {
			return err
		}
		var made operations.Credentials
		if err := p.run(c, operations.SecretRotation{ClientID: args[0], Overlap: operations.Duration(d)}, &made); err != nil {
			return err
		}
		return p.showSecret(made)
	}
	return p.prints(c)
}

func (p *program) tenantRemove() *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "remove CLIENT_ID", Short: "remove a tenant and its own items",
		Long: `Removes a tenant, its secrets and the items that are its own. Its tokens are
refused from then on; its usage stays, for the statement. It cannot be undone:
` + "`stile tenant suspend`" + ` can.`,
		Example: "  stile tenant remove acme --yes",
		Args:    takes(1, 1, "one CLIENT_ID")}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !yes && isTerminal(p.in) && !p.confirm("Remove "+args[0]+" and its items for good? Type its client_id: ", args[0]) {
			return errors.New("nothing was removed")
		}
		var gone operations.Removed
		if err := p.run(c, operations.TenantName{ClientID: args[0]}, &gone); err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.out, gone)
		}
		fmt.Fprintf(p.out, "removed %s\n", printable(gone.Removed))
		return nil
	}
	return p.prints(c)
}

// confirm asks a person who sits at the terminal.
func (p *program) confirm(question, word string) bool {
	fmt.Fprint(p.err, printable(question))
	line, err := bufio.NewReader(p.in).ReadString('\n')
	return err == nil && strings.TrimSpace(line) == word
}
