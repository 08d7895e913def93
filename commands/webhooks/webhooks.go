// Package webhooks has the commands about webhooks.
package webhooks

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/host"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/events"
	"stile.example/stile/operations/webhooks"
)

// Commands makes the commands of a program.
type Commands struct{ host.Program }

// Webhook returns the noun webhook with its verbs.
func (p Commands) Webhook() *cobra.Command {
	return syntax.Noun("webhook", "the URLs that are informed about events",
		`A webhook is a URL to which the server sends events: a tenant's quota is nearly
used up, an import failed, an address is proposed for a permanent block. Each
request is signed as Standard Webhooks says, and repeated for 24 h until the
receiver responds with 2xx. docs/webhooks.md lists the events.`,
		`  stile webhook add https://ops.example/stile --event tenant.quota
  stile webhook test whk_4kz2m7q1v8xa
  stile webhook deliveries whk_4kz2m7q1v8xa --state failed`,
		p.add(), p.list(), p.show(), p.set(), p.remove(), p.rotate(), p.test(), p.deliveries(), p.replay())
}

const oneID = "the ID of a webhook"

func (p Commands) add() *cobra.Command {
	var types []string
	var tenant string
	c := &cobra.Command{Use: "add URL",
		Long: `Send events to a URL, and print the secret with which the receiver checks their
signatures. The secret can't be shown again; ` + "`stile webhook rotate-secret`" + ` creates a
new one. The URL must begin with https:// and lead to a public address, unless
the setting webhooks.targets allows more. Without --event, all events are sent.`,
		Example: `  stile webhook add https://ops.example/stile
  stile webhook add https://ops.example/stile --event import.failed
  stile webhook add https://acme.example/h --tenant acme --event tenant.quota`,
		Args: syntax.Takes(1, 1, "one URL")}
	c.Flags().StringArrayVar(&types, "event", nil, "`type` of the events to send, such as tenant.quota; can be repeated")
	c.Flags().StringVar(&tenant, "tenant", "", "send only events about the tenant with this `client_id`")
	c.RunE = func(c *cobra.Command, args []string) error {
		var made webhooks.Created
		if err := p.Run(c, webhooks.Addition{URL: args[0], Events: typesOf(types), Tenant: tenant}, &made); err != nil {
			return err
		}
		return p.showSecret(made)
	}
	return p.Prints(c)
}

func typesOf(texts []string) (list []events.Type) {
	for _, t := range texts {
		list = append(list, events.Type(t))
	}
	return list
}

// showSecret prints a secret, which can't be shown again.
func (p Commands) showSecret(made webhooks.Created) error {
	if p.JSON() {
		return printing.JSON(p.Out(), made)
	}
	fmt.Fprintf(p.Err(), "Give the secret to the receiver now: it can't be shown again.\n")
	return printing.Card(p.Text(), "id", made.ID, "url", made.URL, "events", typeList(made.Events), "secret", made.Secret)
}

func typeList(list []events.Type) string {
	if len(list) == 0 {
		return "all"
	}
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = string(t)
	}
	return strings.Join(texts, " ")
}

func (p Commands) list() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "list",
		Long:    "List the webhooks, whether their receivers respond, and how many deliveries wait.",
		Example: "  stile webhook list --json",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var all []webhooks.View
			if err := p.Run(c, webhooks.None{}, &all); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), all)
			}
			var rows [][]string
			for _, w := range all {
				rows = append(rows, []string{w.ID, w.Status, strconv.Itoa(w.Waiting), printing.OrDash(w.Tenant), typeList(w.Events), w.URL})
			}
			return printing.Table(p.Text(), "ID STATUS WAITING TENANT EVENTS URL", rows)
		}})
}

func (p Commands) show() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "show ID",
		Long:    "Show one webhook, without its secret.",
		Example: "  stile webhook show whk_4kz2m7q1v8xa",
		Args:    syntax.Takes(1, 1, oneID),
		RunE: func(c *cobra.Command, args []string) error {
			return p.showView(c, webhooks.Name{ID: args[0]})
		}})
}

