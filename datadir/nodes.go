package datadir

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/nodes"
	"stile.example/stile/settings"
	"stile.example/stile/statements"
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
	// Importing is changing the corpus.
	Importing = "import"
)

// infoOf says what the other nodes need to know of this one.
func infoOf(s *settings.Settings, fingerprintKey []byte) nodes.Info {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	return nodes.Info{Name: s.NodeName(), Version: version, Settings: s.SharedFingerprint(fingerprintKey)}
}

// topics returns what this node reads again when another has changed it.
func (d *Dir) topics() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		tenantsTopic:   d.Tenants.Reload,
		addressesTopic: d.Addresses.Reload,
		blocksTopic:    d.readBlocks,
		nodes.KeysOf:   d.readKeys,
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
	held, release, err := d.Nodes.Hold(ctx, "closing months")
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
	held, end, err := d.Nodes.Hold(ctx, "change of "+name)
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

// startBlocks makes the registry inform the other nodes.
func (d *Dir) startBlocks(ctx context.Context, table nodetable.Blocks) error {
	f := &blockFeed{table: table, dir: d, pending: map[addresses.Scope]int64{}, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	var err error
	if f.last, err = table.Last(ctx); err != nil {
		return fmt.Errorf("read blocks of other nodes: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	d.blocks = f
	d.Addresses.OnBlock(f.note)
	go f.run(running)
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
	isImport := func(l nodes.Lease) bool { return l.Name == Importing }
	return slices.ContainsFunc(leases, isImport), err
}

// TidyNodes removes what nodes that are gone have left, and completes what they began.
func (d *Dir) TidyNodes(ctx context.Context) error {
	if d.Nodes == nil {
		return nil
	}
	gone, err := d.Nodes.Forget(ctx)
	if len(gone) > 0 {
		d.Log.Info("forgot nodes that died long ago", "nodes", len(gone))
	}
	return errors.Join(err, d.CompleteRotation(ctx))
}
