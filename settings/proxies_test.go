package settings

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
)

// TestTrustedProxies checks that ranges that trust everybody or nobody prevent the start, that the
// error says what to write instead, and that other notations are normalised.
func TestTrustedProxies(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8":                         "[10.0.0.0/8]",
		"10.0.0.1,::1":                       "[10.0.0.1/32 ::1/128]",
		"::ffff:10.0.0.1":                    "[10.0.0.1/32]",
		"::ffff:10.0.0.0/104":                "[10.0.0.0/8]",
		"::ffff:a00:0/104":                   "[10.0.0.0/8]",
		"0.0.0.0/1":                          "[0.0.0.0/1]", // with a warning
		"0.0.0.0/1, 128.0.0.0/2":             "[0.0.0.0/1 128.0.0.0/2]",
		"2000::/4, 128.0.0.0/1":              "[2000::/4 128.0.0.0/1]", // halves of two versions
		"64:ff9b::/96, fe80::/10, fd00::/8":  "[64:ff9b::/96 fe80::/10 fd00::/8]",
		"0.0.0.0/1, 128.0.0.0/1":             "all public IPv4 addresses",
		"128.0.0.0/1, 10.0.0.1, 0.0.0.0/1":   "all public IPv4 addresses",
		"::ffff:0:0/97, ::ffff:128.0.0.0/97": "all public IPv4 addresses",
		"0.0.0.0/2, 64.0.0.0/2, 128.0.0.0/1": "all public IPv4 addresses",
		"::/1, 8000::/1":                     "all public IPv6 addresses",
		"2000::/3":                           "all public IPv6 addresses",
		"2000::/4, 3000::/4, 10.0.0.0/8":     "all public IPv6 addresses",
		"::ffff:0:0/96":                      "would trust every client",
		"::ffff:0.0.0.0/96":                  "would trust every client",
		"0.0.0.0/0":                          "would trust every client",
		"::/0":                               "would trust every client",
		"::/96, 0.0.0.0":                     "can't match",
		"::":                                 "can't match",
		"::fffe:0:0/95":                      "can't match",
		"224.0.0.0/4":                        "can't match",
		"255.255.255.255":                    "can't match",
		"ff02::1":                            "can't match",
		"fe80::1%eth0":                       "must not have a zone",
		"fe80::%eth0/64":                     "must not have a zone",
		"10.1.2.3/8":                         "the range is 10.0.0.0/8",
		"::ffff:10.1.2.3/104":                "the range is ::ffff:10.0.0.0/104",
		"proxy.example":                      "is not a range",
		"10.0.0.0/33":                        "is not a range",
		"10.0.0.0-10.0.0.9":                  "is not a range",
		// all but 10.0.0.0/8 and multicast
		"1.0.0.0/8, 2.0.0.0/7, 4.0.0.0/6, 8.0.0.0/7, 11.0.0.0/8, 12.0.0.0/6, 16.0.0.0/4, 32.0.0.0/3, 64.0.0.0/2, 128.0.0.0/3, 160.0.0.0/5, 168.0.0.0/6, 172.0.0.0/8, 173.0.0.0/8, 174.0.0.0/7, 176.0.0.0/4, 192.0.0.0/3": "all public IPv4 addresses",
	} {
		s, err := Load(Source{Flags: map[string]string{"trusted_proxies": text}})
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(s.TrustedProxies)
		}
		if !strings.Contains(got, want) || (err == nil) != strings.HasPrefix(want, "[") {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestWideProxies checks the warning about a large part of the internet.
func TestWideProxies(t *testing.T) {
	for text, want := range map[string]bool{"0.0.0.0/1": true, "104.0.0.0/7": true, "2600::/12": true,
		"10.0.0.0/8": false, "104.16.0.0/13": false, "2400:cb00::/32": false, "fc00::/7": false, "fe80::/10": false} {
		s, err := Load(Source{Flags: map[string]string{"trusted_proxies": text}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(s.Warnings().Error(), "a large part of the internet"); got != want {
			t.Errorf("%s: warned: %v", text, got)
		}
	}
}

// TestCovers compares covers with a check of each address of a small network.
func TestCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, last := netip.MustParseAddr("10.0.0.0"), netip.MustParseAddr("10.0.0.15")
		all := rapid.SliceOf(rapid.Custom(func(t *rapid.T) netip.Prefix {
			a := netip.AddrFrom4([4]byte{10, 0, 0, rapid.ByteRange(0, 19).Draw(t, "address")})
			return netip.PrefixFrom(a, rapid.IntRange(28, 32).Draw(t, "bits")).Masked()
		})).Draw(t, "ranges")
		want := true
		for a := first; !last.Less(a); a = a.Next() {
			in := false
			for _, p := range all {
				in = in || p.Contains(a)
			}
			want = want && in
		}
		if got := covers(all, first, last); got != want {
			t.Errorf("%v: covers %v", all, got)
		}
	})
}

// TestAdminHosts checks that only names are allowed, without a scheme, port or wildcard.
func TestAdminHosts(t *testing.T) {
	for text, want := range map[string]string{
		"stile, stile.internal, my_service": "[stile stile.internal my_service]", "": "[]",
		"http://stile": "", "stile:8081": "", "*.internal": "", "*": "", "Stile": "", "stile.": "", "[::1]": "", "a b": "",
	} {
		s, err := Load(Source{Flags: map[string]string{"admin_hosts": text}})
		if (err == nil) != (want != "") || err == nil && fmt.Sprint(s.AdminHosts) != want {
			t.Errorf("%q: %v %v", text, s, err)
		}
	}
}
