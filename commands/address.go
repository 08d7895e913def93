package commands

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/addresses"
	"stile.example/stile/operations"
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
			var all []operations.AddressInfo
			if err := p.run(c, operations.None{}, &all); err != nil {
				return err
			}
			if p.json {
				views := make([]operations.AddressView, len(all))
				for i := range all {
					views[i] = all[i].AddressView
				}
				return writeJSON(p.out, views)
			}
			var rows [][]string
			for _, info := range all {
				a := addressRow{info}
				rows = append(rows, []string{a.Range, a.Kind, a.tenant(), a.until(), a.Origin, cellOr(a.note())})
			}
			return table(p.out, "RANGE KIND TENANT UNTIL ORIGIN NOTE", rows)
		}})
}

func (p *program) addressAllow() *cobra.Command {
	var f rangeFlags
	var bindings uint16
	c := &cobra.Command{Use: "allow RANGE", Short: "keep a range from being crowded or blocked",
		Long: `Allows a range, from the next call on: its addresses are never crowded or blocked,
not even by a block that the rules have made already. With --bindings they have a
budget of their own instead, so that a script among many people is still seen; a
block that the rules have made goes on then, and ` + "`stile address remove`" + ` lifts it.`,
		Example: "  stile address allow 203.0.113.0/24 --bindings 5000 --reason \"University of X\"\n  stile address allow 2001:db8::/48 --for 7d",
		Args:    takes(1, 1, "one RANGE")}
	f.register(c)
	c.Flags().Uint16Var(&bindings, "bindings", 0, "`number` of tokens that one address of it may bind in policy.address.per; 0: any")
	c.RunE = func(c *cobra.Command, args []string) error {
		lasts, err := f.check(c, args[0])
		if err != nil {
			return err
		}
		if bindings > settings.MaxBindings {
			return useErrorf("--bindings %d is not allowed; allowed: up to %d", bindings, settings.MaxBindings)
		}
		return p.changeAddress(c, operations.RangeAllowance{Range: args[0], For: lasts, Reason: f.reason, Bindings: bindings})
	}
	return p.prints(c)
}

func (p *program) addressBlock() *cobra.Command {
	var f rangeFlags
	var yes bool
	c := &cobra.Command{Use: "block RANGE", Short: "refuse all calls from a range",
		Long: `Blocks a range: all calls from it are refused with address_blocked, from the next
one on. (A block by a rule refuses only new tokens of one tenant.) A range wider
than a /8 (IPv6: /16), or one with trusted proxies in it, is not blocked without
--yes: it would shut out a part of the world, or everybody.`,
		Example: "  stile address block 198.51.100.7 --for 24h --reason \"pulls the corpus\"\n  stile address block 2001:db8:7::/48",
		Args:    takes(1, 1, "one RANGE")}
	f.register(c)
	c.Flags().BoolVar(&yes, "yes", false, "block it, however wide it is")
	c.RunE = func(c *cobra.Command, args []string) error {
		lasts, err := f.check(c, args[0])
		if err != nil {
			return err
		}
		return p.changeAddress(c, operations.RangeBlock{Range: args[0], For: lasts, Reason: f.reason, Yes: yes})
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
			var gone operations.Removed
			if err := p.run(c, operations.RangeName{Range: args[0]}, &gone); err != nil {
				return err
			}
			if p.json {
				return writeJSON(p.out, gone)
			}
			_, err := fmt.Fprintf(p.out, "removed %s\n", gone.Removed)
			return err
		}})
}

// rangeFlags are the flags that allow and block share.
type rangeFlags struct{ lasts, reason string }

func (f *rangeFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.lasts, "for", "", "`time` that it holds, such as 24h or 7d; not given: for good")
	c.Flags().StringVar(&f.reason, "reason", "", "`text` for people, why it is so")
}

// check checks the range and the flags, and returns how long the entry lasts; 0: permanently.
func (f *rangeFlags) check(c *cobra.Command, text string) (lasts operations.Duration, err error) {
	if _, err := addresses.ParseRange(text); err != nil {
		return 0, useErrorf("%v", err)
	}
	if c.Flags().Changed("for") {
		d, err := parseFor("for", f.lasts)
		if err != nil {
			return 0, err
		}
		if d < time.Second {
			return 0, useErrorf("--for %s is no time; leave it out for good, or `stile address remove` ends it", f.lasts)
		}
		lasts = operations.Duration(d)
	}
	if len(f.reason) > addresses.MaxReason {
		return 0, useErrorf("--reason is longer than %d bytes", addresses.MaxReason)
	}
	return lasts, nil
}

// changeAddress adds an entry and prints it.
func (p *program) changeAddress(c *cobra.Command, in any) error {
	var made operations.AddressInfo
	if err := p.run(c, in, &made); err != nil {
		return err
	}
	if p.json {
		return writeJSON(p.out, made.AddressView)
	}
	a := addressRow{made}
	return card(p.out, "range", a.Range, "kind", a.Kind, "until", a.until(), "note", cellOr(a.note()))
}

// addressRow is a row of the address list, in words.
type addressRow struct{ operations.AddressInfo }

// crowded is the kind of a line that the rules made and that refuses nobody.
const crowded = "crowded"

func (a addressRow) until() string {
	switch {
	case a.Until != nil:
		return a.Until.Format(time.RFC3339)
	case a.Kind == crowded:
		return "-"
	}
	return "for good"
}

// tenant is whose tokens the line is about.
func (a addressRow) tenant() string {
	return cmp.Or(a.Tenant, "all")
}

func (a addressRow) note() string {
	var notes []string
	if a.Bindings > 0 {
		notes = append(notes, fmt.Sprintf("up to %d bindings", a.Bindings))
	}
	if a.Reason != "" {
		notes = append(notes, a.Reason)
	}
	if a.SuggestBlock {
		notes = append(notes, "blocked again and again: `stile address block` would make it for good")
	}
	return strings.Join(notes, "; ")
}
