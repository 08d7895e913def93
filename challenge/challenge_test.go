package challenge

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
)

// TestOpenLaw checks that Open returns the Spec of an id.
func TestOpenLaw(t *testing.T) {
	m := newMaker(t)
	rapid.Check(t, func(t *rapid.T) {
		a := Spec{
			Number: rapid.Uint16().Draw(t, "number"), Kind: Picture, Level: rapid.Uint8Range(0, MaxLevel).Draw(t, "level"),
			Expires: time.Unix(rapid.Int64Range(0, 1<<32-1).Draw(t, "expires"), 0).UTC(),
		}
		copy(a.Token[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "token"))
		c, err := m.Make(a)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := m.Open(c.ID); !ok || got != a || !c.Expires.Equal(a.Expires) || c.Kind != a.Kind {
			t.Fatalf("%+v was made for %+v, opens as %+v, %t", c, a, got, ok)
		}
	})
}

// TestMadeOnce checks that equal Specs get the same challenge, simultaneously too, and different
// Specs different ones.
func TestMadeOnce(t *testing.T) {
	m := newMaker(t)
	for _, kind := range []Kind{Work, Picture} {
		var all sync.WaitGroup
		ids := make([]string, 64)
		for i := range ids {
			all.Go(func() {
				if c, err := m.Make(ask(kind, 1)); err == nil {
					ids[i] = c.ID
				}
			})
		}
		all.Wait()
		first := make1(t, m, ask(kind, 1))
		for _, id := range ids {
			if id != first.ID {
				t.Errorf("one Ask, two challenges: %q and %q", id, first.ID)
			}
		}
		others := []Spec{ask(kind, 2), ask(3-kind, 1), ask(kind, 1), ask(kind, 1), ask(kind, 1)}
		others[2].Token[15]++
		others[3].Level++
		others[4].Expires = others[4].Expires.Add(time.Second)
		for _, a := range others {
			if other := make1(t, m, a); other.ID == first.ID {
				t.Errorf("%+v is given the challenge of another Ask", a)
			}
		}
	}
	if a, b := make1(t, m, ask(Work, 1)), make1(t, newMaker(t), ask(Work, 1)); a.ID == b.ID || a.Parameters.Nonce == b.Parameters.Nonce {
		t.Error("two nodes make the same challenge")
	}
}

// TestNoSuchKind checks that an unknown kind is an error and is not cached.
func TestNoSuchKind(t *testing.T) {
	m := newMaker(t)
	for _, kind := range []Kind{0, 3, 255} {
		if c, err := m.Make(ask(kind, 1)); err == nil {
			t.Errorf("kind %d: %+v", kind, c)
		}
	}
	if n := len(m.made.byKey); n != 0 {
		t.Errorf("%d failures are remembered", n)
	}
}

// TestRememberedIsBounded checks that the cache is bounded, and that the oldest challenge is made
// again.
func TestRememberedIsBounded(t *testing.T) {
	m := newMaker(t)
	first := make1(t, m, ask(Picture, 0))
	a := ask(Picture, 0)
	for n := range 2 * cachedChallenges {
		a.Token[0], a.Token[1], a.Token[2] = byte(n), byte(n>>8), 0xFF
		make1(t, m, a)
	}
	if n := len(m.made.byKey); n != cachedChallenges || m.made.used != n || m.made.recent.Len() != n {
		t.Errorf("%d are remembered (%d listed, %d counted), want %d", n, m.made.recent.Len(), m.made.used, cachedChallenges)
	}
	again := make1(t, m, ask(Picture, 0))
	if again.ID == first.ID {
		t.Error("the first is still remembered")
	}
	if got, ok := m.Open(first.ID); !ok || !reflect.DeepEqual(got, ask(Picture, 0)) {
		t.Errorf("what was forgotten opens as %+v, %t", got, ok)
	}
}
