package states

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"stile.example/stile/tokens"
)

// versioned is a state that has only a name and a version.
type versioned struct {
	id      int
	version uint64
}

func (v versioned) name() int               { return v.id }
func (v versioned) order() uint64           { return v.version }
func (v versioned) compare(o versioned) int { return cmp.Compare(v.id, o.id) }

// TestDirty: of two states of a token the later one is transferred. The next scan finds
// the states that did not fit, and those that a scan did not reach.
func TestDirty(t *testing.T) {
	t.Parallel()
	var d dirty[int, versioned]
	d.add(-1, versioned{-1, 2})
	d.add(-1, versioned{-1, 1})
	if d.values[-1].version != 2 {
		t.Error("an older state replaces a newer one")
	}
	for n := range maxDirty {
		d.add(n, versioned{n, 1})
	}
	if len(d.values) != maxDirty || !d.missed.Load() {
		t.Errorf("%d wait, some were missed: %v", len(d.values), d.missed.Load())
	}
	put := func(context.Context, []versioned) error { return nil }
	scans, fault := 0, errors.New("gone")
	scan := func(context.Context) error { scans++; return fault }
	if err := d.settle(t.Context(), put); err != nil || len(d.values) != 0 {
		t.Errorf("%d wait after a transfer: %v", len(d.values), err)
	}
	if err := d.findMissed(t.Context(), scan); !errors.Is(err, fault) || scans != 1 {
		t.Errorf("%d scans: %v", scans, err)
	}
	fault = nil
	for range 2 {
		if err := d.findMissed(t.Context(), scan); err != nil || scans != 2 {
			t.Errorf("%d scans: %v", scans, err)
		}
	}
}

// TestEpochIsLater: after a loss, what was issued until the slowest clock shows that time is
// refused. The epoch never becomes earlier, and a node that notices a loss later begins no other.
func TestEpochIsLater(t *testing.T) {
	t.Parallel()
	m, db := newMemory(), newTable()
	stores, _ := nodes(t, 2, m, db)
	if err := stores[0].Update(t.Context(), tokens.ID{1}, counting); err != nil {
		t.Fatal(err)
	}
	m.flush()
	before := time.Now()
	key := Key{KindToken, "a"}
	for _, st := range stores {
		if err := st.beginEpoch(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	first, second := stores[0].NotBefore(), stores[1].NotBefore()
	if first != second || first < before.Add(skew).Unix() {
		t.Errorf("epochs %d and %d after a loss at %d", first, second, before.Unix())
	}
	if stores[0].raise(5); stores[0].NotBefore() != first {
		t.Error("it became earlier")
	}
}

// TestEpochOfWrongClocks: whichever of two nodes notices a loss, a token that the other one issued
// and used before is refused, also if one's clock is 5 s behind the database's, and the other's 5 s
// ahead. Tokens that are refused are those issued until NotBefore.
func TestEpochOfWrongClocks(t *testing.T) {
	t.Parallel()
	clocks := []time.Duration{-5 * time.Second, 5 * time.Second}
	for first := range clocks {
		m, db := newMemory(), newTable()
		stores, _ := nodes(t, 2, m, db)
		var issued [2]int64
		for i, ahead := range clocks {
			stores[i].opt.Now = func() time.Time { return time.Now().Add(ahead) }
			issued[i] = stores[i].opt.Now().Unix()
			if err := stores[i].Update(t.Context(), tokens.ID{byte(i)}, counting); err != nil {
				t.Fatal(err)
			}
		}
		m.flush()
		for _, i := range []int{first, 1 - first} {
			if err := stores[i].Update(t.Context(), tokens.ID{20, byte(i)}, counting); err != nil {
				t.Fatal(err)
			}
			for j, at := range issued {
				if notBefore := stores[i].NotBefore(); at > notBefore {
					t.Errorf("node %d notices a loss first: at node %d, a token of node %d is valid again: it is from %d, and those until %d are refused", first, i, j, at, notBefore)
				}
			}
		}
		proof := tokens.ID{7}
		made := time.Unix(stores[0].NotBefore()+2, 0)
		for i, want := range []bool{true, false, false} {
			spent, err := stores[(first+i)%2].SpendOnce(t.Context(), proof, made, made.Add(time.Minute))
			if err != nil || spent != want {
				t.Errorf("node %d: used for the first time: %t, %v", (first+i)%2, spent, err)
			}
		}
	}
}

// TestUnknownIsForgotten: what a node knows of a token is dropped if a swap may arrive yet, so that
// no list shows the value before it.
func TestUnknownIsForgotten(t *testing.T) { synctest.Test(t, unknownIsForgotten) }

func unknownIsForgotten(t *testing.T) {
	stores, links := nodes(t, 1, newMemory(), newTable())
	st, id := stores[0], tokens.ID{1}
	if err := st.Update(t.Context(), id, counting); err != nil {
		t.Fatal(err)
	}
	st.opt.ChangeTimeout, st.opt.Timeout = 20*time.Millisecond, 10*time.Millisecond
	links[0].deaf = true
	err := st.Update(t.Context(), id, counting)
	if _, known := st.Peek(id); !errors.Is(err, ErrUnknown) || known {
		t.Errorf("it is known: %v; %v", known, err)
	}
}

// TestFoundIsTransferred: a change whose reply was lost is transferred, also if another node has
// changed the value since: that node may die.
func TestFoundIsTransferred(t *testing.T) {
	t.Parallel()
	m, db := newMemory(), newTable()
	stores, links := nodes(t, 2, m, db)
	id := tokens.ID{1}
	update := func(st *Store) {
		t.Helper()
		if err := st.Update(t.Context(), id, counting); err != nil {
			t.Fatal(err)
		}
	}
	update(stores[0])
	links[0].lostThen = func() { update(stores[1]) }
	update(stores[0])
	err := stores[0].Settle(t.Context())
	if version := uint32(db.tokens[id].Version) & (1<<31 - 1); err != nil || version != 2 {
		t.Errorf("version %d was transferred: %v", version, err)
	}
}

// TestAttemptsAreNew: a process that starts again with the number of its node repeats no attempt.
func TestAttemptsAreNew(t *testing.T) {
	t.Parallel()
	m, db := newMemory(), newTable()
	first, _ := nodes(t, 1, m, db)
	for range 10 {
		if err := first[0].Update(t.Context(), tokens.ID{1}, counting); err != nil {
			t.Fatal(err)
		}
	}
	again, _ := nodes(t, 1, m, db)
	if a, b := first[0].attempts.Load(), again[0].attempts.Load(); b <= a {
		t.Errorf("attempt %d follows %d", b, a)
	}
}
