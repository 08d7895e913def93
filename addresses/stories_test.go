package addresses_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "stile.example/stile/addresses"
)

// TestStories plays each testdata/*.txt: one event a line, then how the address
// stands. `again` begins with an address never seen; `x 3` before an event has
// it happen so often, and what comes of the last is told.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories in testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { play(t, file) })
	}
}

var midnight = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

// story is what happens at one address.
type story struct {
	state  State
	policy Policy
}

func play(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st story
	for n, in := 1, bufio.NewScanner(f); in.Scan(); n++ {
		do, want, _ := strings.Cut(in.Text(), "->")
		words := strings.Fields(do)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		got, err := st.tell(words)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, n, err)
		}
		if want = strings.TrimSpace(want); got != want {
			t.Errorf("%s:%d: %s\n got %s\nwant %s", file, n, strings.TrimSpace(do), got, want)
		}
	}
}

func (st *story) tell(words []string) (said string, err error) {
	var at time.Time
	if len(words) > 1 && strings.Contains(words[1], ":") {
		if at, err = clock(words[1]); err != nil {
			return "", err
		}
	}
	switch words[0] {
	case "x":
		n, err := strconv.Atoi(words[1])
		for range n {
			if err == nil {
				said, err = st.tell(words[2:])
			}
		}
		return said, err
	case "again":
		st.state = State{}
		return "", nil
	case "policy":
		return "", st.setPolicy(words[1:])
	case "bind":
		return st.step(Bind{At: at, Key: key(words), Records: records(words)}), nil
	case "draw":
		return st.step(Deliver{At: at, Records: records(words), Checked: strings.Contains(strings.Join(words, " "), "cleared")}), nil
	case "look":
		return st.step(Inspect{at}), nil
	case "solved":
		return st.step(Solved{At: at}), nil
	case "asked":
		return st.step(Issued{At: at}), nil
	case "lift":
		return st.step(Lift{}), nil
	}
	return "", fmt.Errorf("unknown event %q", words[0])
}

// records reads the word after the time: how many are to be delivered.
func records(words []string) (n uint32) {
	fmt.Sscanf(strings.Join(words[2:], " "), "records=%d", &n)
	return n
}

// key reads the last word, if it names a key.
func key(words []string) (k [16]byte) {
	if name, ok := strings.CutPrefix(words[len(words)-1], "key="); ok {
		copy(k[:], name)
	}
	return k
}

func (st *story) step(e Event) string {
	var v Verdict
	st.state, v = Step(st.state, st.policy, e)
	st.opens(e, v)
	said := v.Status.String()
	if v.NewlyBlocked {
		said += " offence"
	}
	if v.Status == Blocked {
		said += " until=" + until(v.State.Until)
	}
	if v.State.Propose && v.Status == Blocked {
		said += " propose"
	}
	if v.Level > 0 {
		said += fmt.Sprintf(" level=%d", v.Level)
	}
	if v.Allowance > 0 {
		said += fmt.Sprintf(" leave=%d", v.Allowance)
	}
	if v.IsObserved {
		said += " observed=" + v.Observed.String()
	}
	return said
}

// opens lets the token's step open the challenge that the address called for.
func (st *story) opens(e Event, v Verdict) {
	if v.Status != Crowded && v.Status != Suspicious {
		return
	}
	switch e := e.(type) {
	case Bind:
		st.state, _ = Step(st.state, st.policy, Issued{At: e.At})
	case Deliver:
		st.state, _ = Step(st.state, st.policy, Issued{At: e.At})
	}
}

// until is a time of the story's clock, whose hours may be over 24.
func until(unix int64) string {
	if unix == Forever {
		return "forever"
	}
	s := unix - midnight.Unix()
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// setPolicy reads name=value pairs; what is not named is as in the contract.
func (st *story) setPolicy(words []string) (err error) {
	p := Policy{Bindings: 25, Per: time.Hour, SolveRatio: 0.2, Block: []time.Duration{10 * time.Minute, time.Hour, 4 * time.Hour}}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		n, _ := strconv.Atoi(value)
		switch name {
		case "bindings":
			p.Bindings = uint16(n)
		case "records":
			p.Records = uint32(n)
		case "per":
			p.Per, err = time.ParseDuration(value)
		case "then":
			p.Then = map[string]Then{"challenge": ThenChallenge, "block": ThenBlock}[value]
		case "solve_ratio":
			p.SolveRatio, err = strconv.ParseFloat(value, 64)
		case "permanent_after":
			p.PermanentAfter = uint8(n)
		case "observe":
			p.ObserveCrowd, p.ObserveBlock = value == "crowd", value == "block"
		case "block":
			p.Block = nil
			for d := range strings.SplitSeq(value, ",") {
				one, bad := time.ParseDuration(d)
				if bad != nil {
					return bad
				}
				p.Block = append(p.Block, one)
			}
		default:
			return fmt.Errorf("unknown setting %q", name)
		}
		if err != nil {
			return err
		}
	}
	st.policy = p
	return nil
}

