package addresses_test

import (
	"net/netip"
	"testing"

	"stile.example/stile/addresses"
)

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.9":          "203.0.113.9",
		"::ffff:203.0.113.9":   "203.0.113.9",
		"127.0.0.1":            "127.0.0.1",
		"127.8.9.10":           "127.0.0.1",
		"::1":                  "127.0.0.1",
		"::ffff:127.0.0.2":     "127.0.0.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::",
		"2001:db8:1:2:ffff::":  "2001:db8:1:2::",
		"2001:db8:1:3::1":      "2001:db8:1:3::",
		"fe80::1%eth0":         "fe80::",
		"::ffff:0:0":           "0.0.0.0",

		// S56: an address that embeds an IPv4 address is that address.
		"64:ff9b::203.0.113.9":                 "203.0.113.9",
		"64:ff9b:1::203.0.113.9":               "203.0.113.9",
		"64:ff9b:1:cb00:71:900::":              "203.0.113.9", // RFC 6052 §2.2, in a /48
		"2002:cb00:7109::1":                    "203.0.113.9",
		"2002:cb00:7109:ffff:1:2:3:4":          "203.0.113.9",
		"2001:0:4136:e378:8000:63bf:34ff:8ef6": "203.0.113.9",
		"2001:0:4136:e378:8000:63bf:80ff:fffe": "2001:0:4136:e378::", // embeds 127.0.0.1
		"2002:7f00:1::1":                       "2002:7f00:1::",
		"64:ff9b::127.0.0.1":                   "64:ff9b::",
		"64:ff9b:2::203.0.113.9":               "64:ff9b:2::",
		"2001:1::1":                            "2001:1::",
	} {
		if got := addresses.Canonical(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("Canonical(%s) = %s, want %s", in, got, want)
		}
	}
	if addresses.Canonical(netip.Addr{}).IsValid() {
		t.Error("an invalid address became valid")
	}
}
