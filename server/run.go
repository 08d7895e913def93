package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/settings"
	"stile.example/stile/store/tables/repeats"
)

// Run serves until ctx is done or a listener fails, then drains and stops. It calls ready, unless
// that is nil, when requests are accepted.
func (srv *Server) Run(ctx context.Context, ready func(*Server)) error {
	log := srv.dir.Log
	failures := make(chan error, len(srv.listeners))
	for _, l := range srv.listeners {
		go func() { failures <- l.serve() }()
		if l.name != "socket" {
			log.Info("listening", "listener", l.name, "address", l.listener.Addr().String())
		}
	}
	// Refusals while draining are recorded too.
	recording, stopRecording := context.WithCancel(context.WithoutCancel(ctx))
	recorded := make(chan struct{})
	go func() { srv.dir.Refusals.Run(recording, srv.dir.Now); close(recorded) }()
	collected := make(chan struct{})
	go func() { srv.dir.Evidence.Run(recording, srv.dir.Now); close(collected) }()
	counted := make(chan struct{})
	go func() { srv.dir.History.Run(recording, srv.dir.Now); close(counted) }()
	sweeping, stopSweeping := context.WithCancel(ctx)
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		var sweepers sync.WaitGroup
		sweepers.Go(func() { srv.dir.RunAlone(sweeping, datadir.Upkeep, srv.sweep) })
		sweepers.Go(func() { srv.forgetOld(sweeping) })
		sweepers.Wait()
	}()
	for _, keys := range srv.dir.ExternalKeys {
		go keys.Run(sweeping)
	}
	reporting, stopReporting := context.WithCancel(context.WithoutCancel(ctx))
	var reported sync.WaitGroup
	reported.Go(func() { srv.dir.RunAlone(reporting, datadir.Reporting, srv.report) })
	stopSharing := srv.dir.Serve(ctx, srv.Addr("public"))
	if ready != nil {
		ready(srv)
	}
	var err error
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case err = <-failures:
		log.Error("a listener failed", "err", err)
	}
	stopSweeping()
	stopReporting()
	err = errors.Join(err, srv.drain())
	stopRecording()
	<-swept
	<-recorded
	reported.Wait()
	<-collected
	srv.sendTraces()
	<-counted
	stopSharing()
	log.Info("stopped")
	return err
}

func (l *listener) serve() error {
	err := l.http.Serve(l.listener)
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return fmt.Errorf("%s listener: %w", l.name, err)
}

// drain stops accepting connections, waits for requests in progress, and after drainWithin closes
// the remaining connections.
func (srv *Server) drain() (err error) {
	srv.draining.Store(true)
	grace, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	for _, l := range srv.listeners { // the public one first: metrics and commands work meanwhile
		if late := l.http.Shutdown(grace); late != nil {
			srv.dir.Log.Warn("closed connections that took too long", "listener", l.name)
			err = errors.Join(err, l.http.Close())
		}
	}
	return err
}

// sendTraces exports the spans that wait. If the collector does not respond, they are lost.
func (srv *Server) sendTraces() {
	grace, cancel := context.WithTimeout(context.Background(), traceWithin)
	defer cancel()
	if err := srv.traces.Close(grace); err != nil {
		srv.dir.Log.Warn("some traces are lost", "err", err)
	}
}

// sweep moves the counts of long-dead tokens to the ledger, and closes months that are due, every
// sweepEvery. It does not begin at the start: a machine may not know the time yet, and a month that
// was closed too early can't be opened again.
func (srv *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	dead := time.NewTicker(deadEvery)
	defer dead.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-dead.C:
			err := srv.dir.ScanDead(ctx)
			if err != nil && !failing && ctx.Err() == nil {
				srv.dir.Log.Error("can't copy what dead nodes counted; further attempts follow each second", "err", err)
			}
			failing = err != nil
		case <-tick.C:
			srv.dir.Verifier.ForgetExpired(srv.dir.Now())
			if err := srv.dir.Store.Sweep(ctx, srv.dir.Now()); err != nil && ctx.Err() == nil {
				srv.dir.Log.Error("sweep", "err", err)
			}
			srv.closeMonths(ctx)
			if err := (repeats.Table{DB: srv.dir.Store.DB}).ForgetOld(ctx, srv.dir.Now()); err != nil && ctx.Err() == nil {
				srv.dir.Log.Error("remove responses of the admin API that can't be repeated any more", "err", err)
			}
			if err := srv.dir.TidyNodes(ctx); err != nil && ctx.Err() == nil {
				srv.dir.Log.Error("tidy up after other nodes", "err", err)
			}
		}
	}
}

// forgetOld removes old generations of the corpus from the data directory, every sweepEvery.
func (srv *Server) forgetOld(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := srv.dir.Store.ForgetOld(); err != nil {
				srv.dir.Log.Error("remove an old generation of the corpus", "err", err)
			}
		}
	}
}

// report notices events, and sends them, until ctx is done.
func (srv *Server) report(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { srv.dir.Watch.Run(ctx) })
	both.Go(func() { srv.dir.Webhooks.Run(ctx) })
	both.Wait()
}

// closeMonths closes the months that are due.
func (srv *Server) closeMonths(ctx context.Context) {
	made, err := srv.dir.CloseDue(ctx)
	for _, s := range made {
		srv.dir.Log.Info("closed a statement", "tenant", s.Tenant, "month", s.Month, "calls", s.Calls, "amount", s.Amount.String(), "currency", s.Currency)
	}
	if err != nil && ctx.Err() == nil {
		srv.dir.Log.Error("can't close a month; the next attempt is in 5 minutes", "err", err)
	}
}

// ReloadOnHangup loads the settings again on SIGHUP, and adopts those that may change while the
// server runs.
func (srv *Server) ReloadOnHangup(ctx context.Context, load func() (*settings.Settings, error)) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-done:
				return
			case <-hangup:
				srv.reload(load)
			}
		}
	}()
	return func() { signal.Stop(hangup); close(done) }
}

func (srv *Server) reload(load func() (*settings.Settings, error)) {
	log := srv.dir.Log
	next, err := load()
	if err != nil {
		log.Error("can't use the settings; the old ones stay", "err", err)
		return
	}
	if names := srv.dir.Settings().Restart(next); len(names) > 0 {
		log.Warn("changed settings that need a restart", "settings", strings.Join(names, " "))
	}
	srv.dir.Reload(next)
	srv.policies.use(srv.dir.Settings())
	log.Info("settings read again")
}
