package addresses

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Entry is a line of the address list: what a person, or a rule, says of a
// range of addresses.
type Entry struct {
	Range    netip.Prefix // as [ParseRange] makes it
	Kind     EntryKind
	Until    time.Time // zero: for good
	Reason   string    // for people; at most MaxReason bytes
	Bindings uint16    // of an allow: the budget that still holds there; 0: none, it is exempt
}

// MaxReason is the longest reason, in bytes.
const MaxReason = 256

// EntryKind says what an entry does.
type EntryKind string

// The kinds of entry, in the contract's words.
const (
	Allow EntryKind = "allow"
	Block EntryKind = "block"
)

// over says that an entry has ended by itself.
func (e Entry) over(now time.Time) bool { return !e.Until.IsZero() && !now.Before(e.Until) }

// ParseRange reads an address or a prefix, as a person writes it, into the
// range of the addresses that [Canonical] gives for it: an IPv4-mapped range is
// its IPv4 range, and IPv6 goes by /64.
func ParseRange(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, bad := netip.ParseAddr(s)
		if bad != nil {
			return netip.Prefix{}, fmt.Errorf("%q is no address and no range, such as 203.0.113.9, 203.0.113.0/24 or 2001:db8::/48", s)
		}
		p = netip.PrefixFrom(a.WithZone(""), a.BitLen())
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, errors.New("an IPv4-mapped range is written as IPv4")
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.Addr().Is6() && p.IsSingleIP() {
		if one := Canonical(p.Addr()); one.Is4() {
			return netip.PrefixFrom(one, 32), nil
		}
	}
	if embeds(p) {
		return netip.Prefix{}, fmt.Errorf("%s: its addresses stand for the IPv4 addresses in them; write the IPv4 range", p)
	}
	if p.Addr().Is6() && p.Bits() > 64 {
		p = netip.PrefixFrom(p.Addr(), 64)
	}
	return p.Masked(), nil
}

// List answers which entry holds for an address: that with the longest range,
// so that an allow inside a block wins, and a block inside an allow. It never
// changes; the zero List is empty.
type List struct {
	lengths []int // of the ranges in it, the longest first
	entries map[netip.Prefix]Entry
}

// NewList makes a list of entries whose ranges differ.
func NewList(entries []Entry) *List {
	l := &List{entries: make(map[netip.Prefix]Entry, len(entries))}
	for _, e := range entries {
		l.entries[e.Range] = e
		if !slices.Contains(l.lengths, e.Range.Bits()) {
			l.lengths = append(l.lengths, e.Range.Bits())
		}
	}
	slices.SortFunc(l.lengths, func(a, b int) int { return cmp.Compare(b, a) })
	return l
}

// Find is the entry that holds for a, which [Canonical] has normalised. An entry
// that has ended is passed over, and a wider one may hold.
func (l *List) Find(a netip.Addr, now time.Time) (Entry, bool) {
	for _, bits := range l.lengths {
		p, err := a.Prefix(bits)
		if err != nil {
			continue // an IPv4 address has no prefix of 48 bits
		}
		if e, ok := l.entries[p]; ok && !e.over(now) {
			return e, true
		}
	}
	return Entry{}, false
}
