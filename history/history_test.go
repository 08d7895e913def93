package history

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"stile.example/stile/tokens"
)

// memStore is a store in memory that may fail.
type memStore struct {
	fault error
	rows  map[key]Counts
}

func newMemStore() *memStore { return &memStore{rows: map[key]Counts{}} }

func (s *memStore) AddHistory(_ context.Context, points []Point) error {
	if s.fault != nil {
		return s.fault
	}
	for _, p := range points {
		k := key{p.Step, p.Tenant, p.At}
		if s.rows[k] == nil {
			s.rows[k] = Counts{}
		}
		s.rows[k].Add(p.Counts)
	}
	return nil
}

func (s *memStore) History(_ context.Context, q Query) (points []Point, err error) {
	for k, c := range s.rows {
		if k.step == q.Step && k.tenant == q.Tenant && !k.at.Before(q.From) && k.at.Before(q.To) {
			copied := Counts{}
			copied.Add(c)
			points = append(points, Point{k.step, k.tenant, k.at, copied})
		}
	}
	return points, s.fault
}

func (s *memStore) PruneHistory(_ context.Context, step Step, before time.Time) error {
	for k := range s.rows {
		if k.step == step && k.at.Before(before) {
			delete(s.rows, k)
		}
	}
	return nil
}

var noon = time.Date(2026, 11, 27, 12, 0, 30, 0, time.UTC)

func figures(t *testing.T, r *Recorder, p Period, tenant string, now time.Time) (before, current Figures, series []Figures) {
	t.Helper()
	w, err := WindowOf(p, now)
	if err != nil {
		t.Fatal(err)
	}
	points, err := r.Points(t.Context(), w.Query(tenant), now)
	if err != nil {
		t.Fatal(err)
	}
	b, c, buckets := w.Split(points)
	for _, one := range buckets {
		series = append(series, FiguresOf(one))
	}
	return FiguresOf(b), FiguresOf(c), series
}

// TestCountsAreExact checks that what many goroutines count at the same time, while it is written
// and read, is there exactly once.
func TestCountsAreExact(t *testing.T) {
	s := newMemStore()
	r := NewRecorder(s, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				r.Called([]string{"acme", "other"}[n%2], tokens.Items, time.Duration(i)*time.Microsecond)
				r.Refused("acme", "token_expired")
				if i%100 == 0 {
					r.Flush(t.Context(), noon)
				}
			}
		})
	}
	wg.Wait()
	for range 2 {
		_, all, _ := figures(t, r, LastHour, "", noon)
		_, acme, _ := figures(t, r, LastHour, "acme", noon)
		if all.Calls != 8000 || acme.Calls != 4000 || all.Refusals != 8000 || all.Latency.Calls != 8000 || acme.Codes["token_expired"] != 8000 {
			t.Errorf("%+v\n%+v", all, acme)
		}
		r.Flush(t.Context(), noon)
	}
	(*Recorder)(nil).Called("acme", tokens.Items, time.Second)
}

// TestStoreFails checks that counts wait while the store fails, and that not too many do.
func TestStoreFails(t *testing.T) {
	s := newMemStore()
	r := NewRecorder(s, slog.New(slog.DiscardHandler))
	s.fault = errors.New("disk")
	r.Refused("acme", "a")
	r.Flush(t.Context(), noon)
	s.fault = nil
	r.Flush(t.Context(), noon.Add(time.Minute))
	if _, f, _ := figures(t, r, LastHour, "acme", noon.Add(time.Minute)); f.Refusals != 1 || len(r.pending) != 0 {
		t.Errorf("%+v, %d pending", f, len(r.pending))
	}
	s.fault = errors.New("disk")
	for n := range 2 * maxPending {
		r.pending[key{Minute, "", noon.Add(time.Duration(n) * time.Minute)}] = Counts{"call items": 1}
	}
	r.Flush(t.Context(), noon)
	if _, newest := r.pending[key{Minute, "", noon.Add((2*maxPending - 1) * time.Minute)}]; len(r.pending) > maxPending || !newest {
		t.Errorf("%d points wait, the newest: %v", len(r.pending), newest)
	}
}

// TestPeriods checks that each count is in its bucket, and in the period before or in this one.
func TestPeriods(t *testing.T) {
	s := newMemStore()
	r := NewRecorder(s, slog.New(slog.DiscardHandler))
	count := func(ago time.Duration, n int) {
		for range n {
			r.Refused("acme", "a")
		}
		r.Flush(t.Context(), noon.Add(-ago))
	}
	count(29*24*time.Hour, 7)
	count(25*time.Hour, 5)
	count(90*time.Minute, 3)
	count(10*time.Minute, 2)
	count(0, 1)
	for p, want := range map[Period][2]int64{LastHour: {3, 3}, LastDay: {5, 6}, LastMonth: {0, 18}} {
		before, now, series := figures(t, r, p, "acme", noon)
		if before.Refusals != want[0] || now.Refusals != want[1] {
			t.Errorf("%s: %d before, %d now, want %v", p, before.Refusals, now.Refusals, want)
		}
		sum := int64(0)
		for _, f := range series {
			sum += f.Refusals
		}
		if sum != want[1] || series[len(series)-1].Refusals < 1 {
			t.Errorf("%s: the series has %d", p, sum)
		}
	}
	if _, err := WindowOf("year", noon); err == nil {
		t.Error("a year is a period")
	}
	r.prune(t.Context(), noon)
	if _, now, _ := figures(t, r, LastMonth, "acme", noon); now.Refusals != 18 {
		t.Errorf("after pruning: %d", now.Refusals)
	}
	r.prune(t.Context(), noon.Add(401*24*time.Hour))
	if len(s.rows) != 0 {
		t.Errorf("%d rows are kept forever", len(s.rows))
	}
}

