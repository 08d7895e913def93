package simulate

import (
	"net/netip"
	"time"

	"stile.example/stile/tokens"
)

// weapon is a page that uses up the budget of its visitor's address. Every hour, it makes the
// visitor's browser bind many tokens of a tenant, and solves nothing. Browsers mark such requests
// (fetch metadata), and the server refuses marked ones before any rule counts them. So this is a
// browser that does not mark them.
type weapon struct {
	visitor
	left int // tokens to be bound in this hour
}

// tokensPerHour is how many tokens a weapon binds in an hour. firstHour and last are the hours of
// the day between which its visitor opens the page.
const (
	tokensPerHour   = 45
	firstHour, last = 8 * time.Hour, 22 * time.Hour
)

// act binds the next token.
func (a *weapon) act(w *world, now time.Duration) time.Duration {
	if now < firstHour {
		return firstHour + time.Duration(w.Int64N(int64(time.Hour)))
	}
	if a.left == 0 {
		a.left = tokensPerHour
	}
	a.do(w, now, request{route: tokens.Item, records: 1})
	a.drop(w)
	if a.left--; a.left > 0 {
		return now + 10*time.Millisecond
	}
	if now += time.Hour; now%(24*time.Hour) > last {
		now += 24*time.Hour - last + firstHour
	}
	return now
}

// bystanders returns n people at home, one behind each address, whose browsers open a weapon page.
// The page uses the tokens of a tenant.
func bystanders(n int, tenant uint32) func(*world) []agent {
	return func(w *world) []agent {
		all := people(w, n, habit{more: 0.5, hours: atHome, pages: 8, pause: keyboardKey}, address)
		for n := range len(all) {
			all = append(all, &weapon{visitor: visitor{who: nobody, from: address(n), tenant: tenant, solver: idle}})
		}
		return all
	}
}

// nobody is the number of an agent that does not belong to its group. Its results are not counted.
const nobody = -1

// flooder makes the server store as many used proofs as possible. It makes requests with a key
// until its token dies, and continues with a new token.
type flooder struct {
	visitor
	sent int
}

// act makes the next request.
func (f *flooder) act(w *world, now time.Duration) time.Duration {
	if now > flooded {
		return never
	}
	r := request{suggest: true}
	if f.sent++; f.sent%5 == 0 {
		r = request{route: tokens.Collections}
	}
	if outcome, next := f.do(w, now, r); outcome == blocked {
		return next
	}
	return now + 50*time.Millisecond
}

// flooders returns n flooders with keys and addresses of their own. So no address is crowded, and
// only the rules of the memory limit them.
func flooders(n int) func(*world) []agent {
	return func(*world) (all []agent) {
		for n := range n {
			all = append(all, &flooder{visitor: visitor{who: n, from: address(n), key: tokens.Key{1, byte(n)}, solver: idle}})
		}
		return all
	}
}

// flooded is how long the flood of proofs lasts: almost three times proofLife.
const flooded = 3 * time.Minute

// proofLife is how long a used proof is stored.
const proofLife = 63 * time.Second

// spend counts a used proof, by the key that its token is bound to. It also updates the maximum
// number of proofs that are stored at the same time.
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

// len64 returns the length of the ring.
func len64(ring [proofLife / time.Second]int) time.Duration { return time.Duration(len(ring)) }

// subnet returns the n-th of the 65,536 /64s of a /48, in an order in which consecutive ones are in
// different /56s.
func subnet(n int) netip.Addr {
	n = n * 257 % 65536
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, byte(n >> 8), byte(n)})
}
