// Package outbound decides which addresses the server may connect to. A [Dialer] checks the address
// at the moment of the connection, after a name was resolved. An earlier address of the name does
// not count, and a redirect is checked like any other connection.
package outbound

import "net/netip"

// Reachable reports whether an external issuer may be at an address. loopback says that the
// operator has set an address of this machine.
func Reachable(a netip.Addr, allowPrivate, loopback bool) bool {
	a = a.Unmap()
	switch {
	case Never(a):
		return false
	case Public(a):
		return true
	case a.IsLoopback():
		return loopback || allowPrivate
	}
	return allowPrivate && (a.IsPrivate() || carrier.Contains(a))
}

// Public reports whether an address is public. IPv6 addresses that contain an IPv4 address are not,
// because it could be a private one.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || Never(a) || a.Is6() && !global.Contains(a) {
		return false
	}
	return !within(special, a)
}

// Never reports whether nothing may be fetched from an address, whatever the operator allows.
// Clouds give a machine its secrets at link-local and metadata addresses, and there is no host at
// unspecified and multicast addresses. The same is true for IPv6 addresses that contain such an
// IPv4 address.
func Never(a netip.Addr) bool {
	a = a.Unmap()
	if in, ok := contained(a); ok && !a.IsLoopback() && never(in) {
		return true
	}
	return never(a)
}

func never(a netip.Addr) bool {
	return !a.IsValid() || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || within(metadata, a)
}

// contained returns the IPv4 address in an IPv6 address.
func contained(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() {
		return a, false
	}
	b := a.As16()
	switch {
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case teredo.Contains(a): // all bits inverted
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	case within(ending, a):
		return netip.AddrFrom4([4]byte(b[12:])), true
	}
	return a, false
}

var (
	global    = netip.MustParsePrefix("2000::/3") // all that IANA has allocated
	carrier   = netip.MustParsePrefix("100.64.0.0/10")
	sixToFour = netip.MustParsePrefix("2002::/16")
	teredo    = netip.MustParsePrefix("2001::/32")

	// ending are the prefixes whose last 4 bytes are an IPv4 address: compatible
	// and translated addresses, and NAT64.
	ending = prefixes("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")

	// metadata are the addresses outside link-local ranges at which clouds serve their machines:
	// Alibaba, Azure, Oracle (IPv4, IPv6), AWS, Google, Scaleway.
	metadata = prefixes("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:c1::a9fe:a9fe/128",
		"fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128")

	// special are the ranges of IANA's special-purpose registries that net/netip does not treat as
	// special.
	special = prefixes(
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	)
)

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}
