package datadir

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/corpus/replica"
	"stile.example/stile/datadir/moved"
	"stile.example/stile/nodes"
	"stile.example/stile/settings"
	"stile.example/stile/statements"
	"stile.example/stile/store"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/nodetable"
	"stile.example/stile/usage"
)

// This file has what is different if several nodes share a database. Dir.Nodes is nil otherwise.

// The topics of what is read again when another node has changed it.
const (
	tenantsTopic   = "tenants"
	addressesTopic = "addresses"
	blocksTopic    = "blocks"
	webhooksTopic  = "webhooks"
	corpusTopic    = "corpus"
)

// The names of what one node does alone.
const (
	// Upkeep is removing what is old, closing months, and copying what dead nodes counted.
	Upkeep = "upkeep"
	// Reporting is noticing events and sending webhooks.
	Reporting = "webhooks"
)

// infoOf says what the other nodes need to know of this one. The digests of its settings follow,
// see shareSettings.
func infoOf(s *settings.Settings) nodes.Info {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	return nodes.Info{Name: s.NodeName(), Version: version, Settings: map[string]string{}}
}

// openShared opens what nodes share, registers this process as one of them, and opens the keys.
func (d *Dir) openShared(ctx context.Context, s *settings.Settings, how opening) (err error) {
	if d.box, err = NewBox(s); err != nil {
		return err
	}
	p, err := Places(s, d.Now, d.Log)
	if err != nil {
		return err
	}
	d.Store, err = store.OpenShared(ctx, p, func(db *postgres.DB) (store.Member, error) {
		if err := moved.CheckIncoming(ctx, db); err != nil {
			return store.Member{}, err
		}
		d.sealed, d.nodeTable = nodetable.Sealed{DB: db}, nodetable.Table{Pool: db.Single()}
		installation, err := d.checkSharedKeys(ctx)
		if err != nil {
			return store.Member{}, err
		}
		m, err := d.join(ctx, s)
		if m.Installation = installation; !how.create {
			m.Instead = "start a node with `stile serve`, which uses this one from then on"
		}
		return m, err
	})
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	if err := d.openSharedKeys(ctx, how); err != nil {
		return err
	}
	return d.shareSettings()
}

// shareSettings makes the other nodes know the settings that all must have in common.
func (d *Dir) shareSettings() error {
	key, err := d.Keys.DigestKey()
	if err != nil {
		return fmt.Errorf("digest the settings: %w", err)
	}
	d.Nodes.UseSettings(d.Settings().SharedFingerprint(key))
	return nil
}

// Places returns where the settings say that nodes store what they share.
func Places(s *settings.Settings, now func() time.Time, log *slog.Logger) (p store.Places, err error) {
	p = store.Places{Data: s.Data, Log: log, Now: now, StateUser: s.StateUser()}
	if p.Postgres, err = s.StoreURL(); err != nil {
		return p, err
	}
	if p.StatePassword, err = s.StatePassword(); err != nil {
		return p, err
	}
	if s.State.Word() == "" {
		p.States = s.State.Reveal()
	}
	if s.CorpusStore.Word() == "" {
		p.Bucket = s.CorpusStore.Reveal()
	}
	return p, nil
}

// join registers this process as a node.
func (d *Dir) join(ctx context.Context, s *settings.Settings) (m store.Member, err error) {
	n, err := nodes.Join(ctx, nodes.Options{
		Store: d.nodeTable, Log: d.Log, Info: infoOf(s),
		Settle:     func(ctx context.Context) error { return d.Store.Shared.States.Settle(ctx) },
		Scan:       func(ctx context.Context) error { return d.Store.Shared.States.Scan(ctx) },
		Generation: d.generation,
	})
	if err != nil {
		return m, err
	}
	if err := checkClock(n.Clock(), d.Log); err != nil {
		return m, errors.Join(err, n.Stop(ctx))
	}
	d.Nodes = n
	return store.Member{Number: n.Number(), Leases: leases{n}, Leave: func() {
		d.Nodes = nil
		if err := n.Stop(ctx); err != nil {
			d.Log.Warn("can't remove this node from the list of nodes", "err", err)
		}
	}}, nil
}

