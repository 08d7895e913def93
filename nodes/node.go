package nodes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Options is what a node needs. All fields must be set.
type Options struct {
	Store Store
	Log   *slog.Logger
	Info  Info
	// Topics has the function that reads again what a topic is about, by the topic. It is called
	// soon after a change, once for several changes, and again if it fails.
	Topics map[string]func(context.Context) error
	// Settle copies what this node counts to the database.
	Settle func(context.Context) error
	// Scan copies what dead nodes have counted to the database.
	Scan func(context.Context) error
	// Generation returns the generation of the corpus that this node serves, and has adapted to.
	Generation func() int64
}

// Node is this process, as one of several nodes. Its methods are safe for concurrent use.
type Node struct {
	opt    Options // Info.Address and Info.Settings are guarded by mu
	number uint32

	beatNow chan struct{}

	mu       sync.Mutex
	known    map[string]int64 // counters whose change was dealt with
	status   Status
	polled   time.Time // monotonic
	offset   time.Duration
	failure  error                // of the last poll
	failures map[string]time.Time // since when topics could not be read
	reading  map[string]bool      // topics that are being read
	differs  map[string]bool      // settings that differ, with their nodes, as they are in the log
	same     []string             // names that several nodes have, as they are in the log

	settling settling

	stop context.CancelFunc
	done sync.WaitGroup
}

// Join registers this process as a node. Nothing runs until [Node.Start].
func Join(ctx context.Context, opt Options) (*Node, error) {
	began := time.Now()
	at, err := opt.Store.Counters(ctx) // before: what changes from now on is noticed
	if err != nil {
		return nil, fmt.Errorf("read what changed: %w", err)
	}
	number, err := opt.Store.Register(ctx, opt.Info)
	if err != nil {
		return nil, fmt.Errorf("register this node: %w", err)
	}
	n := &Node{opt: opt, number: number, beatNow: make(chan struct{}, 1), known: at.Topics, polled: time.Now(),
		failures: map[string]time.Time{}, reading: map[string]bool{}, settling: settling{turn: make(chan struct{}, 1)}}
	n.offset = at.Now.Sub(began.Add(time.Since(began) / 2))
	n.status.Keys = at.Topics[KeysOf]
	n.status.Settled = at.Topics[Settling]
	return n, nil
}

// Number returns the number of this node, which no other node has or had.
func (n *Node) Number() uint32 { return n.number }

// Name returns the name of this node.
func (n *Node) Name() string { return n.opt.Info.Name }

// Clock returns how much the database's clock is ahead of this machine's.
func (n *Node) Clock() time.Duration { return n.Health().Clock }

// Settings returns the digests of the settings that all nodes must share, as this node has them.
func (n *Node) Settings() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.opt.Info.Settings
}

// UseSettings replaces the digests, after settings were read again.
func (n *Node) UseSettings(digests map[string]string) {
	n.mu.Lock()
	n.opt.Info.Settings = digests
	n.mu.Unlock()
	n.beatSoon()
}

// Serve says that this node is a server, with its public listener at an address.
func (n *Node) Serve(address string) {
	n.mu.Lock()
	n.opt.Info.Address = address
	n.mu.Unlock()
	n.beatSoon()
}

// Use sets what is read again when a topic changes. It must be called before Start.
func (n *Node) Use(topics map[string]func(context.Context) error) { n.opt.Topics = topics }

// Start starts to poll and to say that the node lives, until [Node.Stop].
func (n *Node) Start() {
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.done.Go(func() { n.every(ctx, pollEvery, nil, n.poll) })
	n.done.Go(func() { n.every(ctx, beatEvery, n.beatNow, n.beat) })
}

// Pause ends that, but keeps the row of the node, so that others copy what it counted.
func (n *Node) Pause() {
	if n.stop != nil {
		n.stop()
		n.done.Wait()
	}
}

// Stop ends that, and removes the node. It must not be used any more.
func (n *Node) Stop(ctx context.Context) error {
	n.Pause()
	return n.opt.Store.Leave(ctx, n.number)
}

