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

// Source returns the source address of a request, normalised: the connection's peer, unless that is
// a trusted proxy. Then it is the first address in X-Forwarded-For, read from right to left over
// all its lines, that is not a trusted proxy's. If all are, it is the last one read. The header of
// a peer that is not trusted is ignored.
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

// Direct reports whether a request's connection is the caller's own. The connection of a trusted
// proxy carries the requests of other callers too.
func Direct(r *http.Request, trusted []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && !isTrusted(peer.Addr().Unmap(), trusted)
}

// forwarded reads the lines of X-Forwarded-For from right to left. It returns from, the peer, if
// they contain no address.
func forwarded(lines []string, trusted []netip.Prefix, from netip.Addr) (netip.Addr, error) {
	for _, line := range slices.Backward(lines) {
		for line != "" {
			comma := strings.LastIndexByte(line, ',')
			hop := strings.Trim(line[comma+1:], " \t")
			line = line[:max(comma, 0)]
			if hop == "" { // empty elements of a list are ignored (RFC 9110 §5.6.1.2)
				continue
			}
			a, ok := readHop(hop)
			if !ok {
				return from, codes.Malformed("X-Forwarded-For contains an invalid address")
			}
			if from = a; !isTrusted(a, trusted) {
				return a, nil
			}
		}
	}
	return from, nil
}

// readHop parses an address as proxies write it: alone, in brackets, or with a port. It drops the
// zone, and returns an IPv4-mapped address as its IPv4 address.
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
