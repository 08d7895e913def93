package lists

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/operations/paging"
)

// AddressView is what --json prints of a line of the address list.
type AddressView struct {
	Range string `json:"range"`
	Kind  string `json:"kind"` // allow, block or crowded
	// Null: permanent or, if crowded, as long as the address is over its budget.
	Until  *time.Time `json:"until"`
	Reason string     `json:"reason"`
	Origin string     `json:"origin"` // rule or person
	// Of a rule's line: the client_id of the tenant whose tokens it is about; empty: all.
	Tenant string `json:"tenant,omitempty"`
}

// AddressInfo is a line with what people want to know in addition.
type AddressInfo struct {
	AddressView
	Bindings uint16 `json:"bindings,omitempty"` // of an allow: its own budget; 0: none
	// Blocked so often that a permanent block is suggested.
	SuggestBlock bool `json:"suggest_block,omitempty"`
}

// AddressQuery selects lines of the address list. An empty field does not limit it.
type AddressQuery struct {
	Kind   string `json:"kind,omitempty"`   // allow, block or crowded
	Origin string `json:"origin,omitempty"` // rule or person
	Tenant string `json:"tenant,omitempty"` // client_id
	// Lines whose range contains this address, or is in this range.
	Address string `json:"address,omitempty"`
	After   string `json:"after,omitempty"` // next of the page before
	Limit   int    `json:"limit,omitempty"` // 1 to 1,000; 0: 100
}

// AddressPage is a part of the address list.
type AddressPage struct {
	Addresses []AddressInfo `json:"addresses"`
	Next      string        `json:"next,omitempty"` // the after of the next page; "": there is none
}

// Addresses implements `address list`: persons' lines before rules', then by range.
func Addresses(ctx context.Context, d *datadir.Dir, q AddressQuery) (AddressPage, error) {
	if err := q.check(); err != nil {
		return AddressPage{}, err
	}
	lines, err := d.Addresses.Lines(ctx, d.Now())
	if err != nil {
		return AddressPage{}, err
	}
	return pageOfLines(ctx, d, q, lines)
}

// Proposals implements `address proposals`: the addresses that rules blocked so often that an
// operator should decide about them.
func Proposals(ctx context.Context, d *datadir.Dir, q AddressQuery) (AddressPage, error) {
	if err := q.check(); err != nil {
		return AddressPage{}, err
	}
	lines, err := d.Addresses.Proposals(ctx, d.Now())
	if err != nil {
		return AddressPage{}, err
	}
	return pageOfLines(ctx, d, q, lines)
}

func (q AddressQuery) check() error {
	if q.Kind != "" && q.Kind != "allow" && q.Kind != "block" && q.Kind != "crowded" {
		return failure.New(failure.Invalid, "kind %.40q: must be allow, block or crowded", q.Kind)
	}
	if q.Origin != "" && q.Origin != "rule" && q.Origin != "person" {
		return failure.New(failure.Invalid, "origin %.40q: must be rule or person", q.Origin)
	}
	return nil
}

// pageOfLines returns a page of the lines that a query selects.
func pageOfLines(ctx context.Context, d *datadir.Dir, q AddressQuery, lines []addresses.Line) (page AddressPage, err error) {
	page.Addresses = []AddressInfo{}
	limit, err := limitOf(q.Limit)
	if err != nil {
		return page, err
	}
	tenant, err := lookup.Number(d, q.Tenant)
	if err != nil {
		return page, err
	}
	after, err := parseLinePosition(q.After)
	if err != nil {
		return page, err
	}
	within := netip.Prefix{}
	if q.Address != "" {
		if within, err = addresses.ParseRange(q.Address); err != nil {
			return page, failure.Of(failure.Invalid, err)
		}
	}
	lines = slices.DeleteFunc(lines, func(l addresses.Line) bool {
		return q.Kind != "" && l.Kind != q.Kind || q.Origin != "" && l.Origin != q.Origin || tenant != 0 && l.Tenant != tenant ||
			within.IsValid() && !within.Overlaps(l.Range) || q.After != "" && compareLines(l, after) <= 0
	})
	slices.SortFunc(lines, compareLines)
	lines, last := paging.Cut(lines, limit)
	if last != nil {
		page.Next = linePosition(*last)
	}
	page.Addresses, err = viewLines(ctx, d, lines)
	return page, err
}

// AllAddresses returns the whole address list.
func AllAddresses(ctx context.Context, d *datadir.Dir) ([]AddressInfo, error) {
	lines, err := d.Addresses.Lines(ctx, d.Now())
	if err != nil {
		return nil, err
	}
	slices.SortFunc(lines, compareLines)
	return viewLines(ctx, d, lines)
}

// compareLines orders the address list: persons' lines first, then by range and tenant.
func compareLines(a, b addresses.Line) int {
	return cmp.Or(strings.Compare(a.Origin, b.Origin), a.Range.Addr().Compare(b.Range.Addr()), cmp.Compare(a.Range.Bits(), b.Range.Bits()), cmp.Compare(a.Tenant, b.Tenant))
}