// generation returns the generation of the corpus that this node serves, once the policy of
// addresses is the one for its size.
func (d *Dir) generation() int64 { return d.policyFor.Load() }

const (
	// WarnClock is the difference of two clocks that is reported, and MaxClock that with which a node
	// does not start: times of tokens, proofs and blocks would mean something else on each node.
	WarnClock = 2 * time.Second
	MaxClock  = 5 * time.Second
)

// checkClock returns an error if the database's clock is too far ahead, or behind.
func checkClock(ahead time.Duration, log *slog.Logger) error {
	switch d := ahead.Abs(); {
	case d > MaxClock:
		return fmt.Errorf("the clock of PostgreSQL differs from this machine's by %.1f s, and at most %s is allowed: set both by NTP", ahead.Seconds(), MaxClock)
	case d > WarnClock:
		log.Warn("the clock of PostgreSQL differs from this machine's; set both by NTP", "ahead", ahead.Round(100*time.Millisecond).String())
	}
	return nil
}

// startNode makes this node notice what others change, and says that it lives.
func (d *Dir) startNode(ctx context.Context) error {
	if err := d.startBlocks(ctx, nodetable.Blocks{DB: d.Store.DB}); err != nil {
		return err
	}
	d.Nodes.Use(d.topics())
	d.Nodes.Start()
	return nil
}

// Serve says that this node is a server, and begins what servers do all the time, until ctx is done
// and then stop is called: it returns quotas that it has not used.
func (d *Dir) Serve(ctx context.Context, address string) (stop func()) {
	if d.Nodes == nil {
		return func() {}
	}
	d.Nodes.Serve(address)
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() { d.Store.Shared.States.Run(running) })
	work.Go(func() { d.Store.Shared.Watch(running) })
	work.Go(func() { d.Store.Follow(running) })
	work.Go(func() { d.followCorpus(running) })
	work.Go(func() { d.Meter.Run(running, returnWithin, d.reportQuotas) })
	return func() { end(); work.Wait() }
}

// followCorpus updates the policy of addresses, which depends on the size of the corpus, whenever
// this node serves another generation.
func (d *Dir) followCorpus(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if f, _ := d.Store.Following(); f.Generation == d.policyFor.Load() {
			continue
		}
		if err := d.UpdateAddressPolicy(ctx); err != nil && ctx.Err() == nil {
			d.Log.Warn("can't adapt the budgets of addresses to the size of the corpus; the next attempt is in a moment", "err", err)
		}
	}
}

// returnWithin is how long a node that stops may take to return quotas.
const returnWithin = 2 * time.Second

// reportQuotas logs once that quotas can't be shared, and once that they can be again.
func (d *Dir) reportQuotas(err error) {
	switch failing := err != nil; {
	case failing && !d.quotasFail.Swap(true):
		d.Log.Error("can't share the quotas of tenants with other nodes", "err", err)
	case !failing && d.quotasFail.Swap(false):
		d.Log.Info("the quotas of tenants are shared again")
	}
}

// leaveWithin is how long a node that stops may take to say so.
const leaveWithin = 3 * time.Second

// leave transfers what this node counted, and removes it from the nodes.
func (d *Dir) leave() (err error) {
	if d.Nodes == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	if d.blocks != nil {
		d.blocks.close()
	}
	if d.Store != nil {
		err = d.Store.Shared.States.Settle(ctx)
	}
	if err != nil { // its row stays: whoever finds it silent copies what it counted
		err = fmt.Errorf("copy what this node counted: %w", err)
		d.Nodes.Pause()
	} else {
		err = d.Nodes.Stop(ctx)
	}
	return err
}

// topics returns what this node reads again when another has changed it.
func (d *Dir) topics() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		tenantsTopic:   d.Tenants.Reload,
		addressesTopic: d.Addresses.Reload,
		blocksTopic:    d.readBlocks,
		nodes.KeysOf:   d.readKeys,
		corpusTopic:    func(context.Context) error { d.Store.PresentChanged(); return nil },
		webhooksTopic:  func(context.Context) error { d.Webhooks.Wake(); return nil },
	}
}

