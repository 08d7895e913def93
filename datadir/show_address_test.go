package datadir

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// TestShowAddress checks each value of the setting log_addresses.
func TestShowAddress(t *testing.T) {
	v4, v6 := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8:1:2::")
	for how, want := range map[string][2]string{"full": {"203.0.113.9", "2001:db8:1:2::"}, "prefix": {"203.0.113.0/24", "2001:db8:1::/48"}} {
		s, err := newAddressShower(how, make([]byte, 32))
		if err != nil || s.show(v4) != want[0] || s.show(v6) != want[1] || s.show(netip.Addr{}) != "" {
			t.Errorf("%s: %s %s, %v", how, s.show(v4), s.show(v6), err)
		}
	}
	one, _ := newAddressShower("hash", make([]byte, 32))
	other, _ := newAddressShower("hash", []byte(strings.Repeat("k", 32)))
	if a := one.show(v4); a != one.show(v4) || a == one.show(v6) || a == other.show(v4) || !regexp.MustCompile(`^hash:[0-9a-f]{16}$`).MatchString(a) {
		t.Errorf("hashes: %s %s", a, other.show(v4))
	}
}
