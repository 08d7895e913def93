package faults

import (
	"log/slog"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/breaker"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
)

// TestPostgres lets PostgreSQL and the networks to it fail, if states are there too.
func TestPostgres(t *testing.T) {
	t.Parallel()
	database := engines.NewPostgres(t, true)
	url := database.Database(t)
	var nodes []*node
	for range 2 {
		at, p := through(t, url)
		nodes = append(nodes, openNode(t, at, p, p, 0, func(log *slog.Logger, now func() time.Time) (states.Engine, int) {
			e, err := values.Open(t.Context(), at, now, log)
			if err != nil {
				t.Fatal(err)
			}
			return e, breaker.DefaultTrip
		}))
	}
	l := startLoad(t, nodes)
	time.Sleep(300 * time.Millisecond)
	for _, f := range network {
		l.fault("state: store: "+f.name, f.lasts, all(nodes, func(n *node) func() { return f.begins(n.state) }))
	}
	l.fault("state: store: paused", 5*time.Second, func() func() { database.Pause(); return database.Resume })
	l.fault("state: store: killed", time.Second, func() func() { database.Kill(); return database.Restart })
	l.fault("state: store: read-only", 2*time.Second, func() func() { return readOnly(t, url) })
	l.check()
}
