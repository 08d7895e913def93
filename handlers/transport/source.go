package transport

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"stile.example/stile/addresses"
	"stile.example/stile/handlers/codes"
)

// Source is the address that a request comes from, normalised: the
// connection's peer, unless that is a trusted proxy; then the nearest address
// in X-Forwarded-For, right to left over all its lines, that is none. Where
// all are trusted it is the farthest of them. Nobody else's headers are read.
func Source(r *http.Request, trusted []netip.Prefix) (netip.Addr, error) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("read the peer's address: %w", err)
	}
	from := peer.Addr().Unmap()
	if len(trusted) > 0 && isTrusted(from, trusted) {
		if from, err = forwarded(r.Header["X-Forwarded-For"], trusted, from); err != nil {
			return netip.Addr{}, err
		}
	}
	return addresses.Canonical(from), nil
}

// Direct reports whether a request's connection is the caller's own: whether its
// peer is not a trusted proxy, whose connections carry other callers' requests.
func Direct(r *http.Request, trusted []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && !isTrusted(peer.Addr().Unmap(), trusted)
}

// forwarded walks the lines of X-Forwarded-For from the nearest address on.
// from is the peer, which it stays where the header names nobody.
func forwarded(lines []string, trusted []netip.Prefix, from netip.Addr) (netip.Addr, error) {
	for _, line := range slices.Backward(lines) {
		for line != "" {
			comma := strings.LastIndexByte(line, ',')
			hop := strings.Trim(line[comma+1:], " \t")
			line = line[:max(comma, 0)]
			if hop == "" { // an empty element of a list is none (RFC 9110 §5.6.1.2)
				continue
			}
			a, ok := readHop(hop)
			if !ok {
				return from, codes.Malformed("X-Forwarded-For has something in it that is no address")
			}
			if from = a; !isTrusted(a, trusted) {
				return a, nil
			}
		}
	}
	return from, nil
}

// readHop reads an address as proxies write it: alone, in brackets, or with a
// port. The zone is dropped, and an IPv4-mapped address is its IPv4 address.
func readHop(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil && strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		a, err = netip.ParseAddr(s[1 : len(s)-1])
		if err == nil && !a.Is6() {
			return a, false
		}
	}
	if err != nil {
		var ap netip.AddrPort
		ap, err = netip.ParseAddrPort(s)
		a = ap.Addr()
	}
	return a.Unmap().WithZone(""), err == nil
}

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	a = a.WithZone("")
	for _, p := range trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
