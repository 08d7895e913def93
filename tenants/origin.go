package tenants

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Origin returns the canonical form of a site's origin, as a browser sends it: scheme and host in
// lower case, no default port, no slash at the end. The scheme must be https, or http for this
// machine. On other machines, plain http would let others in the network read the page's token.
func Origin(site string) (string, error) {
	u, err := url.Parse(strings.TrimSuffix(site, "/"))
	if err != nil || u.Host == "" || u.Path != "" || u.Opaque != "" || u.User != nil || strings.ContainsAny(site, "?#\\") {
		return "", fmt.Errorf("site %.80q: must be an origin, such as https://www.acme.example", site)
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case !validHost(host):
		return "", fmt.Errorf("site %.80q: must have a host name in ASCII (xn-- for others) or an IP address", site)
	case u.Scheme != "https" && !(u.Scheme == "http" && local(host)):
		return "", fmt.Errorf("site %.80q: must be https (http for localhost only)", site)
	case !validPort(u):
		return "", fmt.Errorf("site %.80q: must have a port from 1 to 65535", site)
	}
	return u.Scheme + "://" + bracketed(host) + port(u), nil
}

// Serves reports whether origin, as a browser sends it, is one of the tenant's sites. If the tenant
// has no sites, every origin is.
func (t *Tenant) Serves(origin string) bool {
	return len(t.Sites) == 0 || slices.Contains(t.Sites, origin)
}

func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return !strings.Contains(host, "%")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(host) <= 253
}

func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && a.IsLoopback()
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}

func port(u *url.URL) string {
	n := strings.TrimLeft(u.Port(), "0")
	if n == "" || u.Scheme == "https" && n == "443" || u.Scheme == "http" && n == "80" {
		return ""
	}
	return ":" + n
}

func bracketed(host string) string {
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return "[" + a.String() + "]"
	}
	return host
}