// TestKept checks that each period, and the one before it, is kept.
func TestKept(t *testing.T) {
	for p, f := range frames {
		if keep[f.step] < 2*f.length {
			t.Errorf("%s: its points are kept for %v", p, keep[f.step])
		}
	}
}

// TestManyTenants checks that the number of points of a minute is bounded, and that all of them
// have everything.
func TestManyTenants(t *testing.T) {
	s := newMemStore()
	r := NewRecorder(s, slog.New(slog.DiscardHandler))
	for n := range 3 * maxTenants {
		r.Refused(string(rune('a'+n%26))+time.Duration(n).String(), "a")
	}
	r.Flush(t.Context(), noon)
	if _, f, _ := figures(t, r, LastHour, "", noon); f.Refusals != 3*maxTenants || len(s.rows) != len(keep)*(maxTenants+1) {
		t.Errorf("%d refusals in %d rows", f.Refusals, len(s.rows))
	}
}

// TestLatency checks percentiles against the exact ones, and that the buckets cover all latencies.
func TestLatency(t *testing.T) {
	if len(bounds) != buckets || !slices.IsSorted(bounds) {
		t.Fatalf("%d bounds", len(bounds))
	}
	r := rand.New(rand.NewPCG(1, 1))
	c, all := Counts{}, []float64{}
	for range 10_000 {
		d := time.Duration(r.ExpFloat64() * 2 * float64(time.Millisecond))
		c[latencyName(bucketOf(d))]++
		all = append(all, float64(d)/float64(time.Millisecond))
	}
	slices.Sort(all)
	l := latencyOf(c)
	for p, got := range map[float64]float64{.5: l.P50, .95: l.P95, .99: l.P99} {
		if want := all[int(p*float64(len(all)))]; got < want*.7 || got > want*1.3 {
			t.Errorf("p%v is %v ms, want about %v", 100*p, got, want)
		}
	}
	if l := latencyOf(Counts{latencyName(bucketOf(3 * time.Hour)): 1}); l.P50 != 5000 {
		t.Errorf("a latency without an upper end: %+v", l)
	}
	if l := latencyOf(nil); l != (Latency{}) {
		t.Errorf("without calls: %+v", l)
	}
}

// TestLeftOpen checks which challenges are left open.
func TestLeftOpen(t *testing.T) {
	r := NewRecorder(newMemStore(), slog.New(slog.DiscardHandler))
	issued := func(n uint16) tokens.Verdict {
		return tokens.Verdict{ChallengeIssued: true, State: tokens.State{OpenChallenge: tokens.Challenge{Kind: tokens.Work, Number: n, Expires: uint32(noon.Unix()) + 300}}}
	}
	dead := tokens.Verdict{State: tokens.State{Dead: tokens.ChallengeIgnored}}
	step := func(id tokens.ID, v tokens.Verdict, e tokens.Event) { r.Stepped("acme", id, &v, e, noon) }
	for id := range byte(5) {
		step(tokens.ID{id}, issued(1), &tokens.Call{})
	}
	r.Answered("acme", tokens.ID{0}, tokens.Work, "solved")
	r.Answered("acme", tokens.ID{1}, tokens.Work, "failed")
	step(tokens.ID{1}, dead, tokens.Answer{}) // too many wrong answers
	step(tokens.ID{2}, dead, &tokens.Call{})  // ignored
	step(tokens.ID{3}, issued(2), tokens.Reload{})
	r.leftOpen(r.open.expire(noon.Add(299 * time.Second)))
	if _, f, _ := figures(t, r, LastHour, "acme", noon); f.Challenges != (Challenges{Asked: 5, Solved: 1, Failed: 1, LeftOpen: 1}) {
		t.Errorf("%+v", f.Challenges)
	}
	r.leftOpen(r.open.expire(noon.Add(300 * time.Second))) // 3 and 4
	if _, f, _ := figures(t, r, LastHour, "acme", noon); f.Challenges.LeftOpen != 3 || len(r.open.of) != 0 {
		t.Errorf("%+v, %d open", f.Challenges, len(r.open.of))
	}
}

// TestGauges checks that a period has the greatest value of a gauge.
func TestGauges(t *testing.T) {
	r := NewRecorder(newMemStore(), slog.New(slog.DiscardHandler))
	n := int64(0)
	r.Gauges = func(context.Context) (map[string]Counts, error) {
		n++
		return map[string]Counts{"": {Live: []int64{5, 9, 7}[n-1]}, "acme": {Live: 2}}, nil
	}
	for i := range 3 {
		r.sample(t.Context(), noon.Add(time.Duration(i)*time.Minute))
		r.Flush(t.Context(), noon.Add(time.Duration(i)*time.Minute))
	}
	_, all, _ := figures(t, r, LastHour, "", noon.Add(3*time.Minute))
	_, acme, _ := figures(t, r, LastHour, "acme", noon.Add(3*time.Minute))
	if all.Most["live"] != 9 || acme.Most["live"] != 2 {
		t.Errorf("%+v %+v", all.Most, acme.Most)
	}
}

// BenchmarkCalled measures what counting adds to a call.
func BenchmarkCalled(b *testing.B) {
	r := NewRecorder(newMemStore(), slog.New(slog.DiscardHandler))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Called("acme", tokens.Items, time.Millisecond)
		}
	})
}
