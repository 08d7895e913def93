// Package nodes lets several servers work on one database: it knows which nodes are live, makes
// each notice what another has changed, lets one of them do what only one may do, and asks all to
// copy what they count before somebody reads it.
//
// Nodes know each other only by rows in the database. A [Node] writes its own row every second, and
// polls a table of counters, one for each topic that nodes keep in memory. Triggers increase the
// counters. That works through PgBouncer, where LISTEN does not. All times that nodes compare are
// of the database's clock.
package nodes

import (
	"context"
	"slices"
	"time"
)

const (
	// pollEvery is how often a node looks for changes. The gap varies, so that nodes don't poll at
	// the same moment.
	pollEvery = 250 * time.Millisecond
	// beatEvery is how often a node says that it lives.
	beatEvery = time.Second
	// DeadAfter is how long a node may say nothing before the others don't wait for it any more.
	DeadAfter = 5 * time.Second
	// forgetAfter is how long the row of a dead node is kept, for `stile nodes`.
	forgetAfter = 24 * time.Hour
	// roundTrip is the longest time that one query of this package may take.
	roundTrip = 2 * time.Second
	// outdatedAfter is how long a node may not have polled before it refuses all calls. Until then,
	// it serves with what it knows: a block by hand or a removed tenant that is newer has no effect
	// on it.
	outdatedAfter = 15 * time.Minute
	// readWithin is how long reading a topic may take.
	readWithin = 10 * time.Second
	// behindAfter is how long a node may not have polled before it is not ready: it does not know
	// what the others changed.
	behindAfter = 3 * time.Second
)

// Info is what a node says about itself when it starts.
type Info struct {
	Name     string
	Version  string
	Address  string            // of its public listener; "": it is a command
	Settings map[string]string // digests of the settings that all nodes must share, by name
}

// Status is what a node says about itself repeatedly.
type Status struct {
	Generation int64 // of the corpus that it serves
	Keys       int64 // the counter of the keys that it uses
	Settled    int64 // the counter of the last settling that it took part in
}

// Row is a node as the database has it.
type Row struct {
	Number uint32
	Info
	Status
	Started time.Time
	Seen    time.Time
	Silent  time.Duration // how long it has said nothing
	Scanned bool          // it is dead, and what it counted is in the ledger
}

// Live reports whether a node has said recently that it lives.
func (r Row) Live() bool { return r.Silent < DeadAfter }

// Serves reports whether a node is a server. Others are commands.
func (r Row) Serves() bool { return r.Address != "" }

// Counters is what the database says at one moment.
type Counters struct {
	Topics map[string]int64
	Now    time.Time // of the database's clock
}

// The topics that are not tables.
const (
	Settling = "settle" // all nodes are asked to copy what they count
	KeysOf   = "keys"   // see Status.Keys
)

// Store stores what nodes know of each other. Its methods are atomic, and don't wait for the
// transactions of others that write.
type Store interface {
	// Register adds a node, and returns a number that no node had before.
	Register(ctx context.Context, i Info) (uint32, error)
	// Beat says that a node lives. It adds the row again if it was removed meanwhile.
	Beat(ctx context.Context, number uint32, i Info, s Status) error
	// Leave removes a node, and its leases, except those of [Node.Once].
	Leave(ctx context.Context, number uint32) error
	// Nodes returns all nodes, in the order of their names.
	Nodes(ctx context.Context) ([]Row, error)
	// Scanned notes that what dead nodes have counted is in the ledger.
	Scanned(ctx context.Context, numbers []uint32) error
	// Remove removes dead nodes whose counts are in the ledger.
	Remove(ctx context.Context, numbers []uint32) error
	// Forget removes nodes that have said nothing for a time, and leases that have ended, and returns
	// the numbers of these nodes.
	Forget(ctx context.Context, silent time.Duration) ([]uint32, error)
	// Counters returns all counters.
	Counters(ctx context.Context) (Counters, error)
	// Increase increases the counter of a topic, and returns it.
	Increase(ctx context.Context, topic string) (int64, error)

	// Acquire takes a lease that nobody has, or extends it if fence is the number that the node has
	// it by. If another has it, fence is 0, and the lease says who.
	Acquire(ctx context.Context, name, what string, number uint32, fence int64, length time.Duration) (Lease, error)
	// Release ends a lease, if the node still has it by that number.
	Release(ctx context.Context, name string, fence int64) error
	// Leases returns the leases that have not ended, in the order of their names.
	Leases(ctx context.Context) ([]Lease, error)
}

// Lease is the right of a node to do something alone, until it ends.
type Lease struct {
	Name   string
	What   string // it is held for
	Node   string // name of the node that has it
	Number uint32 // of that node
	Since  time.Time
	Left   time.Duration
	// Fence is larger than that of all earlier leases; 0: another node has the lease.
	Fence int64
}

// Difference is a setting that nodes must share and that differs.
type Difference struct {
	Setting string
	Nodes   []string // those that differ from this one
}

// Differences returns the settings of live servers that differ from own, in the order of names. A
// setting that another version does not know is not a difference.
func Differences(own map[string]string, all []Row) (found []Difference) {
	for _, name := range sortedKeys(own) {
		d := Difference{Setting: name}
		for _, r := range all {
			if v, known := r.Settings[name]; known && v != own[name] && r.Live() && r.Serves() {
				d.Nodes = append(d.Nodes, r.Name)
			}
		}
		if len(d.Nodes) > 0 {
			found = append(found, d)
		}
	}
	return found
}

// SameNames returns the names that several live servers have, in order. A server that was killed
// and started again at once is not several: its earlier row is live for some seconds, but has said
// nothing since.
func SameNames(all []Row) (names []string) {
	for _, old := range all {
		isAnother := func(r Row) bool {
			return r.Name == old.Name && r.Number > old.Number && r.Live() && r.Serves() && old.Seen.Sub(r.Started) > 2*beatEvery
		}
		if old.Live() && old.Serves() && !slices.Contains(names, old.Name) && slices.ContainsFunc(all, isAnother) {
			names = append(names, old.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Unscanned returns the dead nodes whose counts may not be in the ledger yet.
func Unscanned(all []Row) (numbers []uint32, names []string) {
	for _, r := range all {
		if !r.Live() && !r.Scanned {
			numbers, names = append(numbers, r.Number), append(names, r.Name)
		}
	}
	return numbers, names
}

// Replaced returns the dead nodes that nobody needs to know of any more: what they counted is in
// the ledger, and a later server of the same name lives.
func Replaced(all []Row) (numbers []uint32) {
	for _, old := range all {
		isLater := func(r Row) bool { return r.Name == old.Name && r.Number > old.Number && r.Live() && r.Serves() }
		if !old.Live() && old.Scanned && slices.ContainsFunc(all, isLater) {
			numbers = append(numbers, old.Number)
		}
	}
	return numbers
}

// Waiting returns the names of the live nodes, except one, whose row does not satisfy done.
func Waiting(all []Row, except uint32, done func(Row) bool) (names []string) {
	for _, r := range all {
		if r.Number != except && r.Live() && !done(r) {
			names = append(names, r.Name)
		}
	}
	return names
}
