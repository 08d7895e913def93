// Package addresses decides how the tokens of a source address are treated: whether the address is
// crowded or blocked because of the tokens that are bound there ([Step]), and whether an operator
// allowed or blocked it ([List]). It also decides which addresses count as one ([Canonical]).
//
// Step is a pure state machine of the same shape as tokens.Step: state, policy and event in, state
// and verdict out. It reads no clock and opens no connection. A state belongs to a [Scope]: a range
// of addresses, for one tenant or for all. [Policy.Apply] steps all scopes of an address.
// [Registry] joins the rules and the list to a [Store].
//
// Where to look:
//
//   - addresses.go: which IPv6 addresses stand for an IPv4 address
//   - budgets.go: which budget counts for which range and tenant
//   - step.go: what is counted, and when an address is blocked
//   - status.go: when an address is crowded or suspicious
//   - list.go, registry.go, lines.go: the address list, and how it is kept and shown
//   - encode.go: the stored form of a state
//   - testdata/*.txt: the rules as stories, one event a line
//
// How the source address of a request is found (peer, trusted proxies) belongs to handlers.
package addresses

import "net/netip"

// Canonical returns the address that a counts as. For an IPv6 address that embeds an IPv4 address
// (see [embedded]), that is the IPv4 address; for a loopback address, 127.0.0.1; for any other IPv6
// address, the first address of its /64, because one household or phone has at least a /64 (RFC
// 6177, RFC 7934). The zone is dropped. An invalid address stays invalid.
func Canonical(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if v4, ok := embedded(a); ok {
		a = v4
	}
	switch {
	case a.IsLoopback():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case a.Is6():
		p, _ := a.Prefix(64) // 64 is always a valid length for IPv6
		return p.Addr()
	}
	return a
}

// The prefixes whose addresses embed an IPv4 address.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052 §2.1: the last 32 bits
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215: where RFC 6052 §2.2 puts it
	sixToFour  = netip.MustParsePrefix("2002::/16")      // RFC 3056: bits 16 to 47
	teredo     = netip.MustParsePrefix("2001::/32")      // RFC 4380 §4: the last 32 bits, inverted
)

// embeds reports whether each address of a range embeds an IPv4 address.
func embeds(r netip.Prefix) bool {
	for _, p := range []netip.Prefix{nat64, nat64Local, sixToFour, teredo} {
		if p.Overlaps(r) && r.Bits() >= p.Bits() {
			return true
		}
	}
	return false
}

// embedded returns the IPv4 address that an IPv6 address of a translator or tunnel embeds. If that
// is a loopback or unspecified address, ok is false: no caller may count as this machine.
func embedded(a netip.Addr) (v4 netip.Addr, ok bool) {
	if !a.Is6() {
		return v4, false
	}
	b := a.As16()
	last := [4]byte(b[12:])
	switch {
	case nat64.Contains(a):
		v4 = netip.AddrFrom4(last)
	case nat64Local.Contains(a) && last == [4]byte{}: // a /48: around the octet that is 0
		v4 = netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]})
	case nat64Local.Contains(a): // a /96 in it
		v4 = netip.AddrFrom4(last)
	case sixToFour.Contains(a):
		v4 = netip.AddrFrom4([4]byte(b[2:6]))
	case teredo.Contains(a):
		v4 = netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})
	default:
		return v4, false
	}
	return v4, !v4.IsLoopback() && !v4.IsUnspecified()
}