// linePosition returns the place of a line in the list: what orders it.
func linePosition(l addresses.Line) string {
	return l.Origin + "_" + l.Range.String() + "_" + strconv.FormatUint(uint64(l.Tenant), 10)
}

func parseLinePosition(text string) (l addresses.Line, err error) {
	if text == "" {
		return l, nil
	}
	parts := strings.Split(text, "_")
	if len(parts) == 3 {
		l.Origin = parts[0]
		var tenant uint64
		l.Range, err = netip.ParsePrefix(parts[1])
		if err == nil {
			tenant, err = strconv.ParseUint(parts[2], 10, 32)
		}
		if l.Tenant = uint32(tenant); err == nil {
			return l, nil
		}
	}
	return l, failure.New(failure.Invalid, "after %.60q: must be the next of an earlier page", text)
}

func viewLines(ctx context.Context, d *datadir.Dir, lines []addresses.Line) ([]AddressInfo, error) {
	entries, err := d.Store.Entries(ctx)
	if err != nil {
		return nil, err
	}
	budgets := map[netip.Prefix]uint16{}
	for _, e := range entries {
		budgets[e.Range] = e.Bindings
	}
	all := make([]AddressInfo, len(lines))
	for i, l := range lines {
		all[i] = AddressInfo{viewLine(l), 0, l.Propose}
		all[i].Tenant = d.TenantName(l.Tenant)
		if l.Kind == string(addresses.Allow) {
			all[i].Bindings = budgets[l.Range]
		}
	}
	return all, nil
}

func viewLine(l addresses.Line) AddressView {
	v := AddressView{Range: l.Range.String(), Kind: l.Kind, Reason: l.Reason, Origin: l.Origin}
	if l.Until != 0 && l.Until != addresses.Forever {
		until := time.Unix(l.Until, 0).UTC()
		v.Until = &until
	}
	return v
}

// AddressName names an address.
type AddressName struct {
	Address string `json:"address"`
}

// AddressStory is what is known about an address.
type AddressStory struct {
	Address string `json:"address"` // as the rules count it
	Shown   string `json:"shown"`   // as the setting log_addresses shows it
	// Lines of the address list whose range contains it.
	Lines []AddressInfo `json:"lines"`
	// Bindings that it may make in policy.address.per, and in general; 0 of the first: it is exempt.
	Bindings uint16        `json:"bindings"`
	Usual    uint16        `json:"usual_bindings"`
	Tokens   []TokenLine   `json:"tokens"`   // bound to it, the last used first; at most 20
	Refusals []RefusalLine `json:"refusals"` // the newest first; at most 20
	// Whether refusals are those of a network that contains it, by log_addresses.
	IsNetwork bool `json:"refusals_of_network,omitempty"`
}

const storyLines = 20

// ShowAddress implements `address show`.
func ShowAddress(ctx context.Context, d *datadir.Dir, n AddressName) (s AddressStory, err error) {
	a, err := addressOf(n.Address)
	if err != nil {
		return s, err
	}
	s = AddressStory{Address: a.String(), Shown: d.ShowAddress(a)}
	s.IsNetwork = strings.Contains(s.Shown, "/")
	s.Bindings, s.Usual = d.Addresses.Bindings(a, d.Now())
	page, err := Addresses(ctx, d, AddressQuery{Address: a.String(), Limit: paging.Max})
	if err != nil {
		return s, err
	}
	s.Lines = page.Addresses
	list, err := Tokens(ctx, d, TokenQuery{Address: a.String(), Limit: storyLines})
	if err != nil {
		return s, err
	}
	s.Tokens = list.Tokens
	refused, err := Refusals(ctx, d, RefusalQuery{Address: a.String(), Limit: storyLines})
	s.Refusals = refused.Refusals
	return s, err
}

// RangeKeep turns a rule's block into an operator's.
type RangeKeep struct {
	Range  string `json:"range"`            // as the address list shows it
	Reason string `json:"reason,omitempty"` // for people; empty: that of the rule
}

// About returns what the input is about.
func (k RangeKeep) About() string { return k.Range }

// errNotBlocked says that there is nothing to keep.
var errNotBlocked = errors.New("no rule blocks it, and it is not proposed for a permanent block; `stile address block` blocks any range")

// Kept returns the entry that keeps what the rules decided about a range: a permanent block.
func Kept(ctx context.Context, d *datadir.Dir, k RangeKeep) (e addresses.Entry, err error) {
	r, err := addresses.ParseRange(k.Range)
	if err != nil {
		return e, failure.Of(failure.Invalid, err)
	}
	lines, err := d.Addresses.Lines(ctx, d.Now())
	if err != nil {
		return e, err
	}
	proposals, err := d.Addresses.Proposals(ctx, d.Now())
	if err != nil {
		return e, err
	}
	e = addresses.Entry{Range: r, Kind: addresses.Block, Reason: k.Reason}
	for _, l := range append(lines, proposals...) {
		if l.Range == r && l.Origin == "rule" && (l.Kind == string(addresses.Block) || l.Propose) {
			e.Reason = cmp.Or(e.Reason, l.Reason, "blocked repeatedly by a rule")
			return e, nil
		}
	}
	return e, failure.New(failure.Conflict, "%s: %w", r, errNotBlocked)
}