// Settle makes all nodes copy what they count to the database, so that what is read then is
// complete. If a node did not respond in time, it logs that, and what is read may lack the last
// seconds.
func (d *Dir) Settle(ctx context.Context) error {
	if d.Nodes == nil {
		return nil
	}
	err := d.Nodes.Settle(ctx)
	if late, ok := errors.AsType[*nodes.Unsettled](err); ok {
		d.Log.Warn("a node did not say in time what it counted, so usage may lack its last seconds", "nodes", late.Nodes)
		return nil
	}
	return err
}

// Usage returns what a tenant ("" for all) used from one day to another, both included ("" for no
// bound), on all nodes.
func (d *Dir) Usage(ctx context.Context, tenant, from, to string) ([]usage.Line, error) {
	if err := d.Settle(ctx); err != nil {
		return nil, err
	}
	return d.Store.Usage(ctx, tenant, from, to)
}

// RefreshMeter makes what the Meter says include the calls of all nodes until now.
func (d *Dir) RefreshMeter(ctx context.Context) error {
	if err := d.Settle(ctx); err != nil {
		return err
	}
	return d.Meter.Refresh(ctx)
}

// CloseDue closes all months that are due, and returns the new statements. One node does it at a
// time, when all have copied what they counted.
func (d *Dir) CloseDue(ctx context.Context) ([]statements.Statement, error) {
	if d.Nodes == nil {
		return d.Statements.CloseDue(ctx, d.Now())
	}
	month, found, err := d.Statements.Next(ctx)
	if err != nil || !found || d.Now().Before(statements.ClosesAt(month)) {
		return nil, err
	}
	held, release, err := d.Nodes.Hold(ctx, "closing months", "months are being closed")
	if err != nil {
		return nil, err
	}
	defer release()
	if err := d.Nodes.Settle(held); err != nil {
		return nil, fmt.Errorf("close a month: %w", err)
	}
	return d.Statements.CloseDue(held, d.Now())
}

// RunAlone calls fn until ctx is done, on one node at a time: fn's context is done when another
// node is to run it. Without other nodes, it only calls fn.
func (d *Dir) RunAlone(ctx context.Context, name string, fn func(context.Context)) {
	if d.Nodes == nil {
		fn(ctx)
		return
	}
	d.Nodes.RunAlone(ctx, name, fn)
}

// Once reports whether this is the first time that any node asks for a name, within the time that
// it is kept. undo makes it as if nobody had asked. Without other nodes, it is always the first
// time: whoever calls Once knows what this process did.
func (d *Dir) Once(ctx context.Context, name string, keep time.Duration) (first bool, undo func(), err error) {
	if d.Nodes == nil {
		return true, func() {}, nil
	}
	return d.Nodes.Once(ctx, name, keep)
}

