package commands

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/developers"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/commands/tenantflags"
	"stile.example/stile/operations"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/readable"
	"stile.example/stile/usage"
)

func (p *program) tenantCommand(own developers.Commands) *cobra.Command {
	return syntax.Noun("tenant", "the organisations that may embed the corpus",
		`A tenant is an organisation that embeds the corpus in its pages. It is known by
its client_id, gets tokens with a secret, and pays for its calls.`,
		`  stile tenant add acme --name "Acme Ltd" --site https://www.acme.example
  stile tenant set acme policy.token.calls=500 --calls-per-month 100000
  stile tenant rotate-secret acme --overlap 24h`,
		p.tenantAdd(), p.tenantList(), p.tenantShow(), p.tenantSet(),
		p.tenantStatus("suspend", `Suspend a tenant: refuse its calls with tenant_suspended, and issue no tokens to
it. Nothing is deleted. `+"`stile tenant resume`"+` reverses it.`),
		p.tenantStatus("resume", `Resume a suspended tenant: admit the calls of its tokens again, and issue new
tokens to it.`),
		p.tenantRemove(), p.tenantRotate(), own.Refusals(), own.Link())
}

func (p *program) tenantAdd() *cobra.Command {
	var f tenantflags.Flags
	c := &cobra.Command{Use: "add CLIENT_ID",
		Long: `Add a tenant and print its client_id and secret. The secret can't be shown
again, because only its hash is stored. If it is lost, replace it with
` + "`stile tenant rotate-secret`" + `. Without --site, any page may use the tenant's tokens.`,
		Example: `  stile tenant add acme --name "Acme Ltd" --site https://www.acme.example
  stile tenant add acme --price 0.002 --calls-per-month 100000 --json`,
		Args: syntax.Takes(1, 1, "one CLIENT_ID")}
	f.Register(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		ch, err := f.Change(c, args[0], usage.Day(p.now()))
		if err != nil {
			return err
		}
		var made operations.Credentials
		if err := p.run(c, ch, &made); err != nil {
			return err
		}
		tenantflags.NoteInsecure(p.err, ch.InsecureSites)
		if ch.Sites != nil {
			tenantflags.NoteWWW(p.err, ch, *ch.Sites)
		} else if ch.InsecureSites == nil {
			fmt.Fprintf(p.err, "No --site was given: any page may use this tenant's tokens. To allow only the tenant's pages:\n  stile tenant set %s --site https://www.example.com\n", printing.Safe(args[0]))
		}
		return p.showSecret(made)
	}
	return p.prints(c)
}

func (p *program) tenantSet() *cobra.Command {
	var f tenantflags.Flags
	c := &cobra.Command{Use: "set CLIENT_ID [KEY=VALUE…]",
		Long: `Change only what is given. --add-site and --remove-site change the tenant's sites
one by one; --site replaces all of them. KEY=VALUE is a setting for this tenant, such as policy.token.calls=500 or site=required. KEY=
removes it, so that the server's setting applies. A change takes effect
immediately, also for existing tokens. ` + "`stile help settings`" + ` marks the settings that can be set for a
tenant.`,
		Example: `  stile tenant set acme policy.token.calls=500 site=required
  stile tenant set acme policy.token.calls=
  stile tenant set acme --add-site https://shop.acme.example
  stile tenant set acme --remove-site https://old.acme.example
  stile tenant set acme --insecure-site http://192.168.1.20:3000
  stile tenant set acme --price 0.003@2027-01-01`,
		Args: syntax.Takes(1, 100, "a CLIENT_ID and any number of KEY=VALUE")}
	f.Register(c)
	f.RegisterSet(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		ch, err := f.Change(c, args[0], usage.Day(p.now()))
		if err != nil {
			return err
		}
		ch.Policy = map[string]string{}
		for _, pair := range args[1:] {
			name, text, has := strings.Cut(pair, "=")
			if !has {
				return syntax.Errorf("%q: must be KEY=VALUE, such as policy.token.calls=500", pair)
			}
			ch.Policy[name] = text
		}
		var t operations.TenantInfo
		if err := p.run(c, ch, &t); err != nil {
			return err
		}
		tenantflags.NoteInsecure(p.err, ch.InsecureSites)
		tenantflags.NoteSites(p.err, ch, t.Sites)
		return p.showTenant(t)
	}
	return p.prints(c)
}

