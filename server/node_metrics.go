package server

import (
	"context"
	"sync"
	"time"

	"stile.example/stile/handlers/metrics"
	"stile.example/stile/nodes"
)

// nodeMetrics returns what the metrics say about the nodes. Numbers that can't be read are 0. An
// engine that does not respond delays nothing about the other one.
func (srv *Server) nodeMetrics() (m metrics.Nodes) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // a scrape must not hang
	defer cancel()
	d := srv.dir
	h := d.Nodes.Health()
	m.Behind, m.Clock = h.Behind.Seconds(), h.Clock.Seconds()
	f, _ := d.Store.Following()
	m.Generation, m.CorpusBehind = f.Generation, f.Behind(d.Now()).Seconds()
	database, state := metrics.Engine{Name: "store"}, metrics.Engine{Name: "state"}
	var all sync.WaitGroup
	all.Go(func() { database.IsUp = d.Store.Ready(ctx) == nil })
	all.Go(func() { state.IsUp = d.Store.Shared.States.Ready(ctx) == nil })
	all.Go(func() { srv.addNodes(ctx, &m) })
	all.Wait()
	if v := d.Store.Shared.Valkey; v != nil {
		s := v.Stats()
		state.NotSent, state.Unknown = float64(s.NotSent), float64(s.Unknown)
	}
	database.NotSent = float64(d.Store.Shared.Postgres.Stats().Unsent)
	state.NotSent += float64(d.Store.Shared.Requests.Stats().Unsent)
	m.Engines = []metrics.Engine{database, state}
	return m
}

// addNodes adds what the database says about the nodes.
func (srv *Server) addNodes(ctx context.Context, m *metrics.Nodes) {
	own := srv.dir.Nodes
	all, err := own.List(ctx)
	if err != nil {
		return
	}
	for _, r := range all {
		switch {
		case !r.Serves():
		case r.Live():
			m.Live++
		default:
			m.Silent++
		}
	}
	m.Differ = len(nodes.Differences(own.Settings(), all))
	leases, err := own.Leases(ctx)
	for _, l := range leases {
		if err == nil && l.Number == own.Number() {
			m.Alone = append(m.Alone, l.Name)
		}
	}
}

// logFindings logs what is not ideal about the engine of states. Only a server does so: the output
// of a command is for its own subject, and stile check shows the same.
func (srv *Server) logFindings() {
	if srv.dir.Store.Shared == nil {
		return
	}
	for _, f := range srv.dir.Store.Shared.Findings {
		srv.dir.Log.Warn("the engine of states is not configured as it should be", "server", f.Server, "problem", f.Problem, "why", f.Why, "fix", f.Fix)
	}
}