func clock(s string) (time.Time, error) {
	var h, m, sec int
	if _, err := fmt.Sscanf(s, "%d:%d:%d", &h, &m, &sec); err != nil {
		return time.Time{}, fmt.Errorf("time %q: %w", s, err)
	}
	return midnight.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second), nil
}

// TestLaws checks what must hold of every sequence of events: Step is pure; an
// address within its budget is never challenged; a block is never shortened
// but by a person, ends by itself, and counts nothing.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{Bindings: rapid.Uint16Range(1, 5).Draw(t, "bindings"), Per: time.Hour, SolveRatio: 0.5,
			Then:  rapid.SampledFrom([]Then{ThenChallenge, ThenBlock}).Draw(t, "then"),
			Block: []time.Duration{10 * time.Minute, time.Hour}}
		var s State
		var recent []time.Time // bindings that were counted
		now := midnight
		happens := func(e Event) Verdict {
			next, v := Step(s, p, e)
			if again, v2 := Step(s, p, e); again != next || v2 != v {
				t.Fatalf("not pure: %+v", e)
			}
			wasBlocked := now.Unix() < s.Until
			if _, lift := e.(Lift); wasBlocked && !lift && (next.Until != s.Until || v.Status != Blocked) {
				t.Fatalf("a block until %d became %+v", s.Until, v)
			}
			if v.NewlyBlocked && (wasBlocked || next.Until <= now.Unix()) {
				t.Fatalf("an offence of a blocked address, or a block that is over: %+v", v)
			}
			s = next
			return v
		}
		t.Repeat(map[string]func(*rapid.T){
			"bind": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 1200).Draw(t, "dt")) * time.Second)
				blocked := now.Unix() < s.Until
				if v := happens(Bind{At: now, Key: [16]byte{rapid.Uint8Range(0, 3).Draw(t, "key")}}); !blocked && !v.NewlyBlocked {
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
			"solved": func(t *rapid.T) { happens(Solved{At: now}) },
			"look":   func(t *rapid.T) { happens(Inspect{now}) },
			"lift": func(t *rapid.T) {
				if happens(Lift{}).Status != Clear || s != (State{}) {
					t.Fatal("a lifted block leaves something")
				}
				recent = nil
			},
		})
	})
}

// TestRecordsLaw checks that an address whose challenges nobody solves is never
// given leave for more records than its budget within any 24 hours, whatever
// is asked of it and when.
func TestRecordsLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{Bindings: 3, Per: time.Hour, Records: rapid.Uint32Range(45, 400).Draw(t, "records"), SolveRatio: 0.2,
			Block: []time.Duration{10 * time.Minute, time.Hour}}
		var s State
		type given struct {
			at      time.Time
			records uint32
		}
		var all []given
		now := midnight
		for range rapid.IntRange(1, 200).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 7200).Draw(t, "dt")) * time.Second)
			n := rapid.Uint32Range(0, 50).Draw(t, "n")
			var v Verdict
			if rapid.Bool().Draw(t, "binds") {
				s, v = Step(s, p, Bind{At: now, Key: [16]byte{rapid.Uint8Range(0, 9).Draw(t, "key")}, Records: n})
			} else {
				s, v = Step(s, p, Deliver{At: now, Records: n})
			}
			if v.Status != Clear {
				continue
			}
			if v.Allowance < n || v.Allowance == 0 {
				t.Fatalf("leave for %d of %d", v.Allowance, n)
			}
			all = append(all, given{now, v.Allowance})
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

// TestUnknownEventBlocks: what Step does not know lets nothing through.
func TestUnknownEventBlocks(t *testing.T) {
	if _, v := Step(State{}, Policy{}, nil); v.Status != Blocked {
		t.Errorf("got %+v", v)
	}
	if (Verdict{}).Status != Blocked {
		t.Error("the zero Verdict does not block")
	}
}

// TestSmallCorpus: records are counted where the corpus has twenty times an
// address's budget of them.
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
