package simulate

import (
	"net/netip"
	"time"

	"stile.example/stile/tokens"
)

// weapon is a page that uses up its visitor's address: every hour of the day it
// makes the visitor's browser bind many tokens of a tenant, and solves nothing.
// Browsers mark such requests (Fetch Metadata), and the server then refuses them
// before any rule counts them: so this is a browser that does not.
type weapon struct {
	visitor
	left int // tokens that are still to be bound in this hour
}

// volley is how many tokens a weapon binds in an hour, and volleys are the hours
// of the day in which its visitor meets the page.
const (
	volley          = 45
	firstHour, last = 8 * time.Hour, 22 * time.Hour
)

func (a *weapon) act(w *world, now time.Duration) time.Duration {
	if now < firstHour {
		return firstHour + time.Duration(w.Int64N(int64(time.Hour)))
	}
	if a.left == 0 {
		a.left = volley
	}
	a.ask(w, now, request{route: tokens.Item, records: 1})
	a.drop(w)
	if a.left--; a.left > 0 {
		return now + 10*time.Millisecond
	}
	if now += time.Hour; now%(24*time.Hour) > last {
		now += 24*time.Hour - last + firstHour
	}
	return now
}

// bystanders are people at home, one behind each address, whose browsers meet a
// weapon page that uses the tokens of a tenant.
func bystanders(n int, tenant uint32) func(*world) []agent {
	return func(w *world) []agent {
		all := people(w, n, habit{more: 0.5, hours: atHome, pages: 8, pause: keyboardKey}, address)
		for n := range len(all) {
			all = append(all, &weapon{visitor: visitor{who: nobody, from: address(n), tenant: tenant, solver: idle}})
		}
		return all
	}
}

// nobody is the number of an agent that is no member of its group: what becomes
// of it is not counted.
const nobody = -1

// flooder makes as many proofs be remembered as it can: it makes requests with
// keys until its token dies, and takes a new one.
type flooder struct {
	visitor
	sent int
}

func (f *flooder) act(w *world, now time.Duration) time.Duration {
	if now > flooded {
		return never
	}
	r := request{suggest: true}
	if f.sent++; f.sent%5 == 0 {
		r = request{route: tokens.Collections}
	}
	if came, next := f.ask(w, now, r); came == barred {
		return next
	}
	return now + 50*time.Millisecond
}

// flooders are n tokens with keys, at addresses of their own: so that no crowd
// bounds them, but the memory's own rule alone.
func flooders(n int) func(*world) []agent {
	return func(*world) (all []agent) {
		for n := range n {
			all = append(all, &flooder{visitor: visitor{who: n, from: address(n), key: tokens.Key{1, byte(n)}, solver: idle}})
		}
		return all
	}
}

// flooded is how long a flood of proofs lasts: some times a proof's life.
const flooded = 3 * time.Minute

// proofLife is how long a used proof is remembered.
const proofLife = 63 * time.Second

// spend counts a proof that is remembered: one by the key that its token is
// bound to. It keeps the most that are remembered at once.
func (t *tally) spend(now time.Duration) {
	second := now / time.Second
	if second != t.second {
		for s := t.second + 1; s <= second && s <= t.second+len64(t.spent); s++ {
			t.spent[s%len64(t.spent)] = 0
		}
		t.second = second
	}
	t.spent[second%len64(t.spent)]++
	sum := 0
	for _, n := range t.spent {
		sum += n
	}
	t.Proofs = max(t.Proofs, sum)
}

func len64(ring [proofLife / time.Second]int) time.Duration { return time.Duration(len(ring)) }

// subnet is a new /64 of one /48 each time: 65,536 of them, in an order in which
// neighbours are in different /56s.
func subnet(n int) netip.Addr {
	n = n * 257 % 65536
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, byte(n >> 8), byte(n)})
}
