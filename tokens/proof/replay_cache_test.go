package proof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest"
)

// TestOnce checks that one of many simultaneous uses of a proof is accepted.
func TestOnce(t *testing.T) {
	c, k := checker(), stiletest.NewKey()
	for range 20 {
		text := k.Proof("GET", asked.URL, asked.Token, noon)
		var good atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := use(c, text, asked, noon); err == nil {
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

// TestRestart checks that a proof which may have been used before a restart is refused after it,
// and that a later one is accepted. For 2 s after the start, the error is ErrBusy.
func TestRestart(t *testing.T) {
	k := stiletest.NewKey()
	for _, made := range []time.Duration{-50 * time.Second, -1 * time.Second, 0, 2 * time.Second} {
		before := noon.Add(made).Add(-time.Second)
		if made < 0 {
			before = noon.Add(made)
		}
		text := k.Proof("GET", asked.URL, asked.Token, noon.Add(made))
		if _, err := use(NewChecker(noon.Add(-time.Hour)), text, asked, before.Add(time.Second)); err != nil {
			t.Fatalf("made %v, before: %v", made, err)
		}
		c := NewChecker(noon)
		for after := range 62 {
			if got, err := use(c, text, asked, noon.Add(time.Duration(after)*time.Second)); err == nil {
				t.Fatalf("made %v, used again %d s after a restart: %v", made, after, got)
			}
		}
	}
	c := NewChecker(noon)
	for after := range 5 {
		at := noon.Add(time.Duration(after) * time.Second)
		_, err := use(NewChecker(noon), k.Proof("GET", asked.URL, asked.Token, at), asked, at)
		if c.Ready(at) != (err == nil) {
			t.Errorf("%d s after the start: ready is %v, a proof gets %v", after, c.Ready(at), err)
		}
	}
	if _, err := use(c, k.Proof("GET", asked.URL, asked.Token, noon.Add(time.Second)), asked, noon.Add(time.Second)); err != ErrBusy {
		t.Errorf("a second after the start: %v", err)
	}
	if _, err := use(c, k.Proof("GET", asked.URL, asked.Token, noon.Add(3*time.Second)), asked, noon.Add(3*time.Second)); err != nil {
		t.Errorf("three seconds after the start: %v", err)
	}
}

// TestUsedStaysUsed checks that no proof is accepted twice, however the clock changes.
func TestUsedStaysUsed(t *testing.T) {
	k := stiletest.NewKey()
	for _, jumps := range [][]time.Duration{
		{30 * time.Second, 60 * time.Second}, {62 * time.Second, 0}, {63 * time.Second, 126 * time.Second, 189 * time.Second, time.Second},
		{time.Hour, 2 * time.Hour, 3 * time.Hour, time.Second}, {24 * time.Hour, 0, 24 * time.Hour, time.Minute}, {-time.Hour, 0, time.Minute},
	} {
		c := checker()
		text := k.Proof("GET", asked.URL, asked.Token, noon)
		if _, err := use(c, text, asked, noon); err != nil {
			t.Fatal(err)
		}
		for _, jump := range jumps {
			at := noon.Add(jump)
			// Another proof drops what is old.
			use(c, k.Proof("GET", asked.URL, asked.Token, at), asked, at)
			if _, err := use(c, text, asked, at); err == nil {
				t.Errorf("%v: used a second time at %v", jumps, jump)
			}
		}
	}
}

// TestForgets checks that proofs that are too old are dropped.
func TestForgets(t *testing.T) {
	c, k := checker(), stiletest.NewKey()
	for n := range 10 {
		at := noon.Add(time.Duration(n) * time.Minute)
		for range 5 {
			if _, err := use(c, k.Proof("GET", asked.URL, asked.Token, at), asked, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := c.used.size(); n < 5 || n > 20 {
		t.Errorf("%d proofs are remembered", n)
	}
}

// numbered returns the nth of proofs made at noon, by a token of the shard.
func numbered(shard byte, token, n int) (p Checked) {
	p.token[0], p.proof[0] = shard, shard
	binary.BigEndian.PutUint64(p.token[1:], uint64(token))
	binary.BigEndian.PutUint64(p.proof[1:], uint64(n))
	p.made = noon.Unix()
	return p
}

// TestBounds checks that a full cache refuses new proofs and drops none. After a span there is
// space again, even if the full shard gets no calls.
func TestBounds(t *testing.T) {
	u, now := new(replayCache), noon.Unix()
	for n := range maxProofs/2 + 100 {
		if err := u.spend(numbered(0, n, n), 1, now); (err == nil) != (n < maxProofs/2) {
			t.Fatalf("proof %d: %v", n, err)
		}
	}
	if n := u.taken.Load(); n != maxProofs {
		t.Errorf("%d places are taken", n)
	}
	if err := u.spend(numbered(0, 0, 0), 1, now); err != invalid("it was used before") {
		t.Errorf("full, and a proof a second time: %v", err)
	}
	u.turn(now + span)
	later := numbered(1, 0, 0)
	later.made += 2 * span
	if err := u.spend(later, 1, now+2*span); err != nil {
		t.Errorf("in another shard, when the time has come: %v", err)
	}
	if n := u.taken.Load(); n != 2 || u.size() != 1 {
		t.Errorf("%d places are taken, by %d proofs", n, u.size())
	}
}

// TestS57_ProofMemory checks that 64 tokens, and 1,600, that spend as many proofs as their limits
// admit do not affect other tokens, even in one shard. Only a token that spends more is refused.
func TestS57_ProofMemory(t *testing.T) {
	const most = 620
	for _, tokens := range []int{64, 1600} {
		u, now := new(replayCache), noon.Unix()
		for n := range tokens * (most + 1) {
			if err := u.spend(numbered(0, n%tokens, n), most, now); (err == nil) != (n < tokens*most) || err != nil && err != ErrBusy {
				t.Fatalf("%d tokens, proof %d: %v", tokens, n, err)
			}
		}
		for shard := range shards {
			for n := range 1000 {
				if err := u.spend(numbered(byte(shard), tokens+n, -1-n), most, now); err != nil {
					t.Fatalf("%d tokens refuse another, in shard %d: %v", tokens, shard, err)
				}
			}
		}
	}
}

// TestS57_CheckRemembersNothing checks that unbound tokens store neither proofs nor keys, however
// many they send.
func TestS57_CheckRemembersNothing(t *testing.T) {
	c, honest := checker(), stiletest.NewKey()
	if _, err := use(c, honest.Proof("GET", asked.URL, asked.Token, noon), asked, noon); err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(honest.Proof("GET", asked.URL, asked.Token, noon), ".")
	key := c.keys.get(tokenMark(), header)
	for range 200 {
		k := stiletest.NewEdwardsKey()
		for _, r := range []Request{asked, {asked.Method, asked.URL, "another.unbound.token"}} {
			text := k.Proof(r.Method, r.URL, r.Token, noon)
			for range 2 {
				if _, err := c.Check(text, r, noon); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if n, keys := c.used.size(), c.keys.keys.Len(); n != 1 || keys != 1 {
		t.Errorf("%d proofs and %d keys are remembered", n, keys)
	}
	if key == nil || c.keys.get(tokenMark(), header) != key {
		t.Error("the key of the bound token was displaced")
	}
}

// TestS57_OneKeyAToken checks that a bound token has one entry among the keys, however many headers
// are sent with it.
func TestS57_OneKeyAToken(t *testing.T) {
	c, k := checker(), stiletest.NewKey()
	for n := range 50 {
		text := k.Sign(merge(k.Header(), "kid", fmt.Sprint(n)), stiletest.Claims("GET", asked.URL, asked.Token, noon))
		if _, err := use(c, text, asked, noon); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.keys.keys.Len(); n != 1 {
		t.Errorf("%d keys are remembered", n)
	}
}

// TestSpendUnchecked checks that a proof must be checked before it is spent.
func TestSpendUnchecked(t *testing.T) {
	if err := checker().Spend(Checked{}, 1, noon); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

// TestKeysAreBounded checks that keys are stored while they are used, and within the bound.
func TestKeysAreBounded(t *testing.T) {
	s := newKeyCache()
	for n := range 5 * maxKeys {
		token := numbered(0, n, n).token
		s.put(token, &key{header: "h"})
		if n%100 == 0 && s.get(token, "h") == nil {
			t.Fatalf("key %d is forgotten immediately", n)
		}
	}
	if n := s.keys.Len(); n > maxKeys {
		t.Errorf("%d keys are remembered", n)
	}
}

// TestMemoryOfUsed checks that a full cache takes at most 90 MB: for tokens with one proof each,
// and with many; in all shards, and in one.
func TestMemoryOfUsed(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for _, over := range []int{1, shards} {
		for _, each := range []int{1, 620} {
			before, u, now, proofs := heap(), new(replayCache), noon.Unix(), 0
			for half := range 2 {
				for u.taken.Load() < int64(half+1)*maxProofs/2 {
					p := numbered(byte(proofs%over), proofs/over/each, proofs)
					if err := u.spend(p, each, now); err != nil {
						t.Fatal(err)
					}
					proofs++
				}
				now += span
			}
			took := heap() - before
			t.Logf("%d shards, %d a token: %d proofs take %.0f MB", over, each, proofs, float64(took)/1e6)
			if took > 90e6 || u.size() != proofs {
				t.Errorf("more than 90 MB, or %d proofs", u.size())
			}
		}
	}
}
