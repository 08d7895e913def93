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
	for i := range 2 {
		at, p := through(t, url)
		nodes = append(nodes, openNode(t, at, p, p, time.Duration(10*i-5)*time.Second, openValues(t, at)))
	}
	l := startLoad(t, nodes)
	time.Sleep(300 * time.Millisecond)
	for _, f := range network {
		l.fault("state: store: "+f.name, f.lasts, all(nodes, func(n *node) func() { return f.begins(n.state) }))
	}
	l.fault("state: store: paused", 5*time.Second, func() func() { database.Pause(); return database.Resume })
	l.fault("state: store: killed", time.Second, func() func() { database.Kill(); return database.Restart })
	l.fault("state: store: connections ended", time.Second, func() func() { return terminating(t, url) })
	l.fault("state: store: read-only", 2*time.Second, func() func() { return readOnly(t, url) })
	l.check()
}

// openValues opens the engine of states in a database.
func openValues(t *testing.T, url string) func(*slog.Logger, func() time.Time) (states.Engine, int) {
	return func(log *slog.Logger, now func() time.Time) (states.Engine, int) {
		e, err := values.Open(t.Context(), url, now, log)
		if err != nil {
			t.Fatal(err)
		}
		return e, breaker.DefaultTrip
	}
}

// terminating ends all connections to a database again and again.
func terminating(t *testing.T, url string) (restore func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
				execute(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

// TestPostgresFailover: the server dies, and its standby, to which the network leads at once, is
// promoted a second later. Until then it can only be read.
func TestPostgresFailover(t *testing.T) {
	t.Parallel()
	primary := engines.NewPostgres(t, true)
	direct := primary.Database(t)
	leads := engines.NewProxy(t, primary.Addr)
	u := parse(t, direct)
	u.Host = leads.Addr
	pooled := engines.PgBouncer(t, u.String(), "default_pool_size = 20", "server_login_retry = 1", "query_wait_timeout = 5").URL
	standby := primary.Standby(t)
	nodes := []*node{openNode(t, u.String(), nil, nil, 0, openValues(t, u.String())), openNode(t, pooled, nil, nil, 0, openValues(t, pooled))}
	l := startLoad(t, nodes)
	time.Sleep(300 * time.Millisecond)
	l.fault("state: store: failed over", time.Second, func() func() {
		primary.Kill()
		leads.Lead(standby.Addr)
		leads.Cut()
		return standby.Promote
	})
	l.check()
}