// every calls fn repeatedly, and also when now says so.
func (n *Node) every(ctx context.Context, gap time.Duration, now <-chan struct{}, fn func(context.Context)) {
	for ctx.Err() == nil {
		fn(ctx)
		timer := time.NewTimer(gap*9/10 + rand.N(gap/5))
		select {
		case <-timer.C:
		case <-now:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// poll reads the counters, and begins to read what has changed. It does not wait for that: a topic
// that takes long must not delay the others.
func (n *Node) poll(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, roundTrip)
	began := time.Now()
	c, err := n.opt.Store.Counters(short)
	cancel()
	n.report(ctx, err)
	if err != nil {
		return
	}
	n.mu.Lock()
	n.polled = time.Now()
	n.offset = c.Now.Sub(began.Add(time.Since(began) / 2))
	var changed []string
	for _, topic := range sortedKeys(c.Topics) {
		if c.Topics[topic] != n.known[topic] && !n.reading[topic] {
			n.reading[topic] = true
			changed = append(changed, topic)
		}
	}
	n.mu.Unlock()
	for _, topic := range changed {
		n.done.Go(func() {
			n.refresh(ctx, topic, c.Topics[topic])
			n.mu.Lock()
			defer n.mu.Unlock()
			delete(n.reading, topic)
		})
	}
}

// refresh reads again what a topic is about.
func (n *Node) refresh(ctx context.Context, topic string, counter int64) {
	fn := n.opt.Topics[topic]
	if topic == Settling {
		fn = n.opt.Settle
	}
	if fn == nil {
		fn = func(context.Context) error { return nil } // of a newer version
	}
	if topic != Settling { // which may have much to copy, and has limits of its own
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, readWithin)
		defer cancel()
	}
	began := time.Now()
	err := fn(ctx)
	n.mu.Lock()
	_, again := n.failures[topic]
	if err != nil && !again {
		n.failures[topic] = began
	}
	if err == nil {
		delete(n.failures, topic)
		n.known[topic] = counter
		switch topic {
		case KeysOf:
			n.status.Keys = counter
		case Settling:
			n.status.Settled = counter
		}
	}
	n.mu.Unlock()
	switch {
	case err != nil && !again && !errors.Is(ctx.Err(), context.Canceled):
		n.opt.Log.Error("can't read what another node changed; the next attempt is in a moment", "topic", topic, "err", err)
	case err == nil && again:
		n.opt.Log.Info("read what another node changed", "topic", topic)
	}
	if err == nil {
		n.beatSoon()
	}
}

// beatSoon makes the node write its row now: another may wait for what it says.
func (n *Node) beatSoon() {
	select {
	case n.beatNow <- struct{}{}:
	default:
	}
}

func (n *Node) beat(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, roundTrip)
	defer cancel()
	n.mu.Lock()
	status, info := n.status, n.opt.Info
	n.mu.Unlock()
	status.Generation = n.opt.Generation()
	if err := n.opt.Store.Beat(short, n.number, info, status); err != nil {
		n.opt.Log.Debug("can't say that this node lives", "err", err) // poll reports it
	}
}

// report logs once that the database does not respond, and once that it does again.
func (n *Node) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	n.mu.Lock()
	was := n.failure != nil
	n.failure = err
	n.mu.Unlock()
	switch {
	case err != nil && !was:
		n.opt.Log.Error("can't read what other nodes changed", "err", err)
	case err == nil && was:
		n.opt.Log.Info("what other nodes change is read again")
	}
}

// Health is how well a node knows the others.
type Health struct {
	Behind time.Duration // how long it has not polled
	Clock  time.Duration // how much the database's clock is ahead of its own
	Unread []string      // topics that it could not read
	// Unheard is for how long it has not been able to read one that says who may call.
	Unheard time.Duration

	failure error // of the last poll
}

// Health returns how well this node knows the others.
func (n *Node) Health() Health {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := Health{Behind: time.Since(n.polled), Clock: n.offset, failure: n.failure}
	for _, topic := range sortedKeys(n.failures) {
		h.Unread = append(h.Unread, topic)
		if topic != Settling {
			h.Unheard = max(h.Unheard, time.Since(n.failures[topic]))
		}
	}
	return h
}

