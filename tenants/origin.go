package tenants

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Origin returns the canonical form of a site's origin, as a browser sends it: scheme and host in
// lower case, no default port, no slash at the end. The scheme must be https, or http for this
// machine. On other machines, plain http would let others in the network read the page's token:
// see [InsecureOrigin].
func Origin(site string) (string, error) {
	u, err := parseSite(site)
	switch {
	case err != nil:
		return "", err
	case u.Scheme == "http" && !local(u.Hostname()):
		return "", fmt.Errorf("site %.80q: must be https (http for localhost only)%s. For a page in your own network that has only plain http, use --insecure-site", site, meant(site))
	}
	return u.String(), nil
}

// InsecureOrigin returns the canonical form of the origin of a site with plain http, on any
// machine. Others in the same network can read and change its pages, and so take their tokens.
// Browsers create no key for them, so the tokens are bound to addresses.
func InsecureOrigin(site string) (string, error) {
	u, err := parseSite(site)
	switch {
	case err != nil:
		return "", err
	case u.Scheme != "http":
		return "", fmt.Errorf("insecure site %.80q: must be http, such as http://192.168.1.20:3000; for https, use --site or --add-site", site)
	}
	return u.String(), nil
}

// SiteOrigin returns the canonical form of a site that may have been added either way.
func SiteOrigin(site string) (string, error) {
	if strings.HasPrefix(strings.ToLower(site), "http:") {
		return InsecureOrigin(site)
	}
	return Origin(site)
}

// PageOrigin returns the origin of the page that a header Origin or Referer names, in canonical
// form, and reports whether it names one. The scheme may be any: apps have capacitor:// and
// others. The result has at most 300 bytes, all of them of A-Z a-z 0-9 . _ - : / [ ] +, so
// it may be part of a log line or a response.
func PageOrigin(header string) (string, bool) {
	u, err := url.Parse(header)
	if err != nil || u.Opaque != "" || len(u.Scheme) > maxScheme || !validHost(strings.ToLower(u.Hostname())) || !validPort(u) {
		return "", false
	}
	u = canonical(u)
	return u.String(), true
}

// maxScheme bounds a page's scheme, in bytes.
const maxScheme = 32

// parseSite returns the canonical URL of an origin with http or https.
func parseSite(site string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(site, "/"))
	switch {
	case site == "null":
		return nil, errors.New(`site "null": must be an origin; browsers send null for local files and sandboxed frames, which can't be registered. Serve the page over http://localhost instead`)
	case strings.Contains(site, "*"):
		return nil, fmt.Errorf("site %.80q: must be an origin without *; add each host name as a site of its own", site)
	case err != nil || u.Host == "" || u.Path != "" || u.Opaque != "" || u.User != nil || strings.ContainsAny(site, "?#\\"):
		return nil, fmt.Errorf("site %.80q: must be an origin, such as https://www.acme.example%s", site, meant(site))
	case !validHost(strings.ToLower(u.Hostname())):
		return nil, fmt.Errorf("site %.80q: must have a host name in ASCII (xn-- for others) or an IP address", site)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("site %.80q: must be https (http for localhost only)", site)
	case !validPort(u):
		return nil, fmt.Errorf("site %.80q: must have a port from 1 to 65535", site)
	}
	return canonical(u), nil
}

// canonical returns the origin of a URL with a valid host.
func canonical(u *url.URL) *url.URL {
	return &url.URL{Scheme: u.Scheme, Host: bracketed(strings.ToLower(u.Hostname())) + port(u)}
}

// meant returns a question with the https origin that was probably meant, or "".
func meant(site string) string {
	text := strings.TrimSpace(site)
	named := strings.Contains(text, "://")
	if !named {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if !validHost(host) || !validPort(u) || !local(host) && !strings.Contains(host, ".") {
		return ""
	}
	switch {
	case !local(host):
		u.Scheme = "https"
	case !named:
		u.Scheme = "http" // the usual one while a site is developed
	}
	return "; did you mean " + canonical(u).String() + "?"
}

// Serves reports whether origin, as a browser sends it, is one of the tenant's sites. If the tenant
// has no sites, every origin is.
func (t *Tenant) Serves(origin string) bool {
	return len(t.Sites) == 0 || slices.Contains(t.Sites, origin)
}

// Near returns the tenant's site with the same host name as origin, except for a leading www., or
// "". It is a site that somebody may have confused with origin.
func (t *Tenant) Near(origin string) string {
	name := hostOf(origin)
	for _, site := range t.Sites {
		if name != "" && site != origin && hostOf(site) == name {
			return site
		}
	}
	return ""
}

// hostOf returns the host name of an origin without a leading www.
func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Hostname(), "www.")
}

// WithWWW returns the origin with www. before its host name if it lacks that, and without it
// otherwise: the origin that visitors of the same site often use too. It returns "" for a host
// that is deeper in a domain, for an IP address and for this machine.
func WithWWW(origin string) string {
	scheme, host, ok := strings.Cut(origin, "://")
	name := hostOf(origin)
	if _, err := netip.ParseAddr(name); !ok || err == nil || local(name) || strings.Count(name, ".") != 1 {
		return ""
	}
	if bare, had := strings.CutPrefix(host, "www."); had {
		return scheme + "://" + bare
	}
	return scheme + "://www." + host
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

// local reports whether a host is this machine.
func local(host string) bool {
	host = strings.ToLower(host)
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
