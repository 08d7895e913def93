package addresses_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	. "stile.example/stile/addresses"
	_ "stile.example/stile/stiletest/repeatable"
)

// TestProperties checks what must hold for every sequence of events: Step is pure; an address
// within its budget is never challenged; a block is never shortened except by Lift, ends without an
// event, and counts nothing.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{Bindings: rapid.Uint16Range(1, 5).Draw(t, "bindings"), Per: time.Hour, SolveRatio: 0.5,
			Then:  rapid.SampledFrom([]Then{ThenChallenge, ThenBlock}).Draw(t, "then"),
			Block: []time.Duration{10 * time.Minute, time.Hour}}
		var s State
		var recent []time.Time // bindings that were counted
		now := midnight
		apply := func(e Event) Verdict {
			next, v := Step(s, p, e)
			if again, v2 := Step(s, p, e); again != next || v2 != v {
				t.Fatalf("Step is not pure: %+v", e)
			}
			wasBlocked := now.Unix() < s.Until
			if _, lift := e.(Lift); wasBlocked && !lift && (next.Until != s.Until || v.Status != Blocked) {
				t.Fatalf("a block until %d became %+v", s.Until, v)
			}
			if v.NewlyBlocked && (wasBlocked || next.Until <= now.Unix()) {
				t.Fatalf("an offence of a blocked address, or a block that has ended: %+v", v)
			}
			s = next
			return v
		}
		t.Repeat(map[string]func(*rapid.T){
			"bind": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 1200).Draw(t, "dt")) * time.Second)
				blocked := now.Unix() < s.Until
				if v := apply(Bind{At: now, Key: [16]byte{rapid.Uint8Range(0, 3).Draw(t, "key")}, Person: [16]byte{rapid.Uint8Range(0, 3).Draw(t, "person")}}); !blocked && !v.NewlyBlocked {
					recent = append(recent, now)
					within := 0
					for _, at := range recent {
						if now.Sub(at) < p.Per {
							within++
						}
					}
					if v.Status != Clear && within <= int(p.Bindings) {
						t.Fatalf("%d bindings of %d within %v: %+v", within, p.Bindings, p.Per, v)
					}
				}
			},
			"solved":  func(t *rapid.T) { apply(Solved{At: now}) },
			"inspect": func(t *rapid.T) { apply(Inspect{now}) },
			"lift": func(t *rapid.T) {
				if apply(Lift{}).Status != Clear || s != (State{}) {
					t.Fatal("the state is not zero after Lift")
				}
				recent = nil
			},
		})
	})
}

// TestRecordsWithinADay checks that an address whose challenges are never solved gets an allowance
// of at most its budget of records within any 24 hours, whatever the calls and their times.
func TestRecordsWithinADay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{Bindings: 3, Per: time.Hour, Records: rapid.Uint32Range(45, 400).Draw(t, "records"), SolveRatio: 0.2,
			Block: []time.Duration{10 * time.Minute, time.Hour}}
		var s State
		type grant struct {
			at      time.Time
			records uint32
		}
		var all []grant
		now := midnight
		for range rapid.IntRange(1, 200).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 7200).Draw(t, "dt")) * time.Second)
			n := rapid.Uint32Range(0, 50).Draw(t, "n")
			var v Verdict
			if rapid.Bool().Draw(t, "binds") {
				s, v = Step(s, p, Bind{At: now, Key: [16]byte{rapid.Uint8Range(0, 9).Draw(t, "key")}, Person: [16]byte{rapid.Uint8Range(0, 2).Draw(t, "person")}, Records: n})
			} else {
				s, v = Step(s, p, Deliver{At: now, Records: n})
			}
			if v.Status != Clear {
				continue
			}
			if v.Allowance < n || v.Allowance == 0 {
				t.Fatalf("an allowance of %d for %d records", v.Allowance, n)
			}
			all = append(all, grant{now, v.Allowance})
			sum := uint32(0)
			for _, g := range all {
				if now.Sub(g.at) < 24*time.Hour {
					sum += g.records
				}
			}
			if sum > p.Records {
				t.Fatalf("%d records of %d within a day", sum, p.Records)
			}
		}
	})
}

// TestUnknownEventBlocks checks that Step blocks on an event that it does not know.
func TestUnknownEventBlocks(t *testing.T) {
	if _, v := Step(State{}, Policy{}, nil); v.Status != Blocked {
		t.Errorf("got %+v", v)
	}
	if (Verdict{}).Status != Blocked {
		t.Error("the zero Verdict does not block")
	}
}

// TestSmallCorpus checks that records are counted if the corpus has at least 20 times an address's
// budget of records.
func TestSmallCorpus(t *testing.T) {
	for _, tt := range []struct {
		records  uint32
		bindings uint16
		items    int
		want     uint32
	}{{375, 25, 7499, 0}, {375, 25, 7500, 375}, {375, 100, 29_999, 0}, {375, 100, 30_000, 375}, {0, 25, 1 << 20, 0}} {
		if got := (Policy{Records: tt.records, Bindings: tt.bindings}).For(tt.items).Records; got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
	}
}
