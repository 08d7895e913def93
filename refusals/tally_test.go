package refusals

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 9, 12, 0, 0, 0, time.UTC)

// TestS58TallyIsBounded checks that a flood of invented keys of one code takes half of the space.
// Other codes find space, and keys without space are counted too.
func TestS58TallyIsBounded(t *testing.T) {
	tally := newTally[int]()
	key := func(code string, n int) Key { return Key{Code: code, Address: fmt.Sprint(n)} }
	const all = 100_000
	first := 0
	for n := range all {
		if _, is := tally.count(key("a", n), noon, 1); is {
			first++
		}
	}
	if first != most/2+1 {
		t.Errorf("one code has %d keys, want half of %d and the shared one", first, most)
	}
	for _, code := range []string{"b", "c", "d"} {
		if _, is := tally.count(key(code, 0), noon, 1); !is {
			t.Errorf("code %s finds no place", code)
		}
	}
	for n := range all {
		tally.count(key(fmt.Sprint("code ", n%30), n), noon, 1)
	}
	if len(tally.entries) > most+40 {
		t.Errorf("%d entries", len(tally.entries))
	}
	sum := int64(0)
	for _, e := range tally.end(noon.Add(time.Minute)) {
		sum += e.count
	}
	if sum != 2*all+3 {
		t.Errorf("%d were counted, want %d", sum, 2*all+3)
	}
	if len(tally.entries) != 0 || len(tally.of) != 0 {
		t.Errorf("%d entries and %d codes are left", len(tally.entries), len(tally.of))
	}
}

// TestMinutes checks that a key is new in each minute, and that only finished minutes end.
func TestMinutes(t *testing.T) {
	tally, k := newTally[int](), Key{Code: "a"}
	for _, c := range []struct {
		after time.Duration
		first bool
	}{{0, true}, {59 * time.Second, false}, {60 * time.Second, true}, {61 * time.Second, false}, {30 * time.Second, false}} {
		if _, first := tally.count(k, noon.Add(c.after), 1); first != c.first {
			t.Errorf("after %v: first is %v", c.after, first)
		}
	}
	if ended := tally.end(noon.Add(65 * time.Second)); len(ended) != 1 || ended[0].count != 3 {
		t.Errorf("ended: %+v", ended)
	}
	if ended := tally.end(noon.Add(2 * time.Minute)); len(ended) != 1 || ended[0].count != 2 {
		t.Errorf("ended: %+v", ended)
	}
}

// TestS58MemoryIsShared checks that a flood from one address, or several, displaces no reference of
// an address with few. Only as many addresses as the maximum do.
func TestS58MemoryIsShared(t *testing.T) {
	const places = 1000
	for _, c := range []struct {
		addresses, notes int
		stays            bool
	}{{1, 100_000, true}, {10, 100_000, true}, {300, 100_000, true}, {places, 100_000, false}} {
		m := newMemory(places)
		honest := []string{"H0", "H1", "H2"}
		for _, ref := range honest {
			m.add(Refusal{Ref: ref, Address: "honest"}, nil)
		}
		for n := range c.notes {
			m.add(Refusal{Ref: fmt.Sprint("flood ", n), Address: fmt.Sprint(n % c.addresses)}, nil)
			if len(m.byRef) > places {
				t.Fatalf("%d are remembered", len(m.byRef))
			}
		}
		for _, ref := range honest {
			if _, ok := m.byRef[ref]; ok != c.stays {
				t.Errorf("%d addresses: %s is there: %v", c.addresses, ref, ok)
			}
		}
		held := 0
		for address, h := range m.byAddress {
			n := 0
			for note := h.oldest; note != nil; note = note.next {
				n++
				if m.byRef[note.Ref] != note || note.Address != address {
					t.Fatalf("%s holds a note that is gone", address)
				}
			}
			if held += n; n != h.n || h.at == nil {
				t.Errorf("%s holds %d, counted as %d", address, n, h.n)
			}
		}
		if held != len(m.byRef) {
			t.Errorf("%d are held of %d", held, len(m.byRef))
		}
		if _, ok := m.byRef[fmt.Sprint("flood ", c.notes-1)]; !ok {
			t.Error("the latest is not there")
		}
	}
}
