package handlers

import (
	"context"
	"strings"
	"testing"
	"time"

	"stile.example/stile/history"
)

// noHistory stores nothing: what a test counts waits in the recorder.
type noHistory struct{}

func (noHistory) AddHistory(context.Context, []history.Point) error { return nil }
func (noHistory) History(context.Context, history.Query) ([]history.Point, error) {
	return nil, nil
}
func (noHistory) PruneHistory(context.Context, history.Step, time.Time) error { return nil }

// figures returns what was counted of a tenant, or of all for "".
func (s *site) figures(tenant string) history.Figures {
	w, err := history.WindowOf(history.LastHour, s.now)
	s.must(err)
	points, err := s.API.History.Points(context.Background(), w.Query(tenant), s.now)
	s.must(err)
	_, now, _ := w.Split(points)
	return history.FiguresOf(now)
}

// TestHistory checks that calls, refusals, bindings and challenges are counted over time, for the
// tenant and for all, as the metrics count them.
func TestHistory(t *testing.T) {
	s := newSite(t)
	s.policy.Token.SpikeCalls = 3
	token := s.mint()
	for range 3 {
		s.get(itemsPath, token)
	}
	s.get("/v1/items/one?client_id=acme", "broken")
	s.get(itemsPath, token) // challenged
	s.now = s.now.Add(6 * time.Minute)
	s.get(itemsPath, token) // that challenge was left open
	for _, tenant := range []string{"acme", ""} {
		f := s.figures(tenant)
		if f.Calls != 3 || f.Routes["items"] != 3 || f.Latency.Calls != 3 || f.Latency.P99 <= 0 {
			t.Errorf("%q: calls %+v", tenant, f)
		}
		if f.Codes["challenge_required"] != 2 || f.Bindings["address"] != 1 {
			t.Errorf("%q: refusals %+v", tenant, f)
		}
		if want := (history.Challenges{Asked: 2, LeftOpen: 1}); f.Challenges != want || f.Kinds["work"] != want {
			t.Errorf("%q: challenges %+v", tenant, f.Challenges)
		}
		if invalid := f.Codes["token_invalid"]; invalid != map[string]int64{"": 1}[tenant] {
			t.Errorf("%q: %d invalid tokens", tenant, invalid)
		}
	}
	for _, want := range []string{`stile_calls_total{route="items",tenant="acme"} 3`, `stile_challenges_total{kind="work",result="asked"} 2`} {
		if !strings.Contains(s.metrics(), want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}
