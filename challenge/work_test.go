package challenge

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
)

// TestLevels checks that each level draws from its complete range only, and that a level over the
// maximum counts as the maximum.
func TestLevels(t *testing.T) {
	for level, c := range counters {
		seen, size := map[uint32]bool{}, int(c.to-c.from+1)
		draws := 40 * size // one in 10¹³ runs misses a counter
		for range draws {
			n, err := draw(c.from, c.to)
			if err != nil {
				t.Fatal(err)
			}
			if n < c.from || n > c.to {
				t.Fatalf("level %d: %d is not within %d and %d", level, n, c.from, c.to)
			}
			seen[n] = true
		}
		if len(seen) != size {
			t.Errorf("level %d: %d counters of %d came up in %d", level, len(seen), size, draws)
		}
		if level > 0 && c.from+c.to <= counters[level-1].from+counters[level-1].to {
			t.Errorf("level %d is not more expensive than the one before", level)
		}
	}
	m, a := newMaker(t), ask(Work, 1)
	a.Level = 200
	if got, ok := m.Open(make1(t, m, a).ID); !ok || got.Level != MaxLevel {
		t.Errorf("level 200 is %d (%t)", got.Level, ok)
	}
}

// TestWork checks that the visitor gets an ALTCHA v2 challenge which our solver solves, with the
// sealed counter and no other.
func TestWork(t *testing.T) {
	m := newMaker(t)
	for number := range uint16(3) {
		a := ask(Work, number)
		c := make1(t, m, a)
		p := *c.Parameters
		if p.Algorithm != "PBKDF2/SHA-256" || p.KeyLength != 32 || p.ExpiresAt != a.Expires.Unix() || len(p.KeyPrefix) != 32 ||
			len(p.Nonce) != 32 || len(p.Salt) != 32 || p.Nonce == p.Salt || c.Digits != 0 {
			t.Errorf("%+v", p)
		}
		found, err := Solve(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if !m.IsCorrect(c.ID, sealed{answer: found.Counter}.text()) || hex.EncodeToString(found.Key)[:32] != p.KeyPrefix {
			t.Errorf("%d is found, %s was sealed", found.Counter, right(t, m, c.ID))
		}
		for _, other := range []uint32{found.Counter - 1, found.Counter + 1} {
			if m.IsCorrect(c.ID, sealed{answer: other}.text()) {
				t.Errorf("%d is right too", other)
			}
		}
	}
}

// TestWire checks the names of the members against the contract.
func TestWire(t *testing.T) {
	text, err := json.Marshal(Parameters{"PBKDF2/SHA-256", 1000, 1795342200, 32, "aa", "bb", "cc"})
	const want = `{"algorithm":"PBKDF2/SHA-256","cost":1000,"expiresAt":1795342200,"keyLength":32,"keyPrefix":"aa","nonce":"bb","salt":"cc"}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}

// TestSolveGivesUp checks invalid parameters, and a context that has ended.
func TestSolveGivesUp(t *testing.T) {
	good := Parameters{Algorithm: algorithm, Cost: 1, KeyLength: 32, KeyPrefix: "00112233445566778899", Nonce: "aa", Salt: "bb"}
	for name, change := range map[string]func(*Parameters){
		"algorithm": func(p *Parameters) { p.Algorithm = "SHA-256" },
		"nonce":     func(p *Parameters) { p.Nonce = "x" },
		"salt":      func(p *Parameters) { p.Salt = "x" },
		"no prefix": func(p *Parameters) { p.KeyPrefix = "" },
		"prefix":    func(p *Parameters) { p.KeyPrefix = "0" },
		"length":    func(p *Parameters) { p.KeyLength = -1 },
	} {
		p := good
		change(&p)
		if s, err := Solve(context.Background(), p); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Solve(gone, good); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
}
