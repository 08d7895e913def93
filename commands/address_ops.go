package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"stile.example/stile/addresses"
)

// addressView is what --json prints of a line of the address list.
type addressView struct {
	Range  string     `json:"range"`
	Kind   string     `json:"kind"`  // allow, block or crowded
	Until  *time.Time `json:"until"` // null: for good; of a crowd: as long as it lasts
	Reason string     `json:"reason"`
	Origin string     `json:"origin"`           // rule or person
	Tenant string     `json:"tenant,omitempty"` // client_id of the tenant whose tokens a rule's line is about; "": all
}

// addressInfo is what a person is shown of one.
type addressInfo struct {
	addressView
	Bindings uint16 // of an allow: its own budget; 0: none
	Propose  bool   // blocked so often that a person should look
}

// crowded is the kind of a line that the rules made and that refuses nobody.
const crowded = "crowded"

func (i addressInfo) until() string {
	switch {
	case i.Until != nil:
		return i.Until.Format(time.RFC3339)
	case i.Kind == crowded:
		return "-"
	}
	return "for good"
}

// tenant is whose tokens the line is about.
func (i addressInfo) tenant() string {
	return cmp.Or(i.Tenant, "all")
}

func (i addressInfo) note() string {
	var notes []string
	if i.Bindings > 0 {
		notes = append(notes, fmt.Sprintf("up to %d bindings", i.Bindings))
	}
	if i.Reason != "" {
		notes = append(notes, i.Reason)
	}
	if i.Propose {
		notes = append(notes, "blocked again and again: `stile address block` would make it for good")
	}
	return strings.Join(notes, "; ")
}

func listAddresses(ctx context.Context, a *app, _ none) ([]addressInfo, error) {
	lines, err := a.book.Lines(ctx, a.now())
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(lines, func(x, y addresses.Line) int { // a person's come first
		if x.Origin != y.Origin {
			return strings.Compare(x.Origin, y.Origin)
		}
		return x.Range.Addr().Compare(y.Range.Addr())
	})
	budgets, err := a.budgets(ctx)
	all := make([]addressInfo, len(lines))
	for i, l := range lines {
		all[i] = addressInfo{viewLine(l), 0, l.Propose}
		all[i].Tenant = a.tenantName(l.Tenant)
		if l.Kind == string(addresses.Allow) {
			all[i].Bindings = budgets[l.Range]
		}
	}
	return all, err
}

func viewLine(l addresses.Line) addressView {
	v := addressView{Range: l.Range.String(), Kind: l.Kind, Reason: l.Reason, Origin: l.Origin}
	if l.Until != 0 && l.Until != addresses.Forever {
		until := time.Unix(l.Until, 0).UTC()
		v.Until = &until
	}
	return v
}

// budgets are the bindings that allowed ranges have of their own.
func (a *app) budgets(ctx context.Context) (map[netip.Prefix]uint16, error) {
	entries, err := a.db.Entries(ctx)
	if err != nil {
		return nil, fmt.Errorf("read address list: %w", err)
	}
	all := map[netip.Prefix]uint16{}
	for _, e := range entries {
		all[e.Range] = e.Bindings
	}
	return all, nil
}

// addressChange is an entry to write.
type addressChange struct {
	Range    string
	Kind     addresses.EntryKind
	For      time.Duration // 0: for good
	Reason   string
	Bindings uint16
	Yes      bool // however wide
}

func putAddress(ctx context.Context, a *app, ch addressChange) (addressInfo, error) {
	r, err := addresses.ParseRange(ch.Range)
	if err != nil {
		return addressInfo{}, err
	}
	if ch.Kind == addresses.Block && !ch.Yes {
		if err := checkBlockRange(r, a.settings().TrustedProxies); err != nil {
			return addressInfo{}, err
		}
	}
	e := addresses.Entry{Range: r, Kind: ch.Kind, Reason: ch.Reason, Bindings: ch.Bindings}
	made := addressInfo{addressView{Range: r.String(), Kind: string(ch.Kind), Reason: ch.Reason, Origin: "person"}, ch.Bindings, false}
	if ch.For > 0 {
		e.Until = a.now().Add(ch.For).UTC().Truncate(time.Second)
		made.Until = &e.Until
	}
	return made, a.book.Put(ctx, e)
}

// checkBlockRange refuses to block what would shut out a part of the world, or
// everybody.
func checkBlockRange(r netip.Prefix, proxies []netip.Prefix) error {
	widest := 8
	if r.Addr().Is6() {
		widest = 16
	}
	if r.Bits() < widest {
		return fmt.Errorf("%s is wider than a /%d; with --yes it is blocked all the same", r, widest)
	}
	for _, p := range proxies {
		if r.Overlaps(p) {
			return fmt.Errorf("%s holds trusted proxies (%s), through which everybody may come; with --yes it is blocked all the same", r, p)
		}
	}
	return nil
}

func removeAddress(ctx context.Context, a *app, text string) (string, error) {
	r, err := addresses.ParseRange(text)
	if err != nil {
		return "", err
	}
	err = a.book.Remove(ctx, r, a.now())
	if errors.Is(err, addresses.ErrNotListed) {
		return "", fmt.Errorf("%s is not in the list, and no address in it is blocked or crowded; `stile address list` lists them", r)
	}
	return r.String(), err
}
