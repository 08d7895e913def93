package lists

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

// AddressList returns the command `stile address list`.
func (p Commands) AddressList() *cobra.Command {
	var q operations.AddressQuery
	c := &cobra.Command{Use: "list",
		Long: `List the ranges that an operator has allowed or blocked, then the addresses that
the rules have blocked or consider crowded.

The rules count the tokens of each tenant separately. TENANT is the tenant whose
new tokens are blocked or challenged, or "all" for a budget that tenants share,
such as the budget of records. UNTIL is the time when the entry ends. An address stays
crowded as long as it is over its budget. With --json, until is null if the
entry is permanent or the address crowded, and tenant is absent for "all".`,
		Example: "  stile address list\n  stile address list --kind block --json",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	addAddressFilter(c, &q)
	c.RunE = func(c *cobra.Command, _ []string) error {
		all, err := p.allAddresses(c, q)
		if err != nil {
			return err
		}
		return p.showAddresses(all)
	}
	return p.Prints(c)
}

func addAddressFilter(c *cobra.Command, q *operations.AddressQuery) {
	c.Flags().StringVar(&q.Kind, "kind", "", "only lines of this `kind`: allow, block or crowded")
	c.Flags().StringVar(&q.Origin, "origin", "", "only lines of this `origin`: rule or person")
	c.Flags().StringVar(&q.Tenant, "tenant", "", "only a rule's lines about the tenant with this `client_id`")
	c.Flags().StringVar(&q.Address, "address", "", "only ranges that contain this `address`, or are in this range")
}

// allAddresses reads all pages of a list.
func (p Commands) allAddresses(c *cobra.Command, q operations.AddressQuery) (all []operations.AddressInfo, err error) {
	q.Limit = operations.MaxPage
	for {
		var page operations.AddressPage
		if err := p.Run(c, q, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Addresses...)
		if q.After = page.Next; q.After == "" {
			return all, nil
		}
	}
}

func (p Commands) showAddresses(all []operations.AddressInfo) error {
	if p.JSON() {
		views := make([]operations.AddressView, len(all))
		for i := range all {
			views[i] = all[i].AddressView
		}
		return printing.JSON(p.Out(), views)
	}
	return p.addressTable(all)
}

func (p Commands) addressTable(all []operations.AddressInfo) error {
	var rows [][]string
	for _, info := range all {
		a := addressRow{info}
		rows = append(rows, []string{a.Range, printing.OrDash(a.Kind), a.tenant(), a.until(), a.Origin, printing.OrDash(a.note())})
	}
	return printing.Table(p.Text(), "RANGE KIND TENANT UNTIL ORIGIN NOTE", rows)
}

// AddressProposals returns the command `stile address proposals`.
func (p Commands) AddressProposals() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "proposals",
		Long: `List the addresses that the rules have blocked for the longest time repeatedly, so
that you should decide: ` + "`stile address keep`" + ` blocks one permanently, and
` + "`stile address allow`" + ` with --bindings gives it a budget of its own. KIND is - if
the last block has ended.`,
		Example: "  stile address proposals\n  stile address proposals --json",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := p.allAddresses(c, operations.AddressQuery{})
			if err != nil {
				return err
			}
			return p.showAddresses(all)
		}})
}

// AddressKeep returns the command `stile address keep`.
func (p Commands) AddressKeep() *cobra.Command {
	reason := ""
	c := &cobra.Command{Use: "keep RANGE",
		Long: `Make a rule's block permanent. A rule's block refuses only the new tokens of one
tenant, and ends. The permanent one is an entry of the address list, and refuses
all calls from the range.`,
		Example: "  stile address keep 198.51.100.7\n  stile address keep 198.51.100.7 --reason \"scrapes the corpus\"",
		Args:    syntax.Takes(1, 1, "one RANGE")}
	c.Flags().StringVar(&reason, "reason", "", "reason that the address list shows: `text` of at most 256 bytes")
	c.RunE = func(c *cobra.Command, args []string) error {
		var made operations.AddressInfo
		if err := p.Run(c, operations.RangeKeep{Range: args[0], Reason: reason}, &made); err != nil {
			return err
		}
		return p.ShowEntry(made)
	}
	return p.Prints(c)
}

// AddressShow returns the command `stile address show`.
func (p Commands) AddressShow() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "show ADDRESS",
		Long: `Show what is known about an address: the lines of the address list that contain it,
the tokens that are bound to it, and its latest refusals. If the setting
log_addresses shows networks only, the refusals are those of its network.`,
		Example: "  stile address show 198.51.100.7\n  stile address show 2001:db8::7 --json",
		Args:    syntax.Takes(1, 1, "one ADDRESS"),
		RunE: func(c *cobra.Command, args []string) error {
			var s operations.AddressStory
			if err := p.Run(c, operations.AddressName{Address: args[0]}, &s); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), s)
			}
			return p.showAddress(s)
		}})
}

func (p Commands) showAddress(s operations.AddressStory) error {
	budget := strconv.Itoa(int(s.Bindings))
	if s.Bindings == 0 {
		budget = "none: it is exempt"
	}
	if err := printing.Card(p.Text(), "address", s.Address, "in lists", s.Shown, "budget", budget); err != nil {
		return err
	}
	fmt.Fprintln(p.Text())
	if err := p.addressTable(s.Lines); err != nil {
		return err
	}
	fmt.Fprintln(p.Text())
	if err := printing.Table(p.Text(), tokenHead, tokenRows(s.Tokens)); err != nil {
		return err
	}
	fmt.Fprintln(p.Text())
	return printing.Table(p.Text(), refusalHead, refusalRows(s.Refusals))
}

// ShowEntry prints an entry of the address list.
func (p Commands) ShowEntry(made operations.AddressInfo) error {
	if p.JSON() {
		return printing.JSON(p.Out(), made.AddressView)
	}
	a := addressRow{made}
	return printing.Card(p.Text(), "range", a.Range, "kind", a.Kind, "until", a.until(), "note", printing.OrDash(a.note()))
}

// addressRow is a row of the address list, in words.
type addressRow struct{ operations.AddressInfo }

// crowded is the kind of a line that the rules made and that does not refuse calls.
const crowded = "crowded"

func (a addressRow) until() string {
	switch {
	case a.Until != nil:
		return a.Until.Format(time.RFC3339)
	case a.Kind == crowded || a.Kind == "":
		return "-"
	}
	return "permanent"
}

// tenant returns the tenant that the line is about.
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
		notes = append(notes, "blocked repeatedly: `stile address block` makes the block permanent")
	}
	return strings.Join(notes, "; ")
}
