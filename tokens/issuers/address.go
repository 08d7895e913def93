package issuers

import "net/netip"

// reachable says whether an address may be connected to. Link-local ones never
// are: there, clouds tell a machine its secrets.
func reachable(a netip.Addr, allowPrivate, loopback bool) bool {
	a = a.Unmap()
	switch {
	case public(a):
		return true
	case a.IsLoopback():
		return loopback || allowPrivate
	}
	return allowPrivate && private(a)
}

// public says that an address is one of the internet's.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// private says that an address is of a network of one's own.
func private(a netip.Addr) bool {
	return a.IsPrivate() && a.Zone() == "" || carrier.Contains(a) && a != alibaba
}

var (
	carrier = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	alibaba = netip.MustParseAddr("100.100.100.200") // where that cloud tells its machines their secrets
)

// special are the ranges of IANA's special-purpose registries that net/netip
// takes for addresses like any other, and Azure's address for its machines.
// Those in which an IPv4 address is wrapped are among them: they could wrap a
// private one.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "168.63.129.16/32",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}