// Ready returns an error if this node does not know what the others changed.
func (n *Node) Ready() error {
	h := n.Health()
	switch {
	case h.Behind > behindAfter && h.failure != nil:
		return fmt.Errorf("nothing was heard of other nodes for %d s: %w", int(h.Behind.Seconds()), h.failure)
	case h.Behind > behindAfter:
		return fmt.Errorf("nothing was heard of other nodes for %d s: PostgreSQL does not respond", int(h.Behind.Seconds()))
	case len(h.Unread) > 0:
		return fmt.Errorf("can't read what other nodes changed: %s", strings.Join(h.Unread, ", "))
	}
	return nil
}

// Outdated returns an error if this node has not known for so long what others changed that it must
// not serve.
func (n *Node) Outdated() error { return n.Health().outdated() }

func (h Health) outdated() error {
	switch {
	case h.Unheard > outdatedAfter:
		return fmt.Errorf("what other nodes changed could not be read for %d minutes (%s): calls are refused", int(h.Unheard.Minutes()), strings.Join(h.Unread, ", "))
	case h.Behind <= outdatedAfter:
		return nil
	}
	return fmt.Errorf("PostgreSQL has not responded for %d minutes, so blocks and tenants may have changed: calls are refused", int(h.Behind.Minutes()))
}

// Behind reports whether others may have changed something that this node does not know yet.
func (n *Node) Behind() bool { return n.Health().Behind > behindAfter/2 }

// List returns all nodes.
func (n *Node) List(ctx context.Context) ([]Row, error) { return n.opt.Store.Nodes(ctx) }

// Leases returns the leases of all nodes.
func (n *Node) Leases(ctx context.Context) ([]Lease, error) { return n.opt.Store.Leases(ctx) }

// Differences returns the settings in which other nodes differ from this one.
func (n *Node) Differences(ctx context.Context) ([]Difference, error) {
	all, err := n.opt.Store.Nodes(ctx)
	return Differences(n.Settings(), all), err
}

// logDifferences warns of settings that differ, once for each, and again if it has been right
// meanwhile.
func (n *Node) logDifferences(found []Difference) {
	present := map[string]bool{}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range found {
		key := fmt.Sprint(d.Setting, d.Nodes)
		if present[key] = true; !n.differs[key] {
			n.opt.Log.Warn("a setting differs from that of other nodes; all need the same one", "setting", d.Setting, "nodes", d.Nodes)
		}
	}
	if len(n.differs) > 0 && len(present) == 0 {
		n.opt.Log.Info("the settings of all nodes are the same again")
	}
	n.differs = present
}

// logSameNames warns of names that several nodes have, once for each change.
func (n *Node) logSameNames(names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(names) > 0 && !slices.Equal(names, n.same) {
		n.opt.Log.Warn("several live nodes have the same name, so messages don't say which is meant; give each its own with the setting node", "names", names)
	}
	n.same = names
}

// ScanDead copies what nodes have counted that died since the last time, removes those that were
// started again since, and warns of settings that differ and of names that are the same. One node
// at a time must do that.
func (n *Node) ScanDead(ctx context.Context) error {
	all, err := n.opt.Store.Nodes(ctx)
	if err != nil {
		return err
	}
	n.logDifferences(Differences(n.Settings(), all))
	n.logSameNames(SameNames(all))
	if replaced := Replaced(all); len(replaced) > 0 {
		if err := n.opt.Store.Remove(ctx, replaced); err != nil {
			return fmt.Errorf("remove nodes that were started again: %w", err)
		}
	}
	numbers, names := Unscanned(all)
	if len(numbers) == 0 {
		return nil
	}
	n.opt.Log.Warn("nodes have died, or can't reach the database; what they counted is copied", "nodes", names)
	if err := n.opt.Scan(ctx); err != nil {
		return fmt.Errorf("copy what dead nodes have counted: %w", err)
	}
	return n.opt.Store.Scanned(ctx, numbers)
}

// Forget removes the rows of nodes that died long ago, and returns their numbers.
func (n *Node) Forget(ctx context.Context) ([]uint32, error) {
	return n.opt.Store.Forget(ctx, forgetAfter)
}

// Changed tells all nodes that what a topic is about has changed, if no trigger does.
func (n *Node) Changed(ctx context.Context, topic string) (int64, error) {
	return n.opt.Store.Increase(ctx, topic)
}
