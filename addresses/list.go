package addresses

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Entry is an operator's entry in the address list: a block or an allow for a range.
type Entry struct {
	Range    netip.Prefix // as [ParseRange] returns it
	Kind     EntryKind
	Until    time.Time // zero: permanent
	Reason   string    // for the operator; at most MaxReason bytes
	Bindings uint16    // of an allow: its budget of bindings; 0: the range is exempt from budgets
}

// MaxReason is the maximum length of a reason, in bytes.
const MaxReason = 256

// EntryKind says whether an entry blocks or allows.
type EntryKind string

// The kinds of entry, in the contract's words.
const (
	Allow EntryKind = "allow"
	Block EntryKind = "block"
)

// ended reports whether the time of an entry is over.
func (e Entry) ended(now time.Time) bool { return !e.Until.IsZero() && !now.Before(e.Until) }

// ParseRange parses an address or a prefix, as an operator writes it, and returns the range of the
// canonical addresses in it (see [Canonical]). An IPv4-mapped range becomes its IPv4 range, and an
// IPv6 range is at least a /64.
func ParseRange(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, bad := netip.ParseAddr(s)
		if bad != nil {
			return netip.Prefix{}, fmt.Errorf("%q: must be an address or a range, such as 203.0.113.9, 203.0.113.0/24 or 2001:db8::/48", s)
		}
		p = netip.PrefixFrom(a.WithZone(""), a.BitLen())
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, errors.New("an IPv4-mapped range must be written as IPv4")
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.Addr().Is6() && p.IsSingleIP() {
		if one := Canonical(p.Addr()); one.Is4() {
			return netip.PrefixFrom(one, 32), nil
		}
	}
	if embeds(p) {
		return netip.Prefix{}, fmt.Errorf("%s: its addresses count as the IPv4 addresses that they embed; use the IPv4 range", p)
	}
	if p.Addr().Is6() && p.Bits() > 64 {
		p = netip.PrefixFrom(p.Addr(), 64)
	}
	return p.Masked(), nil
}

// List finds the entry for an address: the one with the narrowest range, so that an allow inside a
// block wins, and a block inside an allow. A List is immutable; the zero List is empty.
type List struct {
	lengths []int // prefix lengths of its ranges, the longest first
	entries map[netip.Prefix]Entry
}

// NewList returns a list of entries, whose ranges must differ.
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

// Find returns the entry for an address, as [Canonical] returns it. An entry that has ended is
// skipped, so a wider one may apply.
func (l *List) Find(a netip.Addr, now time.Time) (Entry, bool) {
	for _, bits := range l.lengths {
		p, err := a.Prefix(bits)
		if err != nil {
			continue // IPv4 has no prefix of 48 bits
		}
		if e, ok := l.entries[p]; ok && !e.ended(now) {
			return e, true
		}
	}
	return Entry{}, false
}
