package tokens_test

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "stile.example/stile/tokens"
)

// TestStories plays each testdata/*.txt: one event a line, then what must come
// of it, in the contract's words. `issued` says when the token was issued (else
// at the first event), `used` what has been counted, `again` begins anew.
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

// story is one token's life as it is told.
type story struct {
	state  State
	policy Policy
	issued time.Time
}

func play(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st story
	for n, in := 1, bufio.NewScanner(f); in.Scan(); n++ {
		line, _, _ := strings.Cut(in.Text(), "#")
		do, want, _ := strings.Cut(line, "->")
		words := strings.Fields(do)
		if len(words) == 0 {
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

// tell does what a line says, and returns what came of it.
func (st *story) tell(words []string) (string, error) {
	switch words[0] {
	case "again":
		st.state, st.issued = State{}, time.Time{}
		return "", nil
	case "policy":
		return "", st.setPolicy(words[1:])
	case "issued":
		at, err := clock(words[1])
		st.issued = at
		return "", err
	case "used":
		return "", st.used(words[1:])
	case "revoke":
		return st.step(Revoke{Tenant: 7, IssuedAt: midnight, Expires: midnight.Add(24 * time.Hour)}), nil
	case "call", "suggest", "look":
		return st.request(words)
	}
	return "", fmt.Errorf("unknown event %q", words[0])
}

func (st *story) request(words []string) (string, error) {
	at, err := clock(words[1])
	if err != nil {
		return "", err
	}
	if st.issued.IsZero() {
		st.issued = at
	}
	c := Call{At: at, Tenant: 7, IssuedAt: st.issued, Expires: st.issued.Add(24 * time.Hour), From: netip.MustParseAddr(words[2])}
	for _, w := range words[3:] {
		if r, ok := routes[w]; ok {
			c.Route = r
		} else if _, err := fmt.Sscanf(w, "records=%d", &c.Records); err != nil {
			return "", fmt.Errorf("%q is no route and no number of records", w)
		}
	}
	return st.step(map[string]Event{"call": c, "suggest": Suggest(c), "look": Look(c)}[words[0]]), nil
}

func (st *story) step(e Event) string {
	var v Verdict
	st.state, v = Step(st.state, st.policy, e)
	said := strings.TrimSpace(v.Outcome.String() + " " + v.Reason.String())
	if v.Binds {
		said += " binds"
	}
	return said
}

func (st *story) setPolicy(words []string) error {
	var within string
	_, err := fmt.Sscanf(strings.Join(words, " "), "calls=%d records=%d bind_within=%s", &st.policy.Calls, &st.policy.Records, &within)
	if err != nil {
		return err
	}
	st.policy.BindWithin, err = time.ParseDuration(within)
	return err
}

// used compares what has been counted: in all, or on a day by a route.
func (st *story) used(words []string) error {
	have := st.state.Used.Total()
	if rest, ok := strings.CutPrefix(words[0], "day="); ok {
		have = st.state.Used[rest[0]-'0'][routes[words[1]]]
		words = words[2:]
	}
	var want Count
	if _, err := fmt.Sscanf(strings.Join(words, " "), "calls=%d records=%d", &want.Calls, &want.Records); err != nil {
		return err
	}
	if have != want {
		return fmt.Errorf("used %+v, want %+v", have, want)
	}
	return nil
}

var routes = map[string]Route{"items": Items, "item": Item, "related": Related, "collections": Collections}

// clock reads a time of the story's day; hours may be over 24, or negative.
func clock(s string) (time.Time, error) {
	var h, m, sec int
	if _, err := fmt.Sscanf(s, "%d:%d:%d", &h, &m, &sec); err != nil {
		return time.Time{}, fmt.Errorf("time %q: %w", s, err)
	}
	return midnight.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second), nil
}
