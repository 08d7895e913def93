package tokens_test

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	. "stile.example/stile/tokens"
)

// TestStories runs each testdata/*.txt. A line has one event and, after ->, the expected verdict in
// the contract's words. Other lines:
//
//	issued T       the time of issue; without it, the time of the first event
//	used …         what must have been counted
//	lost T         states stored until then may have been lost
//	again          continue with a token that was never seen
//	x 20 EVENT     apply the event 20 times, and compare the last verdict
//	crowd KIND N   from here on, the address says: a challenge of that kind and work level
//	allowance N    from here on, the address says: an allowance of N records
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

// story is the token of a story, and what its address says.
type story struct {
	state   State
	policy  Policy
	issued  time.Time
	address AddressVerdict
	lost    int64 // Call.NotBefore
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
		if strings.HasPrefix(in.Text(), "# ") {
			continue
		}
		do, want, _ := strings.Cut(in.Text(), "->")
		words := strings.Fields(do)
		if len(words) == 0 {
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
func (st *story) line(words []string) (string, error) {
	switch words[0] {
	case "x":
		return st.repeat(words[1], words[2:])
	case "again":
		st.state, st.issued, st.address = State{}, time.Time{}, AddressVerdict{}
		return "", nil
	case "crowd":
		st.address.Kind, st.address.Level = kinds[words[1]], words[2][0]-'0'
		return "", nil
	case "allowance":
		_, err := fmt.Sscanf(words[1], "%d", &st.address.Allowance)
		return "", err
	case "policy":
		return "", st.setPolicy(words[1:])
	case "issued":
		at, err := clock(words[1])
		st.issued = at
		return "", err
	case "lost":
		at, err := clock(words[1])
		st.lost = at.Unix()
		return "", err
	case "used":
		return "", st.used(words[1:])
	case "revoke":
		return st.step(func(AddressVerdict) Event {
			return Revoke{Tenant: 7, IssuedAt: midnight, Expires: midnight.Add(24 * time.Hour)}
		}), nil
	case "render":
		return st.render(words)
	case "check", "call", "suggest", "attempt", "inspect", "answer", "reload":
		return st.request(words)
	}
	return "", fmt.Errorf("unknown event %q", words[0])
}

// repeat runs a line several times, and returns the last verdict.
func (st *story) repeat(times string, words []string) (verdict string, err error) {
	n, err := strconv.Atoi(times)
	for range n {
		if err == nil {
			verdict, err = st.line(words)
		}
	}
	return verdict, err
}

// request applies the event of a request, whose details follow its address in any order.
func (st *story) request(words []string) (string, error) {
	at, err := clock(words[1])
	if err != nil {
		return "", err
	}
	if st.issued.IsZero() {
		st.issued = at
	}
	c := Call{At: at, Tenant: 7, IssuedAt: st.issued, Expires: st.issued.Add(24 * time.Hour), From: netip.MustParseAddr(words[2]), NotBefore: st.lost}
	var number uint16
	correct, suggest := false, false
	for _, w := range words[3:] {
		if r, ok := routes[w]; ok {
			c.Route = r
		} else if w == "right" || w == "wrong" {
			correct = w == "right"
		} else if name, ok := strings.CutPrefix(w, "key="); ok {
			copy(c.Key[:], name)
		} else if name, ok := strings.CutPrefix(w, "only="); ok {
			copy(c.ConfirmedKey[:], name)
		} else if w == "badproof" {
			c.InvalidProof = true
		} else if w == "blocked" {
			c.Blocked = true
		} else if w == "binder" {
			c.Binder = true
		} else if w == "suggestions" {
			suggest = true
		} else if n, _ := fmt.Sscanf(w, "titles=%d", &c.Titles); n == 1 {
			continue
		} else if n, _ := fmt.Sscanf(w, "counter=%d", &c.Counter); n == 1 {
			continue
		} else if _, err := fmt.Sscanf(w, "#%d", &number); err == nil {
			continue
		} else if _, err := fmt.Sscanf(w, "records=%d", &c.Records); err != nil {
			return "", fmt.Errorf("unknown word %q", w)
		}
	}
	return st.step(func(address AddressVerdict) Event {
		c.Address = address
		return map[string]Event{"check": Check{c, suggest}, "attempt": Attempt{c, suggest}, "call": &c, "suggest": Suggest(c), "inspect": Inspect(c),
			"answer": Answer{c, number, correct}, "reload": Reload{c, number}}[words[0]]
	}), nil
}

// render renders a challenge.
func (st *story) render(words []string) (string, error) {
	at, err := clock(words[1])
	if err != nil {
		return "", err
	}
	r := Render{At: at}
	if _, err := fmt.Sscanf(words[2], "#%d", &r.Number); err != nil {
		return "", err
	}
	return st.step(func(AddressVerdict) Event { return r }), nil
}

// step applies an event, and applies it again if the address must be consulted.
func (st *story) step(event func(AddressVerdict) Event) string {
	var v Verdict
	st.state, v = Step(st.state, st.policy, event(AddressVerdict{}))
	binds := v.NewlyBound
	if v.Outcome == NeedAddress {
		st.address.Known = true
		st.state, v = Step(st.state, st.policy, event(st.address))
	}
	got := strings.TrimSpace(v.Outcome.String() + " " + v.Reason.String())
	if binds {
		got += " binds"
	}
	if v.Observed != None {
		got += " observed=" + v.Observed.String()
	}
	if v.Solved != NoKind {
		got += " solved=" + v.Solved.String()
	}
	if v.Forgotten {
		got += " forgotten"
	}
	if o := v.State.OpenChallenge; v.Outcome == Challenged {
		got += fmt.Sprintf(" %s #%d left=%d level=%d", o.Kind, o.Number, o.Left, o.Level)
	}
	return got
}

// setPolicy reads name=value pairs. Other settings have the contract's defaults.
func (st *story) setPolicy(words []string) error {
	p := Policy{Calls: 2000, Records: 20000, BindWithin: 10 * time.Minute, SpikeCalls: 60, SpikeSuggestions: 240, SpikePer: time.Minute,
		Ladder: []Kind{Work, Work, Picture}, Ignored: 5, PerToken: 6, Expires: 5 * time.Minute,
		RoamAddresses: 8, RoamPer: 24 * time.Hour}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		n, noNumber := strconv.Atoi(value)
		d, noDuration := time.ParseDuration(value)
		switch name {
		case "calls":
			p.Calls = uint32(n)
		case "records":
			p.Records = uint32(n)
		case "spike":
			p.SpikeCalls = uint32(n)
		case "suggestions":
			p.SpikeSuggestions = uint32(n)
		case "ignored":
			p.Ignored = uint8(n)
		case "per_token":
			p.PerToken = uint16(n)
		case "bind_within":
			p.BindWithin = d
		case "per":
			p.SpikePer = d
		case "expires":
			p.Expires = d
		case "roaming":
			p.RoamAddresses = uint8(n)
		case "roaming_per":
			p.RoamPer = d
		case "binding":
			p.Binding = map[string]Mode{"auto": Auto, "address": ByAddress, "key": ByKey}[value]
			continue
		case "hijack":
			p.KillOnForeignKey = value == "kill"
			continue
		case "observe":
			p.Observe = Observe{Hijack: value == "hijack", Spike: value == "spike"}
		default:
			return fmt.Errorf("unknown setting %q", name)
		}
		if noNumber != nil && noDuration != nil && name != "observe" {
			return fmt.Errorf("%s: invalid value %q", name, value)
		}
	}
	st.policy = p
	return nil
}

// used compares what was counted: in total, or for one day and route.
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

var kinds = map[string]Kind{"work": Work, "picture": Picture}

var routes = map[string]Route{"items": Items, "item": Item, "related": Related, "collections": Collections}

// clock reads a time of the story's day. Hours may be over 24, or negative.
func clock(s string) (time.Time, error) {
	var h, m, sec int
	if _, err := fmt.Sscanf(s, "%d:%d:%d", &h, &m, &sec); err != nil {
		return time.Time{}, fmt.Errorf("time %q: %w", s, err)
	}
	return midnight.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second), nil
}
