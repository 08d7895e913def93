package storetest

import (
	"reflect"
	"testing"
	"time"

	"stile.example/stile/history"
)

// historyAdded: counts are added to those of the same step, tenant and time, and are read back in
// order, also after the store was opened again. Of a gauge the greatest value is read.
func historyAdded(t *testing.T, open func() Store) {
	s := open()
	minute := noon.Truncate(time.Minute)
	point := func(step history.Step, tenant string, minutes int, n int64) history.Point {
		return history.Point{Step: step, Tenant: tenant, At: minute.Add(time.Duration(minutes) * time.Minute), Counts: history.Counts{"call items": n, history.Live: n}}
	}
	for _, points := range [][]history.Point{
		{point(history.Minute, "acme", 1, 3), point(history.Minute, "acme", 0, 1), point(history.Minute, "", 0, 9)},
		{point(history.Minute, "acme", 1, 2), point(history.Hour, "acme", 0, 5), point(history.Minute, "acme", 2, 7)},
		nil,
	} {
		if err := s.AddHistory(t.Context(), points); err != nil {
			t.Fatal(err)
		}
	}
	want := []history.Point{point(history.Minute, "acme", 0, 1), point(history.Minute, "acme", 1, 5)}
	want[1].Counts[history.Live] = 3
	for range 2 {
		got, err := s.History(t.Context(), history.Query{Step: history.Minute, Tenant: "acme", From: minute, To: minute.Add(2 * time.Minute)})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
		closed(t, s)
		s = open()
	}
	closed(t, s)
}

// historyPruned: only the points of the step from before the time are removed.
func historyPruned(t *testing.T, open func() Store) {
	s := with(t, open)
	var points []history.Point
	for n := range 1200 {
		points = append(points, history.Point{Step: history.Minute, At: noon.Add(time.Duration(n) * time.Second), Counts: history.Counts{"call items": 1}})
	}
	points = append(points, history.Point{Step: history.Hour, At: noon, Counts: history.Counts{"call items": 1}})
	if err := s.AddHistory(t.Context(), points); err != nil {
		t.Fatal(err)
	}
	if err := s.PruneHistory(t.Context(), history.Minute, noon.Add(1100*time.Second)); err != nil {
		t.Fatal(err)
	}
	for step, want := range map[history.Step]int{history.Minute: 100, history.Hour: 1} {
		got, err := s.History(t.Context(), history.Query{Step: step, From: noon, To: noon.Add(time.Hour)})
		if err != nil || len(got) != want {
			t.Errorf("%d points are left, %v, want %d", len(got), err, want)
		}
	}
}
