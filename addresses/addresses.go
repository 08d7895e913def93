// Package addresses decides what becomes of a source address: which are one and
// the same ([Canonical]), which are crowded or blocked because of the tokens that
// they bind ([Step]), and which a person has allowed or blocked ([List]).
// [Registry] joins the rules and the list to a [Store].
//
// Step is a state machine of the same shape as tokens.Step, and as pure: no
// clock, no connection. How the source address of a request is found (peer,
// trusted proxies) belongs to handlers.
package addresses

import "net/netip"

// Canonical is the address that stands for a: an IPv6 address that embeds an IPv4
// address (see [embedded]) is that IPv4 address, any loopback address is
// 127.0.0.1, and any other IPv6 address is the first of its /64, which is what
// one household or phone is given (RFC 6177, RFC 7934). The zone is dropped. An
// invalid address stays invalid.
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

// embeds reports whether the addresses of a range embed an IPv4 address each.
func embeds(r netip.Prefix) bool {
	for _, p := range []netip.Prefix{nat64, nat64Local, sixToFour, teredo} {
		if p.Overlaps(r) && r.Bits() >= p.Bits() {
			return true
		}
	}
	return false
}

// embedded returns the IPv4 address that an IPv6 address of a translator or a
// tunnel carries. One that carries a loopback or an unspecified address is taken
// for itself: nobody may pass for this machine.
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
