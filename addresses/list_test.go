package addresses_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "stile.example/stile/addresses"
)

func TestParseRange(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.9": "203.0.113.9/32", "203.0.113.9/24": "203.0.113.0/24", "::ffff:203.0.113.9": "203.0.113.9/32",
		"::ffff:203.0.113.0/120": "203.0.113.0/24", "2001:db8::1": "2001:db8::/64", "2001:db8:1:2:3::/80": "2001:db8:1:2::/64",
		"2001:db8::/48": "2001:db8::/48", "::1": "127.0.0.1/32", "fe80::1%eth0": "fe80::/64", "0.0.0.0/0": "0.0.0.0/0",
	} {
		if got, err := ParseRange(in); err != nil || got.String() != want {
			t.Errorf("ParseRange(%q) = %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "x", "203.0.113.9/33", "203.0.113", "2001:db8::/129", "::ffff:0.0.0.0/90", "1.2.3.4/-1"} {
		if got, err := ParseRange(in); err == nil {
			t.Errorf("ParseRange(%q) = %v", in, got)
		}
	}
}

// TestNarrowestRangeWins compares Find with its definition: of the entries that have not ended and
// contain the address, the narrowest.
func TestNarrowestRangeWins(t *testing.T) {
	now := midnight
	rapid.Check(t, func(t *rapid.T) {
		var entries []Entry
		seen := map[netip.Prefix]bool{}
		for range rapid.IntRange(0, 12).Draw(t, "n") {
			p := netip.PrefixFrom(someAddr(t), rapid.IntRange(0, 32).Draw(t, "bits")).Masked()
			if !seen[p] {
				seen[p] = true
				until := now.Add(time.Duration(rapid.SampledFrom([]int{-1, 0, 1}).Draw(t, "until")) * time.Hour)
				entries = append(entries, Entry{Range: p, Kind: rapid.SampledFrom([]EntryKind{Allow, Block}).Draw(t, "kind"), Until: until})
			}
		}
		a := someAddr(t)
		var want Entry
		found := false
		for _, e := range entries {
			if e.Range.Contains(a) && e.Until.After(now) && (!found || e.Range.Bits() > want.Range.Bits()) {
				want, found = e, true
			}
		}
		if got, ok := NewList(entries).Find(a, now); ok != found || got != want {
			t.Fatalf("Find(%s) = %+v %v, want %+v %v", a, got, ok, want, found)
		}
	})
}

// someAddr generates an address. Many of them have long prefixes in common.
func someAddr(t *rapid.T) netip.Addr {
	b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 128, 255}), 4, 4).Draw(t, "addr")
	return netip.AddrFrom4([4]byte(b))
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{0, 10, 10_000} {
		var entries []Entry
		for i := range n {
			var a [4]byte
			binary.BigEndian.PutUint32(a[:], uint32(i)<<12)
			entries = append(entries, Entry{Range: netip.PrefixFrom(netip.AddrFrom4(a), 16+i%17).Masked(), Kind: Block})
		}
		l, a, now := NewList(entries), netip.MustParseAddr("203.0.113.9"), time.Now()
		b.Run(map[int]string{0: "empty", 10: "ten", 10_000: "ten thousand"}[n], func(b *testing.B) {
			for b.Loop() {
				l.Find(a, now)
			}
		})
	}
}
