package proof

import (
	"net/netip"
	"net/url"
	"strings"

	"stile.example/stile/tokens/jws"
)

// sameURL reports whether htu is the request's URL. Query and fragment are ignored, and both URLs
// are normalised by syntax and scheme (RFC 9449 §4.3, RFC 3986 §6.2.2 and §6.2.3). Usually their
// spelling is the same already.
func sameURL(htu, want string) bool {
	if htu == want {
		return true
	}
	a, okA := normal(htu)
	b, okB := normal(want)
	return okA && okB && a == b
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// normal returns the canonical spelling of an http or https URL.
func normal(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return "", false
	}
	port, known := defaultPorts[u.Scheme] // url.Parse has converted it to lower case
	if !known {
		return "", false
	}
	path := u.ResolveReference(u).EscapedPath() // without dot segments
	if path == "" {
		path = "/"
	}
	return u.Scheme + "://" + authority(u, port) + unescape(path), true
}

// authority returns the host, and the port unless it is the scheme's default.
func authority(u *url.URL, own string) string {
	host := strings.ToLower(u.Hostname())
	switch {
	case loopback(host):
		host = "localhost"
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != own {
		host += ":" + port
	}
	return host
}

// loopback reports whether a name is this machine's. All its names are equal, like its addresses,
// so that a server on a developer's machine can be reached by any of them.
func loopback(name string) bool {
	a, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && a.IsLoopback()
}

const hexadecimal = "0123456789ABCDEF"

// unescape decodes what need not be escaped, and writes the other escapes in upper case. After
// url.Parse, each percent sign has two digits.
func unescape(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			b.WriteByte(path[i])
			continue
		}
		hex := strings.ToUpper(path[i+1 : i+3])
		c := byte(strings.IndexByte(hexadecimal, hex[0])<<4 | strings.IndexByte(hexadecimal, hex[1]))
		if i += 2; unreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + hex)
		}
	}
	return b.String()
}

// unreserved reports whether c is unreserved in RFC 3986 §2.3.
func unreserved(c byte) bool { return jws.Character(c) || c == '~' }