// tenantStatus returns the command suspend or resume.
func (p *program) tenantStatus(verb, long string) *cobra.Command {
	return p.prints(&cobra.Command{Use: verb + " CLIENT_ID", Long: long,
		Example: "  stile tenant " + verb + " acme",
		Args:    syntax.Takes(1, 1, "one CLIENT_ID"),
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
	var yes bool
	c := &cobra.Command{Use: "rotate-secret CLIENT_ID",
		Long: `Create a new secret and print it. The old secret stays valid for --overlap, so
that the tenant can replace it without an interruption. Without --overlap, the
old secret is invalid immediately, so the command asks first if it runs at a
terminal. Issued tokens stay valid.`,
		Example: "  stile tenant rotate-secret acme --overlap 24h",
		Args:    syntax.Takes(1, 1, "one CLIENT_ID")}
	c.Flags().StringVar(&overlap, "overlap", "0s", "`duration` for which the old secret stays valid, such as 24h or 7d")
	confirmation.AddYesAtTerminal(c, &yes)
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := syntax.ParseDuration("overlap", overlap)
		if err != nil {
			return err
		}
		if err := p.confirmRotation(c, args[0], d, yes); err != nil {
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
	c := &cobra.Command{Use: "remove CLIENT_ID",
		Long: `Remove a tenant, its secrets and its own items. Its tokens are refused from then
on. Its usage is kept for statements. This can't be undone. To refuse the
tenant's calls for a while instead, use ` + "`stile tenant suspend`" + `.`,
		Example: "  stile tenant remove acme --yes",
		Args:    syntax.Takes(1, 1, "one CLIENT_ID")}
	confirmation.AddYes(c, &yes)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := p.confirmRemoval(c, args[0], yes); err != nil {
			return err
		}
		var gone operations.Removed
		if err := p.run(c, operations.TenantName{ClientID: args[0]}, &gone); err != nil {
			return err
		}
		if p.json {
			return printing.JSON(p.out, gone)
		}
		fmt.Fprintf(p.out, "removed %s\n", printing.Safe(gone.Removed))
		return nil
	}
	return p.prints(c)
}

// confirmRemoval asks before a tenant is removed, and says what is lost.
func (p *program) confirmRemoval(c *cobra.Command, clientID string, yes bool) error {
	if yes {
		return nil
	}
	var t operations.TenantInfo
	if err := p.look(c, "tenant show", operations.TenantName{ClientID: clientID}, &t); err != nil {
		return err
	}
	loss := fmt.Sprintf("removing the tenant %s can't be undone: %s. Its usage is kept for statements", clientID, holdings(t))
	return p.prompt().Confirm(false, loss, clientID)
}

// holdings says what a tenant loses when it is removed.
func holdings(t operations.TenantInfo) string {
	text := fmt.Sprintf("calls with %s are refused from then on, and %s of its own, its secrets and settings are removed",
		readable.Count(t.Holdings.LiveTokens, "live token"), readable.Count(t.Holdings.Items, "item"))
	if len(t.Sites) > 0 {
		text += ". The widgets stop at " + strings.Join(t.Sites, ", ")
	}
	return text
}

// confirmRotation asks before a secret ends that a tenant's server may be using. It asks only at a
// terminal: a script that rotates secrets, as contracts with tenants demand, knows what it does.
func (p *program) confirmRotation(c *cobra.Command, clientID string, overlap time.Duration, yes bool) error {
	if yes || !p.terminal {
		return nil
	}
	var t operations.TenantInfo
	if err := p.look(c, "tenant show", operations.TenantName{ClientID: clientID}, &t); err != nil {
		return err
	}
	switch n := t.Holdings.Secrets; {
	case n == 0 || overlap > 0 && n < tenants.MaxSecrets:
		return nil
	case overlap > 0:
		return p.prompt().Confirm(false, fmt.Sprintf("%s has %d valid secrets, the maximum, so the oldest one is invalid immediately", clientID, n), "yes")
	}
	return p.prompt().Confirm(false, fmt.Sprintf("the present secret of %s is invalid immediately: its server gets no tokens until it has the new one. With --overlap 24h, both are valid for a day", clientID), "yes")
}
