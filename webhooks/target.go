package webhooks

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"stile.example/stile/outbound"
)

// Targets says where webhooks may be, besides public addresses over https.
type Targets string

// The targets, as the setting webhooks.targets names them.
const (
	PublicTargets   Targets = "public"   // nowhere else
	LoopbackTargets Targets = "loopback" // also this machine, over https or http
	PrivateTargets  Targets = "private"  // also private networks over https, and this machine
)

// may reports whether the server may connect to an address. The zero Targets is public.
func (t Targets) may(a netip.Addr, encrypted bool) bool {
	if !encrypted && !a.Unmap().IsLoopback() {
		return false
	}
	return outbound.Reachable(a, t == PrivateTargets, t == LoopbackTargets)
}

// check returns an error unless a webhook may have a URL. A name is checked again, when the server
// connects: where it leads may change.
func (t Targets) check(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case len(text) > MaxURL:
		return "", fmt.Errorf("the URL must have at most %d bytes", MaxURL)
	case err != nil || u.Host == "" || u.Opaque != "" || strings.ContainsFunc(text, isControl):
		return "", fmt.Errorf("%.80q: must be a URL, such as https://ops.example/stile", Shown(text))
	case u.User != nil:
		return "", fmt.Errorf("the URL must not contain a user name or password; put a secret into the query, which is not shown, or check the signature instead")
	case u.Fragment != "":
		return "", fmt.Errorf("the URL must not contain a fragment (#), because it is never sent")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	a, ipErr := netip.ParseAddr(host)
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
		return "", fmt.Errorf("the URL's port must be from 1 to 65535")
	}
	if ipErr != nil && endsInNumber(host) {
		return "", fmt.Errorf("%s: write an IPv4 address as four decimal numbers, such as 192.0.2.1", u.Host)
	}
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") || ipErr == nil && a.Unmap().IsLoopback()
	switch {
	case u.Scheme == "http" && local && t != PublicTargets && t != "":
	case u.Scheme == "http" && local:
		return "", fmt.Errorf("the URL must begin with https://; for development on this machine, set webhooks.targets to loopback and restart the server")
	case u.Scheme != "https":
		return "", fmt.Errorf("the URL must begin with https://, because events are for the receiver only")
	}
	if ipErr == nil && !t.may(a, u.Scheme == "https") || local && (t == PublicTargets || t == "") {
		return "", fmt.Errorf("%s is not a public address; the setting webhooks.targets can allow loopback or private addresses", u.Host)
	}
	return u.String(), nil
}

// endsInNumber reports whether browsers and system libraries read a host as an IPv4 address, such
// as 127.1 or 0x7f000001 (WHATWG URL, "ends in a number"). No name ends so.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if _, err := strconv.ParseUint(strings.TrimPrefix(last, "0x"), 16, 64); err == nil && strings.HasPrefix(last, "0x") {
		return true
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func isControl(r rune) bool { return r <= ' ' || r == 0x7f }

// Shown returns a URL as it may be shown: its query may contain a secret.
func Shown(text string) string {
	before, _, has := strings.Cut(text, "?")
	if has {
		return before + "?…"
	}
	return before
}
