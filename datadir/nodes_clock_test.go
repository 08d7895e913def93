package datadir

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"stile.example/stile/tokens"
)

// setClock makes the clock of a site's database differ from that of this machine, also for nodes
// that run from then on. It hides PostgreSQL's own function.
func (s *site) setClock(ahead time.Duration) {
	s.t.Helper()
	s.exec(fmt.Sprintf(`CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
		AS $f$ SELECT pg_catalog.clock_timestamp() + interval '%d milliseconds' $f$`, ahead.Milliseconds()),
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`)
}

// TestWrongClockAtStart: a node does not start if its clock differs from the database's by more
// than 5 s, and leaves nothing. With less it starts, and its log warns from 2 s on. Peek, which
// `stile check` reports, knows the difference.
func TestWrongClockAtStart(t *testing.T) {
	for ahead, outcome := range map[time.Duration]string{
		0: "starts", 3500 * time.Millisecond: "warns", -3500 * time.Millisecond: "warns",
		7500 * time.Millisecond: "7.", -7 * time.Second: "-", 305 * time.Second: "30", -5 * time.Minute: "-",
	} {
		s := newSite(t)
		s.setClock(ahead)
		var log strings.Builder
		d, err := Open(t.Context(), s.settings("a"), time.Now, slog.New(slog.NewTextHandler(&log, nil)))
		isRefused := outcome != "starts" && outcome != "warns"
		if (err != nil) != isRefused || isRefused && !strings.Contains(err.Error(), "the clock of PostgreSQL differs from this machine's by "+outcome) {
			t.Errorf("%s ahead: %v", ahead, err)
		}
		if strings.Contains(log.String(), "set both by NTP") != (outcome == "warns") {
			t.Errorf("%s ahead: the log has %s", ahead, log.String())
		}
		if err == nil {
			if got := d.Nodes.Clock(); (got - ahead).Abs() > time.Second {
				t.Errorf("%s ahead: the node measures %s", ahead, got)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
		p, err := Peek(t.Context(), s.settings("b"), time.Now)
		if err != nil || (p.Clock-ahead).Abs() > time.Second || p.HasKeys == isRefused || len(p.Live) > 0 {
			t.Errorf("%s ahead: %+v, %v", ahead, p, err)
		}
	}
}

// TestWrongClockWhileRunning: the clock of a database moves by 5 s, and by 5 minutes, while nodes
// run. They measure it, as the alert StileClock needs, still serve, and are live. By 5 s, no node
// loses what it does alone. After 5 minutes, another node may do it, and the first one notices.
func TestWrongClockWhileRunning(t *testing.T) {
	s := newSite(t)
	s.setClock(0)
	a, b := s.node("a"), s.node("b")
	held, release, err := a.Nodes.Hold(t.Context(), "a test", "a test")
	if err != nil {
		t.Fatal(err)
	}
	before := a.Store.Shared.States.NotBefore()
	calls := uint32(0)
	for _, ahead := range []time.Duration{5 * time.Second, 0, -5 * time.Second, 0, -5 * time.Minute, 5 * time.Minute} {
		s.setClock(ahead)
		if _, release, err := b.Nodes.TryHold(t.Context(), "a test", "a test"); err == nil {
			if ahead <= 5*time.Second {
				t.Errorf("%s ahead: two nodes do the same", ahead)
			}
			within(t, "the first node notices that another does it", func() bool { return held.Err() != nil })
			release()
		}
		for _, d := range []*Dir{a, b} {
			within(t, fmt.Sprintf("the clock is measured, %s ahead", ahead), func() bool { return (d.Nodes.Clock() - ahead).Abs() < time.Second })
			calls++
			count(t, d, 1, 1, time.Now(), calls)
		}
		within(t, "the nodes are live", func() bool {
			p, err := Peek(t.Context(), s.settings("c"), time.Now)
			return err == nil && strings.Join(p.Live, " ") == "a b"
		})
	}
	release()
	if after := a.Store.Shared.States.NotBefore(); after != before {
		t.Errorf("tokens from before %d are refused, and from before %d at first", after, before)
	}
	var used uint32
	err = a.Store.Update(t.Context(), tokens.ID{1}, func(st tokens.State) tokens.State {
		used = st.Used[0][tokens.Items].Calls
		return st
	})
	if err != nil || used != calls {
		t.Errorf("%d calls are counted, want %d, %v", used, calls, err)
	}
}

// within fails unless fn returns true within 10 s.
func within(t *testing.T, what string, fn func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !fn(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
