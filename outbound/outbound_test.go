package outbound

import (
	"net/netip"
	"testing"
)

// TestS25_Addresses checks which addresses may be connected to.
func TestS25_Addresses(t *testing.T) {
	const never, ifAllowed, ifNamed, always = "never", "if allowed", "if named or allowed", "always"
	for address, want := range map[string]string{
		"9.9.9.9": always, "2620:fe::fe": always, "::ffff:9.9.9.9": always,
		"127.0.0.1": ifNamed, "127.9.9.9": ifNamed, "::1": ifNamed, "::ffff:127.0.0.1": ifNamed,
		"10.0.0.1": ifAllowed, "172.16.0.1": ifAllowed, "172.31.255.255": ifAllowed, "192.168.1.1": ifAllowed, "100.64.0.1": ifAllowed, "fd00::1": ifAllowed,
		"::ffff:10.0.0.1": ifAllowed, "172.32.0.1": always,
		"169.254.169.254": never, "::ffff:169.254.169.254": never, "fe80::1": never, "fe80::1%eth0": never, "100.100.100.200": never,
		"168.63.129.16": never, "192.0.0.192": never, "0.0.0.0": never, "::": never, "0.1.2.3": never, "224.0.0.1": never, "ff02::1": never,
		"255.255.255.255": never, "240.0.0.1": never, "64:ff9b::a00:1": never, "2002:a00:1::": never, "::10.0.0.1": never, "2001:db8::1": never,
		"fd00:ec2::254": never, "fd00:ec2::23": never, "fd20:ce::254": never, "fd00:c1::a9fe:a9fe": never, "fd00:42::42": never,
		"::169.254.169.254": never, "::ffff:0:169.254.169.254": never, "::ffff:0:10.0.0.1": never, "::ffff:100.100.100.200": never,
		"64:ff9b::169.254.169.254": never, "64:ff9b::100.100.100.200": never, "64:ff9b::9.9.9.9": never, "64:ff9b:1::169.254.169.254": never,
		"2002:a9fe:a9fe::1": never, "2002:6464:64c8::1": never, "2002:a00:1::1": never, "2001:0:1:2:3:4:5601:5601": never, "2001:0:1:2:3:4:9b9b:9b37": never,
		"febf::1": never, "169.254.0.1": never, "169.254.170.2": never, "ff05::1": never, "239.1.1.1": never, "4000::1": never, "fd20:ce::1": ifAllowed,
		"198.18.0.1": never, "192.0.2.1": never, "2001::1": never, "fec0::1": never,
	} {
		a := netip.MustParseAddr(address)
		got := [3]bool{Reachable(a, false, false), Reachable(a, false, true), Reachable(a, true, false)}
		if got != map[string][3]bool{never: {}, ifAllowed: {false, false, true}, ifNamed: {false, true, true}, always: {true, true, true}}[want] {
			t.Errorf("%s: %v, want %s", address, got, want)
		}
	}
}

// TestNever checks link-local, metadata, unspecified and multicast addresses in every spelling, and
// that private and public ones are not among them.
func TestNever(t *testing.T) {
	for want, list := range map[bool][]string{
		true: {"169.254.169.254", "::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe",
			"2002:a9fe:a9fe::", "2001:0:1:2:3:4:5601:5601", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200", "2002:6464:64c8::", "64:ff9b::100.100.100.200",
			"2001:0:1:2:3:4:9b9b:9b37", "0.0.0.0", "::", "64:ff9b::0.0.0.0", "224.0.0.1", "ff02::1", "2002:e000:1::"},
		false: {"127.0.0.1", "::1", "10.0.0.1", "100.64.0.1", "192.168.1.1", "fd00::1", "9.9.9.9", "2620:fe::fe", "64:ff9b::9.9.9.9", "2002:909:909::1"},
	} {
		for _, address := range list {
			if Never(netip.MustParseAddr(address)) != want {
				t.Errorf("%s: %v", address, !want)
			}
		}
	}
}
