package commands

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/addresses"
	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

func (p *program) addressCommand() *cobra.Command {
	return syntax.Noun("address", "the address list: ranges that are allowed, blocked or crowded",
		`Rules count the tokens that bind to each source address. An address over its
budget is crowded. A crowded address that leaves its challenges unsolved is
blocked for a while. The address list adds what an operator knows: ranges to
allow, such as a school's, and ranges to block. If an address is in several
ranges, the narrowest applies.

A RANGE is an address or a prefix, IPv4 or IPv6. An IPv6 address represents its /64.`,
		`  stile address list
  stile address allow 203.0.113.0/24 --bindings 5000 --reason "University of X"
  stile address block 198.51.100.7 --for 24h
  stile address remove 198.51.100.7`,
		p.lists().AddressList(), p.lists().AddressShow(), p.lists().AddressProposals(), p.addressAllow(), p.addressBlock(), p.lists().AddressKeep(), p.addressRemove())
}

func (p *program) addressAllow() *cobra.Command {
	var f rangeFlags
	var bindings uint16
	var yes bool
	c := &cobra.Command{Use: "allow RANGE",
		Long: `Allow a range from the next call on. Its addresses are never crowded or blocked,
and existing blocks by the rules have no effect.

With --bindings, each address gets a budget of its own instead, so that a script
among many people is still noticed. Existing blocks by the rules then continue;
` + "`stile address remove`" + ` lifts them.

Without --bindings, the command asks before it allows a range that is wider than
a /24 (IPv6: /48), or needs --yes: no rule limits what a scraper in it takes.`,
		Example: "  stile address allow 203.0.113.0/24 --bindings 5000 --reason \"University of X\"\n  stile address allow 2001:db8::/48 --for 7d",
		Args:    syntax.Takes(1, 1, "one RANGE")}
	f.register(c)
	confirmation.AddYes(c, &yes)
	c.Flags().Uint16Var(&bindings, "bindings", 0, "budget of each address: `number` of tokens that it may bind in policy.address.per; 0: no limit")
	c.RunE = func(c *cobra.Command, args []string) error {
		lasts, err := f.check(c, args[0])
		if err != nil {
			return err
		}
		if bindings > settings.MaxBindings {
			return syntax.Errorf("--bindings %d: must be at most %d", bindings, settings.MaxBindings)
		}
		a := operations.RangeAllowance{Range: args[0], For: lasts, Reason: f.reason, Bindings: bindings}
		if a.Yes, err = p.confirmRisk(yes, a.Risk()); err != nil {
			return err
		}
		return p.changeAddress(c, a)
	}
	return p.prints(c)
}

func (p *program) addressBlock() *cobra.Command {
	var f rangeFlags
	var yes bool
	c := &cobra.Command{Use: "block RANGE",
		Long: `From the next call on, refuse all calls from a range, with the code
address_blocked. (A block by a rule refuses only the new tokens of one tenant.)

The command asks before it blocks a range that is wider than a /8 (IPv6: /16) or
contains trusted proxies, or needs --yes: that affects a large part of the
internet, or all visitors.`,
		Example: "  stile address block 198.51.100.7 --for 24h --reason \"scrapes the corpus\"\n  stile address block 2001:db8:7::/48",
		Args:    syntax.Takes(1, 1, "one RANGE")}
	f.register(c)
	confirmation.AddYes(c, &yes)
	c.RunE = func(c *cobra.Command, args []string) error {
		lasts, err := f.check(c, args[0])
		if err != nil {
			return err
		}
		s, err := p.settings(nil)
		if err != nil {
			return err
		}
		b := operations.RangeBlock{Range: args[0], For: lasts, Reason: f.reason}
		if b.Yes, err = p.confirmRisk(yes, b.Risk(s.TrustedProxies)); err != nil {
			return err
		}
		return p.changeAddress(c, b) // the server checks it against its own trusted proxies
	}
	return p.prints(c)
}

// confirmRisk asks before a change that has a risk, unless --yes was given. It returns whether the
// change is confirmed.
func (p *program) confirmRisk(yes bool, risk string) (bool, error) {
	if yes || risk == "" {
		return yes, nil
	}
	err := p.prompt().Confirm(false, risk, "yes")
	return err == nil, err
}

func (p *program) addressRemove() *cobra.Command {
	return p.prints(&cobra.Command{Use: "remove RANGE",
		Long: `Remove the entry of exactly this range, and reset the counts of every address in
it: blocks by the rules end, and no address in the range is crowded.`,
		Example: "  stile address remove 198.51.100.7",
		Args:    syntax.Takes(1, 1, "one RANGE"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := addresses.ParseRange(args[0]); err != nil {
				return syntax.Errorf("%v", err)
			}
			var gone operations.Removed
			if err := p.run(c, operations.RangeName{Range: args[0]}, &gone); err != nil {
				return err
			}
			if p.json {
				return printing.JSON(p.out, gone)
			}
			_, err := fmt.Fprintf(p.out, "removed %s\n", gone.Removed)
			return err
		}})
}

// rangeFlags are the flags that allow and block share.
type rangeFlags struct{ lasts, reason string }

func (f *rangeFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.lasts, "for", "", "`duration` of the entry, such as 24h or 7d (default: permanent)")
	c.Flags().StringVar(&f.reason, "reason", "", "reason that the address list shows: `text` of at most 256 bytes")
}

// check checks the range and the flags, and returns how long the entry lasts; 0: permanently.
func (f *rangeFlags) check(c *cobra.Command, text string) (lasts operations.Duration, err error) {
	if _, err := addresses.ParseRange(text); err != nil {
		return 0, syntax.Errorf("%v", err)
	}
	if c.Flags().Changed("for") {
		d, err := syntax.ParseDuration("for", f.lasts)
		if err != nil {
			return 0, err
		}
		if d < time.Second {
			return 0, syntax.Errorf("--for %s: must be at least 1s; leave it out for a permanent entry, or use `stile address remove` to end one", f.lasts)
		}
		lasts = operations.Duration(d)
	}
	if len(f.reason) > addresses.MaxReason {
		return 0, syntax.Errorf("--reason: must be at most %d bytes long", addresses.MaxReason)
	}
	return lasts, nil
}

// changeAddress adds an entry and prints it.
func (p *program) changeAddress(c *cobra.Command, in any) error {
	var made operations.AddressInfo
	if err := p.run(c, in, &made); err != nil {
		return err
	}
	return p.lists().ShowEntry(made)
}
