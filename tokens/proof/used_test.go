package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest"
)

// TestOnce: of one proof sent many times at once, one is good.
func TestOnce(t *testing.T) {
	c, k := checker(), stiletest.NewKey()
	for range 20 {
		text := k.Proof("GET", asked.URL, asked.Token, noon)
		var good atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := c.Check(text, asked, noon); err == nil {
					good.Add(1)
				}
			})
		}
		wg.Wait()
		if good.Load() != 1 {
			t.Fatalf("one proof was good %d times", good.Load())
		}
	}
}

// TestRestart: a proof that may have been used before a restart is not good
// after it, and one made later is. For the two seconds in which nobody can
// know, it is to be tried again.
func TestRestart(t *testing.T) {
	k := stiletest.NewKey()
	for _, made := range []time.Duration{-50 * time.Second, -1 * time.Second, 0, 2 * time.Second} {
		before := noon.Add(made).Add(-time.Second)
		if made < 0 {
			before = noon.Add(made)
		}
		text := k.Proof("GET", asked.URL, asked.Token, noon.Add(made))
		if _, err := NewChecker(noon.Add(-time.Hour)).Check(text, asked, before.Add(time.Second)); err != nil {
			t.Fatalf("made %v, before: %v", made, err)
		}
		c := NewChecker(noon)
		for after := range 62 {
			if got, err := c.Check(text, asked, noon.Add(time.Duration(after)*time.Second)); err == nil {
				t.Fatalf("made %v, used again %d s after a restart: %v", made, after, got)
			}
		}
	}
	c := NewChecker(noon)
	if _, err := c.Check(k.Proof("GET", asked.URL, asked.Token, noon.Add(time.Second)), asked, noon.Add(time.Second)); err != ErrBusy {
		t.Errorf("a second after the start: %v", err)
	}
	if _, err := c.Check(k.Proof("GET", asked.URL, asked.Token, noon.Add(3*time.Second)), asked, noon.Add(3*time.Second)); err != nil {
		t.Errorf("three seconds after the start: %v", err)
	}
}

// TestUsedStaysUsed: however the clock goes, a proof is not good twice.
func TestUsedStaysUsed(t *testing.T) {
	k := stiletest.NewKey()
	for _, jumps := range [][]time.Duration{
		{30 * time.Second, 60 * time.Second}, {62 * time.Second, 0}, {63 * time.Second, 126 * time.Second, 189 * time.Second, time.Second},
		{time.Hour, 2 * time.Hour, 3 * time.Hour, time.Second}, {24 * time.Hour, 0, 24 * time.Hour, time.Minute}, {-time.Hour, 0, time.Minute},
	} {
		c := checker()
		text := k.Proof("GET", asked.URL, asked.Token, noon)
		if _, err := c.Check(text, asked, noon); err != nil {
			t.Fatal(err)
		}
		for _, jump := range jumps {
			at := noon.Add(jump)
			c.Check(k.Proof("GET", asked.URL, asked.Token, at), asked, at) // another, so that what is old is forgotten
			if _, err := c.Check(text, asked, at); err == nil {
				t.Errorf("%v: used a second time at %v", jumps, jump)
			}
		}
	}
}

// TestForgets: what is too old leaves the memory.
func TestForgets(t *testing.T) {
	c, k := checker(), stiletest.NewKey()
	for n := range 10 {
		at := noon.Add(time.Duration(n) * time.Minute)
		for range 5 {
			if _, err := c.Check(k.Proof("GET", asked.URL, asked.Token, at), asked, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := c.used.size(); n < 5 || n > 20 {
		t.Errorf("%d proofs are remembered", n)
	}
}

// TestBounds: a full memory refuses, and forgets nothing; one token can't fill
// it.
func TestBounds(t *testing.T) {
	var s shard
	s.floor = noon.Unix() - 100
	now := noon.Unix()
	name := func(n int) (m mark) { sum := sha256.Sum256(fmt.Append(nil, n)); return mark(sum[:16]) }
	for n := range most + 100 {
		token := name(n / ofAToken)
		if err := s.spend(name(n), token, now, now); (err == nil) != (n < most) {
			t.Fatalf("proof %d: %v", n, err)
		}
	}
	if err := s.spend(name(0), name(0), now, now); err != invalid("it was used before") {
		t.Errorf("full, and a proof a second time: %v", err)
	}
	if err := s.spend(name(-1), name(-1), now+span, now+span); err != nil {
		t.Errorf("when the time has come: %v", err)
	}
	s = shard{}
	for n := range ofAToken + 1 {
		if err := s.spend(name(n), name(0), now, now); (err == nil) != (n < ofAToken) {
			t.Fatalf("proof %d of a token: %v", n, err)
		}
	}
	if err := s.spend(name(-1), name(1), now, now); err != nil {
		t.Errorf("another token: %v", err)
	}
}

// TestKeysAreBounded: keys are remembered while they are in use, and no more
// of them than there is room for.
func TestKeysAreBounded(t *testing.T) {
	var s keys
	for n := range 5 * maxKeys {
		s.keep(fmt.Sprint(n), &key{})
		if n%100 == 0 && s.find(fmt.Sprint(n)) == nil {
			t.Fatalf("key %d is forgotten at once", n)
		}
	}
	if n := len(s.fresh) + len(s.old); n > 2*maxKeys {
		t.Errorf("%d keys are remembered", n)
	}
}

// TestMemoryOfUsed holds a memory that is full to 90 MB.
func TestMemoryOfUsed(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, u, now := heap(), new(used), noon.Unix()
	for half := range 2 {
		for i := range u.shards {
			for n := range most {
				var proof, token mark
				binary.BigEndian.PutUint32(proof[:], uint32(n))
				proof[4], token[0] = byte(half), byte(n/ofAToken)
				if err := u.shards[i].spend(proof, token, now, now); err != nil {
					t.Fatal(err)
				}
			}
		}
		now += span
	}
	took := heap() - before
	runtime.KeepAlive(u)
	t.Logf("%d proofs take %.0f MB", 2*shards*most, float64(took)/1e6)
	if took > 90e6 {
		t.Error("more than 90 MB")
	}
}