// Serialise waits until no other change under the same name is in progress, on any node, and
// returns a context for this one, and a function that ends it. The context is done if the node
// loses the right to continue.
func (d *Dir) Serialise(ctx context.Context, name string) (held context.Context, release func(), err error) {
	lock, _ := d.changes.LoadOrStore(name, make(chan struct{}, 1))
	mine := lock.(chan struct{})
	select {
	case mine <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if d.Nodes == nil {
		return ctx, func() { <-mine }, nil
	}
	held, end, err := d.Nodes.Hold(ctx, "change of "+name, "a "+name+" is being changed")
	if err != nil {
		<-mine
		return nil, nil, err
	}
	return held, func() { end(); <-mine }, nil
}

// blockFeed informs the other nodes of blocks that rules decide on this one.
type blockFeed struct {
	table nodetable.Blocks
	dir   *Dir

	mu      sync.Mutex
	pending map[addresses.Scope]int64 // until when, 0: lifted
	last    int64                     // the number of the last change that was read
	wake    chan struct{}
	stop    context.CancelFunc
	stopped chan struct{}
}

const (
	maxPendingBlocks = 10_000
	// blockGap is how long changes are collected.
	blockGap = 100 * time.Millisecond
)

// startBlocks makes the registry inform the other nodes, and reads what they have decided: the
// registry may have been opened before they stored it.
func (d *Dir) startBlocks(ctx context.Context, table nodetable.Blocks) error {
	f := &blockFeed{table: table, dir: d, pending: map[addresses.Scope]int64{}, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	d.blocks = f
	d.Addresses.OnBlock(f.note, d.Now)
	go f.run(running)
	if err := d.readBlocks(ctx); err != nil {
		return fmt.Errorf("read blocks of other nodes: %w", err)
	}
	return nil
}

// note collects a change. It does not wait.
func (f *blockFeed) note(s addresses.Scope, until int64) {
	f.mu.Lock()
	if _, known := f.pending[s]; known || len(f.pending) < maxPendingBlocks {
		f.pending[s] = until
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *blockFeed) run(ctx context.Context) {
	defer close(f.stopped)
	for {
		select {
		case <-ctx.Done():
			f.write(context.WithoutCancel(ctx))
			return
		case <-f.wake:
		}
		time.Sleep(blockGap)
		f.write(ctx)
	}
}

// write stores what was collected. What can't be stored stays for the next time: the other nodes
// know these blocks then only once a token of that address is bound there.
func (f *blockFeed) write(ctx context.Context) {
	f.mu.Lock()
	some := make([]nodetable.Block, 0, len(f.pending))
	for s, until := range f.pending {
		some = append(some, nodetable.Block{Scope: s, Until: until})
	}
	f.mu.Unlock()
	if len(some) == 0 {
		return
	}
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := f.table.Put(short, some); err != nil {
		f.dir.Log.Warn("can't inform the other nodes of blocks by rules", "blocks", len(some), "err", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range some {
		if f.pending[b.Scope] == b.Until {
			delete(f.pending, b.Scope)
		}
	}
}

// close stores what was collected, and stops.
func (f *blockFeed) close() {
	f.stop()
	<-f.stopped
}

// readBlocks caches the blocks that other nodes have decided or lifted.
func (d *Dir) readBlocks(ctx context.Context) error {
	f := d.blocks
	changed, err := f.table.Since(ctx, f.last)
	if err != nil {
		return err
	}
	for _, b := range changed {
		d.Addresses.NoteBlock(b.Scope, b.Until, d.Now())
		f.last = max(f.last, b.Number)
	}
	return nil
}

// importing reports whether an import runs on any node.
func (d *Dir) importing(ctx context.Context) (bool, error) {
	leases, err := d.Nodes.Leases(ctx)
	isImport := func(l nodes.Lease) bool { return l.Name == replica.LeaseName && l.What != replica.Collecting }
	return slices.ContainsFunc(leases, isImport), err
}

// TidyNodes removes what nodes that are gone have left, and completes what they began.
func (d *Dir) TidyNodes(ctx context.Context) error {
	if d.Nodes == nil {
		return nil
	}
	if removed, err := d.Store.Collect(ctx); err != nil {
		d.Log.Error("remove unused parts of the corpus", "err", err)
	} else if removed > 0 {
		d.Log.Info("removed unused parts of the corpus", "chunks", removed)
	}
	gone, err := d.Nodes.Forget(ctx)
	if len(gone) > 0 {
		d.Log.Info("forgot nodes that died long ago", "nodes", len(gone))
	}
	return errors.Join(err, d.CompleteRotation(ctx))
}

// leases is the leases of nodes, as the corpus needs them.
type leases struct{ node *nodes.Node }

var _ replica.Leases = leases{}

// Lease implements [replica.Leases].
func (l leases) Lease(ctx context.Context, name, what string) (release func(), lost <-chan struct{}, err error) {
	held, release, err := l.node.TryHold(ctx, name, what)
	if other, isHeld := errors.AsType[*nodes.HeldError](err); isHeld {
		return nil, nil, replica.HeldError{Node: other.Node, What: other.What, Since: other.Since}
	}
	if err != nil {
		return nil, nil, err
	}
	return release, held.Done(), nil
}

// ScanDead copies what nodes have counted that have died.
func (d *Dir) ScanDead(ctx context.Context) error {
	if d.Nodes == nil {
		return nil
	}
	return d.Nodes.ScanDead(ctx)
}
