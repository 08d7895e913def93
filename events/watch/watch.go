// Package watch notices what events report, and emits the events.
//
// It compares what is (usage, statuses, issuers' keys, proposals, statements) with the marks of
// what was reported, instead of hooking into calls. So a call pays nothing for it. An event that
// could not be stored, or that a kill prevented, is emitted by a later comparison.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/events"
	"stile.example/stile/statements"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/issuers"
)

// Outbox stores events and marks.
type Outbox interface {
	Emit(ctx context.Context, e events.Event) (happened bool, err error)
	Begin(ctx context.Context, key, note string) error
	EachMark(ctx context.Context, prefix string, fn func(key string, value int64, note string)) error
}

// Config is what a Watcher needs. All fields are required.
type Config struct {
	Outbox      Outbox
	Now         func() time.Time
	Log         *slog.Logger
	Tenants     *tenants.Directory
	Used        func(tenant uint32, month time.Time) int64
	Issuers     func() []issuers.Status
	Addresses   Addresses
	ShowAddress func(netip.Addr) string
	Corpus      func() string // identifies the current generation
	// ClosedSince returns the statements that were closed since a time, with or without their rows.
	ClosedSince func(context.Context, time.Time) ([]statements.Statement, error)
	// Importing reports whether an import runs on any node. It is nil if there is only this process.
	Importing func(context.Context) (bool, error)
}

// Addresses has the states of addresses.
type Addresses interface {
	EachAddress(ctx context.Context, fn func(addresses.Scope, addresses.State)) error
}

// Watcher notices events. Its methods may be called concurrently.
type Watcher struct {
	Config

	status  sync.Mutex    // from the change of a tenant's status to its event
	wake    chan struct{} // an address was proposed, or a statement closed
	pending noted[proposal]
	closed  noted[statements.Statement]

	mu       sync.Mutex
	reported map[string]int64 // what is known of the stored marks
	checked  time.Time        // of the last check of quotas
	failing  map[string]failure
	looked   time.Time // when interrupted imports of other nodes were looked for
}

// New returns a Watcher, which notices nothing until it runs.
func New(c Config) *Watcher {
	return &Watcher{Config: c, wake: make(chan struct{}, 1), reported: map[string]int64{}, failing: map[string]failure{}}
}

const checkEvery = time.Second

// Run emits what is not reported yet, and then what happens, until ctx is done.
func (w *Watcher) Run(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	recovered, failing := false, false
	for {
		err := w.pass(ctx, &recovered)
		if failed := err != nil && ctx.Err() == nil; failed && !failing {
			w.Log.Error("can't store events; trying again until it works", "err", err)
		} else if failing && !failed {
			w.Log.Info("events are stored again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-tick.C:
		}
	}
}

func (w *Watcher) pass(ctx context.Context, recovered *bool) error {
	if !*recovered {
		if err := w.Recover(ctx); err != nil {
			return err
		}
		*recovered = true
	}
	if w.Importing != nil && w.Now().Sub(w.looked).Abs() > importsEvery {
		w.looked = w.Now()
		if err := w.recoverImports(ctx); err != nil {
			return err
		}
	}
	return w.Check(ctx)
}

// importsEvery is how often imports are looked for that another node began and did not end.
const importsEvery = 15 * time.Second

// Recover reads the marks, and emits what an earlier process did not report.
func (w *Watcher) Recover(ctx context.Context) error {
	err := w.Outbox.EachMark(ctx, "", func(key string, value int64, _ string) { w.know(key, value) })
	if err != nil {
		return err
	}
	if err := w.recoverImports(ctx); err != nil {
		return err
	}
	w.pending.all()
	w.closed.all()
	return w.checkStatuses(ctx)
}

// Check compares once. An error of one comparison does not prevent the others.
func (w *Watcher) Check(ctx context.Context) error {
	now := w.Now()
	return errors.Join(w.checkQuotas(ctx, now), w.checkIssuers(ctx, now), w.checkStatements(ctx, now), w.checkProposals(ctx, now))
}

// emit emits an event with a mark, unless it is known to be reported.
func (w *Watcher) emit(ctx context.Context, e events.Event) error {
	if stored, known := w.mark(e.Mark.Key); known && !e.Mark.Happens(stored, true) {
		return nil
	}
	if _, err := w.Outbox.Emit(ctx, e); err != nil {
		return err
	}
	w.know(e.Mark.Key, e.Mark.Value)
	return nil
}

// mark returns what is known of a mark.
func (w *Watcher) mark(key string) (value int64, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	value, known = w.reported[key]
	return value, known
}

func (w *Watcher) know(key string, value int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.reported) >= maxKnown { // the store still knows them
		maps.DeleteFunc(w.reported, func(key string, _ int64) bool { return !strings.HasPrefix(key, issuerMark) })
	}
	w.reported[key] = value
}

// maxKnown bounds memory. It is more than tenants, months and proposals need.
const maxKnown = 100_000
