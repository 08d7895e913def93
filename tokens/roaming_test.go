package tokens_test

import (
	"net/netip"
	"testing"
	"time"

	. "stile.example/stile/tokens"
)

// TestRoamingIsLenient checks that no key is challenged within its limit of addresses, that every
// key is challenged beyond it, and most of them soon.
func TestRoamingIsLenient(t *testing.T) {
	p := generous
	p.Calls, p.Records, p.SpikeCalls, p.RoamAddresses, p.RoamPer = 1e6, 1e6, 1e6, 8, 24*time.Hour
	challenged := map[int]int{}
	for n := range 500 {
		key, s := KeyOf([32]byte{1, byte(n), byte(n >> 8)}), State{}
		for i := range 60 {
			c := Call{At: midnight, IssuedAt: midnight, From: netip.AddrFrom4([4]byte{198, byte(i * 53), byte(i * 91), byte(i * 7)}), Key: key, Address: AddressVerdict{Known: true}}
			var v Verdict
			if s, v = Step(s, p, &c); v.Outcome != Admit {
				challenged[i]++
				if !v.RoamingLimit || v.Limit != 8 || v.Seen != 9 {
					t.Fatalf("challenged by %+v", v)
				}
				break
			}
		}
	}
	if len(challenged) == 1 {
		t.Error("the same addresses share a bit for every key")
	}
	t.Logf("challenged: %v", challenged)
	soon, all := 0, 0
	for at, n := range challenged {
		if all += n; at < 8 {
			t.Errorf("%d keys were challenged at address %d", n, at+1)
		} else if at < 11 {
			soon += n
		}
	}
	if all != 500 || soon < 475 {
		t.Errorf("%d of 500 keys were challenged, %d of them soon: %v", all, soon, challenged)
	}
}
