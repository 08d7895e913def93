package addresses_test

import (
	"net/netip"
	"testing"

	"stile.example/stile/addresses"
)

func TestNormal(t *testing.T) {
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
		"64:ff9b::203.0.113.9": "64:ff9b::",
	} {
		if got := addresses.Normal(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("Normal(%s) = %s, want %s", in, got, want)
		}
	}
	if addresses.Normal(netip.Addr{}).IsValid() {
		t.Error("no address became one")
	}
}
