package operations

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unicode/utf8"

	"stile.example/stile/addresses"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lists"
)

// RangeAllowance describes a range to allow.
type RangeAllowance struct {
	// an address or a prefix; an IPv6 address means its /64
	Range  string   `json:"range"`
	For    Duration `json:"for,omitempty"`    // such as 24h or 7d; 0: permanently
	Reason string   `json:"reason,omitempty"` // for people; at most 256 bytes
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
	return fmt.Sprintf("%s is wider than a /%d, and no rule about addresses limits what a scraper in it takes. A number of bindings gives each of its addresses a budget instead", r, widest)
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
	return failure.New(failure.Unconfirmed, "%s; nothing was changed: confirm it with yes", risk)
}

func allowRange(ctx context.Context, d *datadir.Dir, a RangeAllowance) (AddressInfo, error) {
	e, err := a.entry(d)
	if err != nil {
		return AddressInfo{}, err
	}
	return viewAddress(e), d.Addresses.Put(ctx, e)
}

func (a RangeAllowance) entry(d *datadir.Dir) (addresses.Entry, error) {
	e, err := newEntry(d, addresses.Entry{Kind: addresses.Allow, Reason: a.Reason, Bindings: a.Bindings}, a.Range, a.For)
	if err != nil {
		return e, err
	}
	return e, refuseRisk(a.Risk(), a.Yes)
}

// RangeBlock describes a range to block.
type RangeBlock struct {
	Range  string   `json:"range"`            // an address or a prefix; an IPv6 address means its /64
	For    Duration `json:"for,omitempty"`    // such as 24h or 7d; 0: permanently
	Reason string   `json:"reason,omitempty"` // for people; at most 256 bytes
	// Block it even if it is wide or contains trusted proxies.
	Yes bool `json:"yes,omitempty"`
}

func blockRange(ctx context.Context, d *datadir.Dir, b RangeBlock) (AddressInfo, error) {
	e, err := b.entry(d)
	if err != nil {
		return AddressInfo{}, err
	}
	return viewAddress(e), d.Addresses.Put(ctx, e)
}

func (b RangeBlock) entry(d *datadir.Dir) (addresses.Entry, error) {
	e, err := newEntry(d, addresses.Entry{Kind: addresses.Block, Reason: b.Reason}, b.Range, b.For)
	if err != nil {
		return e, err
	}
	return e, refuseRisk(b.Risk(d.Settings().TrustedProxies), b.Yes)
}

// newEntry returns an entry for a range that ends after a time, or never if the time is 0.
func newEntry(d *datadir.Dir, e addresses.Entry, text string, lasts Duration) (_ addresses.Entry, err error) {
	const maxYears = 100 // a time that text and SQLite can hold
	if e.Range, err = parseRange(text); err != nil {
		return e, err
	}
	switch {
	case lasts != 0 && lasts < Duration(time.Second) || lasts > maxYears*365*24*Duration(time.Hour):
		text, _ := lasts.MarshalText() // can't fail
		return e, failure.New(failure.Invalid, "for %s: must be from 1s to %d years; without it, the entry is permanent", text, maxYears)
	case len(e.Reason) > addresses.MaxReason:
		return e, failure.New(failure.Invalid, "reason: must be at most %d bytes long", addresses.MaxReason)
	case !utf8.ValidString(e.Reason):
		return e, failure.New(failure.Invalid, "reason: must be UTF-8")
	}
	if lasts > 0 {
		e.Until = d.Now().Add(time.Duration(lasts)).UTC().Truncate(time.Second)
	}
	return e, nil
}

func parseRange(text string) (netip.Prefix, error) {
	r, err := addresses.ParseRange(text)
	return r, failure.Of(failure.Invalid, err)
}

func viewAddress(e addresses.Entry) AddressInfo {
	view := AddressView{Range: e.Range.String(), Kind: string(e.Kind), Reason: e.Reason, Origin: "person"}
	if !e.Until.IsZero() {
		view.Until = &e.Until
	}
	return AddressInfo{AddressView: view, Bindings: e.Bindings}
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
	r, err := parseRange(n.Range)
	if err != nil {
		return Removed{}, err
	}
	err = d.Addresses.Remove(ctx, r, d.Now())
	if errors.Is(err, addresses.ErrNotListed) {
		return Removed{}, notListed(r)
	}
	return Removed{r.String()}, err
}

func notListed(r netip.Prefix) error {
	return failure.New(failure.NotFound, "%s is not in the address list, and no address in it is blocked or crowded; `stile address list` shows the list", r)
}

// keepBlock turns a rule's block into an operator's, which is permanent and refuses everything.
func keepBlock(ctx context.Context, d *datadir.Dir, k lists.RangeKeep) (AddressInfo, error) {
	e, err := lists.Kept(ctx, d, k)
	if err != nil {
		return AddressInfo{}, err
	}
	return viewAddress(e), d.Addresses.Put(ctx, e)
}
