// Package addresses decides what becomes of a source address: which are one and
// the same ([Normal]), which are crowded or blocked because of the tokens that
// they bind ([Step]), and which a person has allowed or blocked ([List]).
// [Book] joins the rules and the list to a [Store].
//
// Step is a state machine of the same shape as tokens.Step, and as pure: no
// clock, no connection. How the source address of a request is found (peer,
// trusted proxies) belongs to handlers.
package addresses

import "net/netip"

// Normal is the address that stands for a: an IPv4-mapped IPv6 address is its
// IPv4 address, any loopback address is 127.0.0.1, and any other IPv6 address
// is the first of its /64, which is what one household or phone is given
// (RFC 6177, RFC 7934). The zone is dropped. An invalid address stays invalid.
func Normal(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case a.Is6():
		p, _ := a.Prefix(64) // 64 is always a good length for IPv6
		return p.Addr()
	}
	return a
}
