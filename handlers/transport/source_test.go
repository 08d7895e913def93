package transport

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"stile.example/stile/handlers/codes"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ff::/48")}

func TestSource(t *testing.T) {
	for _, c := range []struct {
		peer  string
		lines []string
		want  string // "" is refused
	}{
		{"203.0.113.9:1", nil, "203.0.113.9"},
		{"203.0.113.9:1", []string{"192.0.2.1"}, "203.0.113.9"},
		{"203.0.113.9:1", []string{"garbage"}, "203.0.113.9"},
		{"[::ffff:203.0.113.9]:1", nil, "203.0.113.9"},
		{"[2001:db8:1:2:3::4]:1", nil, "2001:db8:1:2::"},
		{"[fe80::1%eth0]:1", nil, "fe80::"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
		{"10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"192.0.2.1"}, "192.0.2.1"},
		{"[::ffff:10.0.0.1]:1", []string{"192.0.2.1"}, "192.0.2.1"},
		{"[2001:db8:ff::1%eth0]:1", []string{"192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"198.51.100.7, 192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"198.51.100.7", "192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"198.51.100.7, 192.0.2.1,10.0.0.2 ,\t10.1.1.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"192.0.2.1", "10.0.0.2", "10.0.0.3"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"192.0.2.1, , "}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"garbage, 192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"192.0.2.1, garbage"}, ""},
		{"10.0.0.1:1", []string{"unknown"}, ""},
		{"10.0.0.1:1", []string{"192.0.2.1:"}, ""},
		{"10.0.0.1:1", []string{"192.0.2.1:99999"}, ""},
		{"10.0.0.1:1", []string{"192.0.2"}, ""},
		{"10.0.0.1:1", []string{"[192.0.2.1]"}, ""},
		{"10.0.0.1:1", []string{"[2001:db8::1"}, ""},
		{"10.0.0.1:1", []string{`"192.0.2.1"`}, ""},
		{"10.0.0.1:1", []string{"192.0.2.1:443"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"2001:db8:1:2::3"}, "2001:db8:1:2::"},
		{"10.0.0.1:1", []string{"[2001:db8:1:2::3]"}, "2001:db8:1:2::"},
		{"10.0.0.1:1", []string{"[2001:db8:1:2::3]:443"}, "2001:db8:1:2::"},
		{"10.0.0.1:1", []string{"2001:db8:1:2::3%eth0"}, "2001:db8:1:2::"},
		{"10.0.0.1:1", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"192.0.2.1, ::ffff:10.0.0.9"}, "192.0.2.1"},
		{"10.0.0.1:1", []string{"10.0.0.7, 10.0.0.6"}, "10.0.0.7"},
		{"127.0.0.1:1", []string{"192.0.2.1"}, "127.0.0.1"},
		{"[::1]:1", nil, "127.0.0.1"},
	} {
		got, err := Source(&http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.lines}}, proxies)
		if err != nil {
			if c.want != "" || codes.RefusalOf(err).Code != codes.BadRequest {
				t.Errorf("%s %q: %v", c.peer, c.lines, err)
			}
		} else if got.String() != c.want {
			t.Errorf("%s %q: %s, want %q", c.peer, c.lines, got, c.want)
		}
	}
	if _, err := Source(&http.Request{RemoteAddr: "@"}, proxies); err == nil || codes.RefusalOf(err).Code != codes.Internal {
		t.Errorf("a peer without an address: %v", err)
	}
}

// FuzzSource checks that any header results in an address or a refusal, and that the address of an
// untrusted peer is the peer's own.
func FuzzSource(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "[::1]:80, 10.0.0.1", "a,b\n,", "::ffff:10.0.0.1%x", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		lines := strings.Split(line, "\n")
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": lines}}
		a, err := Source(r, proxies)
		if err == nil && (!a.IsValid() || a.Zone() != "" || a.Is4In6()) {
			t.Errorf("%q: %s", line, a)
		}
		if err != nil && codes.RefusalOf(err).Code != codes.BadRequest {
			t.Errorf("%q: %v", line, err)
		}
		r.RemoteAddr = "203.0.113.9:1"
		if a, err := Source(r, proxies); err != nil || a != netip.MustParseAddr("203.0.113.9") {
			t.Errorf("%q from outside: %s %v", line, a, err)
		}
	})
}
