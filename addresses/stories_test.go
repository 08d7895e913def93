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

	. "stile.example/stile/addresses"
)

// TestStories runs each testdata/*.txt. A line has one event and, after ->, the expected verdict.
// `again` continues with an address that was never seen. `x 3` before an event applies it 3 times,
// and the last verdict is compared.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories in testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { run(t, file) })
	}
}

var midnight = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

// story is the address of a story.
type story struct {
	state  State
	policy Policy
}

// run runs the story in a file.
func run(t *testing.T, file string) {
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
		got, err := st.line(words)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, n, err)
		}
		if want = strings.TrimSpace(want); got != want {
			t.Errorf("%s:%d: %s\n got %s\nwant %s", file, n, strings.TrimSpace(do), got, want)
		}
	}
}

// line runs one line, and returns its verdict.
func (st *story) line(words []string) (got string, err error) {
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
				got, err = st.line(words[2:])
			}
		}
		return got, err
	case "again":
		st.state = State{}
		return "", nil
	case "policy":
		return "", st.setPolicy(words[1:])
	case "bind":
		return st.step(Bind{At: at, Key: named(words, "key="), Person: named(words, "person="), Records: records(words)}), nil
	case "deliver":
		return st.step(Deliver{At: at, Records: records(words), Checked: strings.Contains(strings.Join(words, " "), "checked")}), nil
	case "inspect":
		return st.step(Inspect{at}), nil
	case "solved":
		return st.step(Solved{At: at}), nil
	case "issued":
		return st.step(Issued{At: at}), nil
	case "lift":
		return st.step(Lift{}), nil
	}
	return "", fmt.Errorf("unknown event %q", words[0])
}

// records reads how many records are to be delivered, from the word after the time.
func records(words []string) (n uint32) {
	fmt.Sscanf(strings.Join(words[2:], " "), "records=%d", &n)
	return n
}

// named reads the word with a prefix, if there is one, as the name of a key or a person.
func named(words []string, prefix string) (k [16]byte) {
	for _, w := range words {
		if name, ok := strings.CutPrefix(w, prefix); ok {
			copy(k[:], name)
		}
	}
	return k
}

// step applies an event, and returns the verdict in words.
func (st *story) step(e Event) string {
	var v Verdict
	st.state, v = Step(st.state, st.policy, e)
	st.issue(e, v)
	got := v.Status.String()
	if v.NewlyBlocked {
		got += " offence"
	}
	if v.Status == Blocked {
		got += " until=" + until(v.State.Until)
	}
	if v.State.Propose && v.Status == Blocked {
		got += " propose"
	}
	if v.Level > 0 {
		got += fmt.Sprintf(" level=%d", v.Level)
	}
	if v.Allowance > 0 {
		got += fmt.Sprintf(" allowance=%d", v.Allowance)
	}
	if v.IsObserved {
		got += " observed=" + v.Observed.String()
	}
	return got
}

// issue applies Issued if the verdict leads to a challenge, as the token's step would.
func (st *story) issue(e Event, v Verdict) {
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

// until returns a time of the story's clock, whose hours may be over 24.
func until(unix int64) string {
	if unix == Forever {
		return "forever"
	}
	s := unix - midnight.Unix()
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// setPolicy reads name=value pairs. Other settings have the contract's defaults.
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

// clock reads a time of the story's day.
func clock(s string) (time.Time, error) {
	var h, m, sec int
	if _, err := fmt.Sscanf(s, "%d:%d:%d", &h, &m, &sec); err != nil {
		return time.Time{}, fmt.Errorf("time %q: %w", s, err)
	}
	return midnight.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second), nil
}
