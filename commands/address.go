package commands

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/addresses"
	"stile.example/stile/settings"
)

func (p *program) addressCommand() *cobra.Command {
	return noun("address", "source addresses that are allowed, blocked or crowded",
		`Rules watch how many tokens bind to a source address: one over its budget is
crowded, and one that leaves its challenges unsolved is blocked for a while. This
list adds what a person knows: ranges to allow, such as a school's, or to block.
The narrowest range that an address is in holds. A RANGE is an address or a prefix,
IPv4 or IPv6; an IPv6 address stands for its /64.`,
		`  stile address list
  stile address allow 203.0.113.0/24 --bindings 5000 --reason "University of X"
  stile address block 198.51.100.7 --for 24h
  stile address remove 198.51.100.7`,
		p.addressList(), p.addressAllow(), p.addressBlock(), p.addressRemove())
}

func (p *program) addressList() *cobra.Command {
	return p.prints(&cobra.Command{Use: "list", Short: "list what is allowed, blocked and crowded now",
		Long: `Lists the ranges that a person has allowed or blocked, then the addresses that the
rules have blocked or found crowded. Rules count the tokens of each tenant by
themselves: TENANT is the one whose new tokens are blocked or challenged there, and
"all" stands for a budget that tenants share, such as the one of records. An entry
without an end is permanent; an address is crowded as long as it is over its
budget. With --json, until is null for both, and there is no tenant for "all".`,
		Example: "  stile address list\n  stile address list --json",
		Args:    takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var all []addressInfo
			if err := p.run(c.Context(), "address.list", none{}, &all); err != nil {
				return err
			}
			if p.json {
				views := make([]addressView, len(all))
				for i := range all {
					views[i] = all[i].addressView
				}
				return writeJSON(p.out, views)
			}
			var rows [][]string
			for _, a := range all {
				rows = append(rows, []string{a.Range, a.Kind, a.tenant(), a.until(), a.Origin, cellOr(a.note())})
			}
			return table(p.out, "RANGE KIND TENANT UNTIL ORIGIN NOTE", rows)
		}})
}

func (p *program) addressAllow() *cobra.Command {
	var bindings uint16
	var change func(text string) (addressChange, error)
	c := &cobra.Command{Use: "allow RANGE", Short: "keep a range from being crowded or blocked",
		Long: `Allows a range, from the next call on: its addresses are never crowded or blocked,
not even by a block that the rules have made already. With --bindings they have a
budget of their own instead, so that a script among many people is still seen; a
block that the rules have made goes on then, and ` + "`stile address remove`" + ` lifts it.`,
		Example: "  stile address allow 203.0.113.0/24 --bindings 5000 --reason \"University of X\"\n  stile address allow 2001:db8::/48 --for 7d",
		Args:    takes(1, 1, "one RANGE")}
	change = changeFlags(c, addresses.Allow)
	c.Flags().Uint16Var(&bindings, "bindings", 0, "`number` of tokens that one address of it may bind in policy.address.per; 0: any")
	c.RunE = func(c *cobra.Command, args []string) error {
		ch, err := change(args[0])
		if err != nil {
			return err
		}
		if bindings > settings.MaxBindings {
			return useErrorf("--bindings %d is not allowed; allowed: up to %d", bindings, settings.MaxBindings)
		}
		ch.Bindings = bindings
		return p.changeAddress(c, ch)
	}
	return p.prints(c)
}

func (p *program) addressBlock() *cobra.Command {
	var yes bool
	var change func(text string) (addressChange, error)
	c := &cobra.Command{Use: "block RANGE", Short: "refuse all calls from a range",
		Long: `Blocks a range: all calls from it are refused with address_blocked, from the next
one on. (A block by a rule refuses only new tokens of one tenant.) A range wider
than a /8 (IPv6: /16), or one with trusted proxies in it, is not blocked without
--yes: it would shut out a part of the world, or everybody.`,
		Example: "  stile address block 198.51.100.7 --for 24h --reason \"pulls the corpus\"\n  stile address block 2001:db8:7::/48",
		Args:    takes(1, 1, "one RANGE")}
	change = changeFlags(c, addresses.Block)
	c.Flags().BoolVar(&yes, "yes", false, "block it, however wide it is")
	c.RunE = func(c *cobra.Command, args []string) error {
		ch, err := change(args[0])
		if err != nil {
			return err
		}
		ch.Yes = yes
		return p.changeAddress(c, ch)
	}
	return p.prints(c)
}

func (p *program) addressRemove() *cobra.Command {
	return p.prints(&cobra.Command{Use: "remove RANGE", Short: "take a range off the list, and lift the rules' blocks in it",
		Long: `Removes the entry of exactly this range, and gives every address in it a clean
sheet: blocks of the rules end, and crowds are counted anew.`,
		Example: "  stile address remove 198.51.100.7",
		Args:    takes(1, 1, "one RANGE"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := addresses.ParseRange(args[0]); err != nil {
				return useErrorf("%v", err)
			}
			var gone string
			if err := p.run(c.Context(), "address.remove", args[0], &gone); err != nil {
				return err
			}
			if p.json {
				return writeJSON(p.out, map[string]string{"removed": gone})
			}
			_, err := fmt.Fprintf(p.out, "removed %s\n", gone)
			return err
		}})
}

// changeFlags are those that allow and block share, and what they say.
func changeFlags(c *cobra.Command, kind addresses.EntryKind) func(string) (addressChange, error) {
	var lasts, reason string
	c.Flags().StringVar(&lasts, "for", "", "`time` that it holds, such as 24h or 7d; not given: for good")
	c.Flags().StringVar(&reason, "reason", "", "`text` for people, why it is so")
	return func(text string) (ch addressChange, err error) {
		if _, err := addresses.ParseRange(text); err != nil {
			return ch, useErrorf("%v", err)
		}
		ch = addressChange{Range: text, Kind: kind, Reason: reason}
		if c.Flags().Changed("for") {
			if ch.For, err = parseFor("for", lasts); err != nil {
				return ch, err
			}
			if ch.For < time.Second {
				return ch, useErrorf("--for %s is no time; leave it out for good, or `stile address remove` ends it", lasts)
			}
		}
		if len(reason) > addresses.MaxReason {
			return ch, useErrorf("--reason is longer than %d bytes", addresses.MaxReason)
		}
		return ch, nil
	}
}

func (p *program) changeAddress(c *cobra.Command, ch addressChange) error {
	var made addressInfo
	if err := p.run(c.Context(), "address.put", ch, &made); err != nil {
		return err
	}
	if p.json {
		return writeJSON(p.out, made.addressView)
	}
	return card(p.out, "range", made.Range, "kind", made.Kind, "until", made.until(), "note", cellOr(made.note()))
}
