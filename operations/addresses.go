package operations

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/lists"
)

// RangeAllowance describes a range to allow.
type RangeAllowance struct {
	// an address or a prefix; an IPv6 address means its /64
	Range  string   `json:"range"`
	For    Duration `json:"for,omitempty"`    // 0: permanently
	Reason string   `json:"reason,omitempty"` // for people; at most addresses.MaxReason bytes
	// The budget of each address, in bindings; 0: no limit.
	Bindings uint16 `json:"bindings,omitempty"`
	// Allow it even if it is wide and has no budget.
	Yes bool `json:"yes,omitempty"`
}

// Risk says what is lost if the range is allowed: all protection of a large part of the internet.
// It is "" if the range is small or its addresses have a budget.
func (a RangeAllowance) Risk() string {
	r, err := addresses.ParseRange(a.Range)
	if err != nil || a.Bindings > 0 {
		return ""
	}
	widest, wider := isWider(r, 24, 48)
	if !wider {
		return ""
	}
	return fmt.Sprintf("%s is wider than a /%d, and no rule about addresses limits what a scraper in it takes. --bindings gives each of its addresses a budget instead", r, widest)
}

// isWider reports whether a range has fewer bits than are given for its kind of address. It returns
// these.
func isWider(r netip.Prefix, bits4, bits6 int) (bits int, wider bool) {
	bits = bits4
	if r.Addr().Is6() {
		bits = bits6
	}
	return bits, r.Bits() < bits
}

// refuseRisk returns an error if a change has a risk, unless it was confirmed.
func refuseRisk(risk string, yes bool) error {
	if risk == "" || yes {
		return nil
	}
	return fmt.Errorf("%s; nothing was changed: to do it, add --yes", risk)
}

func allowRange(ctx context.Context, d *datadir.Dir, a RangeAllowance) (AddressInfo, error) {
	r, err := addresses.ParseRange(a.Range)
	if err != nil {
		return AddressInfo{}, err
	}
	if err := refuseRisk(a.Risk(), a.Yes); err != nil {
		return AddressInfo{}, err
	}
	return putEntry(ctx, d, addresses.Entry{Range: r, Kind: addresses.Allow, Reason: a.Reason, Bindings: a.Bindings}, a.For)
}

// RangeBlock describes a range to block.
type RangeBlock struct {
	Range  string   `json:"range"`            // an address or a prefix; an IPv6 address means its /64
	For    Duration `json:"for,omitempty"`    // 0: permanently
	Reason string   `json:"reason,omitempty"` // for people; at most addresses.MaxReason bytes
	// Block it even if it is wide or contains trusted proxies.
	Yes bool `json:"yes,omitempty"`
}

func blockRange(ctx context.Context, d *datadir.Dir, b RangeBlock) (AddressInfo, error) {
	r, err := addresses.ParseRange(b.Range)
	if err != nil {
		return AddressInfo{}, err
	}
	if err := refuseRisk(b.Risk(d.Settings().TrustedProxies), b.Yes); err != nil {
		return AddressInfo{}, err
	}
	return putEntry(ctx, d, addresses.Entry{Range: r, Kind: addresses.Block, Reason: b.Reason}, b.For)
}

// putEntry adds an entry that ends after a time, or never if the time is 0.
func putEntry(ctx context.Context, d *datadir.Dir, e addresses.Entry, lasts Duration) (AddressInfo, error) {
	view := AddressView{Range: e.Range.String(), Kind: string(e.Kind), Reason: e.Reason, Origin: "person"}
	if lasts > 0 {
		e.Until = d.Now().Add(time.Duration(lasts)).UTC().Truncate(time.Second)
		view.Until = &e.Until
	}
	return AddressInfo{AddressView: view, Bindings: e.Bindings}, d.Addresses.Put(ctx, e)
}

// Risk says whether blocking the range would affect a large part of the internet, or all visitors;
// "" if neither.
func (b RangeBlock) Risk(proxies []netip.Prefix) string {
	r, err := addresses.ParseRange(b.Range)
	if err != nil {
		return ""
	}
	if widest, wider := isWider(r, 8, 16); wider {
		return fmt.Sprintf("%s is wider than a /%d, so the block refuses a large part of the internet", r, widest)
	}
	for _, p := range proxies {
		if r.Overlaps(p) {
			return fmt.Sprintf("%s contains trusted proxies (%s), through which any visitor may come", r, p)
		}
	}
	return ""
}

// RangeName names an entry of the address list by its range.
type RangeName struct {
	Range string `json:"range"` // an address or a prefix; an IPv6 address means its /64
}

func removeRange(ctx context.Context, d *datadir.Dir, n RangeName) (Removed, error) {
	r, err := addresses.ParseRange(n.Range)
	if err != nil {
		return Removed{}, err
	}
	err = d.Addresses.Remove(ctx, r, d.Now())
	if errors.Is(err, addresses.ErrNotListed) {
		return Removed{}, fmt.Errorf("%s is not in the address list, and no address in it is blocked or crowded; `stile address list` shows the list", r)
	}
	return Removed{r.String()}, err
}

// keepBlock turns a rule's block into an operator's, which is permanent and refuses everything.
func keepBlock(ctx context.Context, d *datadir.Dir, k lists.RangeKeep) (AddressInfo, error) {
	e, err := lists.Kept(ctx, d, k)
	if err != nil {
		return AddressInfo{}, err
	}
	return putEntry(ctx, d, e, 0)
}
