// Package addresses says which source addresses are one and the same.
//
// What becomes of an address that binds too many tokens will be decided here
// too. Like tokens it is pure: no clock, no connection. How the source address
// of a request is found (peer, trusted proxies) belongs to handlers.
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
