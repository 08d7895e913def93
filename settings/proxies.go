package settings

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// proxies is a range of trusted addresses.
func proxies() kind[netip.Prefix] {
	return kind[netip.Prefix]{"range", "an address or a range such as 10.0.0.0/8 (never 0.0.0.0/0 or ::/0)", func(text string) (netip.Prefix, error) {
		p, err := readRange(text)
		if err != nil {
			return p, err
		}
		if problem := badRange(p); problem != "" {
			return p, fmt.Errorf("%s %s", quote(text), problem)
		}
		return p, nil
	}}
}

// readRange parses an address or a range. IPv4 addresses in IPv6 notation (::ffff:10.0.0.0/104)
// become IPv4, like the addresses that they are compared with.
func readRange(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if a, bad := netip.ParseAddr(text); bad == nil {
		p, err = netip.PrefixFrom(a.WithZone(""), a.BitLen()), nil
	}
	switch {
	case strings.Contains(text, "%"):
		return p, fmt.Errorf("%s must not have a zone: remove %%…", quote(text))
	case err != nil:
		return p, fmt.Errorf("%s is not a range of addresses", quote(text))
	case p != p.Masked():
		return p, fmt.Errorf("%s has bits set beyond its length; the range is %s", quote(text), p.Masked())
	}
	if mapped.Contains(p.Addr()) && p.Bits() >= mapped.Bits() {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped.Bits())
	}
	return p, nil
}

// mapped is IPv4 in IPv6 notation (RFC 4291 §2.5.5.2). Source addresses are unmapped first, so none
// is in this range.
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// badRange returns why a range of all addresses or of none is invalid, and "" for any other.
func badRange(p netip.Prefix) string {
	if p.Bits() == 0 {
		return "would trust every client to name its own address"
	}
	for _, r := range neverSources {
		if within(p, r) {
			return fmt.Sprintf("can't match: no connection comes from %s; write the address that your proxy connects from", r)
		}
	}
	return ""
}

// within reports whether p is part of r.
func within(p, r netip.Prefix) bool { return r.Contains(p.Addr()) && r.Bits() <= p.Bits() }

// neverSources are ranges that no connection comes from. IPv4: this network, multicast and reserved
// addresses. IPv6: the unspecified address, the range around IPv4 in IPv6 notation, and multicast.
var neverSources = ranges("0.0.0.0/8", "224.0.0.0/3", "::/128", "::8000:0:0/81", "ff00::/8")

// notPublic are the ranges that contain no visitor on the internet: private and shared networks,
// this machine, documentation, and unallocated addresses.
var notPublic = ranges(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1")

func ranges(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// trustsAll returns "IPv4" or "IPv6" if the ranges together contain all public addresses of that
// version, so that every client could name its own address. Otherwise it returns "".
func trustsAll(trusted []netip.Prefix) string {
	for _, v := range []struct {
		name        string
		first, last netip.Addr
	}{
		{"IPv4", netip.IPv4Unspecified(), netip.MustParseAddr("255.255.255.255")},
		{"IPv6", netip.IPv6Unspecified(), netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
	} {
		in := func(p netip.Prefix) bool { return p.Addr().BitLen() != v.first.BitLen() }
		if own := slices.DeleteFunc(slices.Clone(trusted), in); len(own) > 0 &&
			covers(slices.Concat(own, slices.DeleteFunc(slices.Clone(notPublic), in)), v.first, v.last) {
			return v.name
		}
	}
	return ""
}

// tooWide reports whether a range is a large part of the internet. No server has that many proxies.
func tooWide(p netip.Prefix) bool {
	least := 8
	if p.Addr().Is6() {
		least = 20
	}
	return p.Bits() < least && !slices.ContainsFunc(notPublic, func(r netip.Prefix) bool { return within(p, r) })
}

// covers reports whether the ranges together contain all addresses from first to last. It goes
// through the ranges in order and moves first behind each, until there is a gap.
func covers(all []netip.Prefix, first, last netip.Addr) bool {
	slices.SortFunc(all, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits())
	})
	for _, p := range all {
		if first.Less(p.Addr()) {
			return false
		}
		if end := lastOf(p); !end.Less(first) {
			if !end.Less(last) {
				return true
			}
			first = end.Next()
		}
	}
	return false
}

// lastOf returns the last address of a range.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