// showView performs an operation that returns a webhook, and prints it.
func (p Commands) showView(c *cobra.Command, in any) error {
	var w webhooks.View
	if err := p.Run(c, in, &w); err != nil {
		return err
	}
	if p.JSON() {
		return printing.JSON(p.Out(), w)
	}
	status := w.Status
	if w.Reason != "" {
		status += ": " + w.Reason
	}
	pairs := []string{"id", w.ID, "url", w.URL, "events", typeList(w.Events), "tenant", printing.OrDash(w.Tenant), "status", status,
		"failing since", printing.Time(w.FailingSince), "last delivery", printing.Time(w.SucceededAt),
		"waiting", strconv.Itoa(w.Waiting), "dropped", strconv.FormatInt(w.Dropped, 10), "created", printing.Time(&w.CreatedAt)}
	if w.OldSecretUntil != nil {
		pairs = append(pairs, "old secret until", printing.Time(w.OldSecretUntil))
	}
	return printing.Card(p.Text(), pairs...)
}

func (p Commands) set() *cobra.Command {
	var types []string
	var url, tenant string
	var all, enable, disable bool
	c := &cobra.Command{Use: "set ID",
		Long: `Change only what is given. A disabled webhook gets no events, except tests. Those
that wait for it are sent if it is enabled within 24 h. --event replaces the list
of events.`,
		Example: `  stile webhook set whk_4kz2m7q1v8xa --enable
  stile webhook set whk_4kz2m7q1v8xa --event tenant.quota --event import.failed
  stile webhook set whk_4kz2m7q1v8xa --all-events --tenant ""`,
		Args: syntax.Takes(1, 1, oneID)}
	f := c.Flags()
	f.StringVar(&url, "url", "", "new `URL`")
	f.StringArrayVar(&types, "event", nil, "`type` of the events to send; can be repeated")
	f.BoolVar(&all, "all-events", false, "send all events")
	f.StringVar(&tenant, "tenant", "", "send only events about the tenant with this `client_id`; empty: all events")
	f.BoolVar(&enable, "enable", false, "enable it")
	f.BoolVar(&disable, "disable", false, "disable it")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case enable && disable:
			return syntax.Errorf("--enable and --disable must not be given together")
		case all && types != nil:
			return syntax.Errorf("--event and --all-events must not be given together")
		case f.NFlag() == 0 || f.NFlag() == 1 && f.Changed("json"):
			return syntax.Errorf("`%s` needs at least one flag that changes something; see `%s --help`", c.CommandPath(), c.CommandPath())
		}
		ch := webhooks.Change{ID: args[0]}
		if f.Changed("url") {
			ch.URL = &url
		}
		if f.Changed("tenant") {
			ch.Tenant = &tenant
		}
		if list := typesOf(types); list != nil || all {
			ch.Events = &list
		}
		if enable || disable {
			ch.Enabled = &enable
		}
		return p.showView(c, ch)
	}
	return p.Prints(c)
}

func (p Commands) remove() *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "remove ID",
		Long: `Remove a webhook, its deliveries and its secret. Events that wait for it are not
sent. To stop it for a while instead, use ` + "`stile webhook set ID --disable`" + `.`,
		Example: "  stile webhook remove whk_4kz2m7q1v8xa --yes",
		Args:    syntax.Takes(1, 1, oneID)}
	confirmation.AddYes(c, &yes)
	c.RunE = func(c *cobra.Command, args []string) error {
		if !yes { // an unknown one is an error, and needs no question
			var known webhooks.View
			if err := p.Look(c, "webhook show", webhooks.Name{ID: args[0]}, &known); err != nil {
				return err
			}
		}
		if err := p.Prompt().Confirm(yes, "the webhook "+args[0]+", its secret and its deliveries are removed", args[0]); err != nil {
			return err
		}
		var gone webhooks.Removed
		if err := p.Run(c, webhooks.Name{ID: args[0]}, &gone); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), gone)
		}
		_, err := fmt.Fprintf(p.Text(), "removed %s\n", printing.Safe(gone.Removed))
		return err
	}
	return p.Prints(c)
}

func (p Commands) rotate() *cobra.Command {
	var overlap string
	c := &cobra.Command{Use: "rotate-secret ID",
		Long: `Create a new secret and print it. Until the end of --overlap, each request has two
signatures, by the new and by the old secret, so that the receiver can replace
its secret without an interruption.`,
		Example: "  stile webhook rotate-secret whk_4kz2m7q1v8xa --overlap 7d",
		Args:    syntax.Takes(1, 1, oneID)}
	c.Flags().StringVar(&overlap, "overlap", "24h", "`duration` for which the old secret signs too, such as 24h or 7d")
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := syntax.ParseDuration("overlap", overlap)
		if err != nil {
			return err
		}
		var made webhooks.Created
		if err := p.Run(c, webhooks.Rotation{ID: args[0], Overlap: int64(d / time.Second)}, &made); err != nil {
			return err
		}
		return p.showSecret(made)
	}
	return p.Prints(c)
}
