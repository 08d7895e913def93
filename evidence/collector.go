package evidence

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Times and sizes of a [Collector].
const (
	writeEvery = 10 * time.Second // a kill loses this much
	pruneEvery = time.Hour
	maxPending = 4096 // entries that wait for the store; then new keys are counted under Others
)

// Collector collects observations, and adds them to a store. Its methods are safe for concurrent
// use.
type Collector struct {
	store Store
	key   []byte // of callers' hashes
	log   *slog.Logger

	mu      sync.Mutex
	pending map[name]*Entry

	writing sync.Mutex // held while entries are written
	used    func(now time.Time) map[uint32]int64
	before  map[uint32]int64 // what used returned last
}

// name is what distinguishes entries.
type name struct {
	tenant uint32
	day    int64
	kind   Kind
	key    string
}

// NewCollector returns a Collector. secretKey is the server's own key.
func NewCollector(store Store, secretKey []byte, log *slog.Logger) (*Collector, error) {
	key, err := hkdf.Key(sha256.New, secretKey, nil, "stile: callers in evidence, 1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of evidence: %w", err)
	}
	return &Collector{store: store, key: key, log: log, pending: map[name]*Entry{}}, nil
}

// WatchCalls lets the collector count admitted calls: used returns those of each tenant in the
// month of now. It is called whenever entries are written, so a call itself costs nothing here.
// Each process counts its own calls.
func (c *Collector) WatchCalls(used func(now time.Time) map[uint32]int64, now time.Time) {
	c.used, c.before = used, used(now)
}

// countCalls observes the calls that were admitted since it was called last. The caller holds
// c.writing.
func (c *Collector) countCalls(now time.Time) {
	if c.used == nil {
		return
	}
	after := c.used(now)
	for tenant, n := range after {
		if n < c.before[tenant] { // another month
			c.before[tenant] = 0
		}
		if more := n - c.before[tenant]; more > 0 {
			c.Note(tenant, Observation{At: now, Kind: Calls, N: more})
		}
	}
	c.before = after
}

// Note adds an observation about a tenant, and reports whether it is the first of its day, kind and
// key since the entries were written. It does no I/O.
func (c *Collector) Note(tenant uint32, o Observation) (first bool) {
	if tenant == 0 {
		return false
	}
	var hash uint64
	if o.Caller != "" {
		hash = c.hash(o.Caller)
	}
	at := o.At.UTC().Truncate(time.Second)
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry(name{tenant, DayOf(at), o.Kind, clip(o.Key, maxKey)}, at)
	first = e.Count == 0
	e.Count += max(o.N, 1)
	if e.Last = at; e.Ref == "" {
		e.Ref = o.Ref
	}
	if o.Note != "" {
		e.Note = clip(o.Note, maxNote)
	}
	switch {
	case o.Caller == "":
	case o.Kind == Issued || o.Kind == Bound:
		e.Many = e.Many.with(hash)
	default:
		e.Few = e.Few.with(uint32(hash))
	}
	return first
}

// entry returns the entry of a name, or of Others if there is no space for it. The caller holds
// c.mu.
func (c *Collector) entry(n name, at time.Time) *Entry {
	e := c.pending[n]
	if e == nil && len(c.pending) >= maxPending {
		n.key = Others
		e = c.pending[n]
	}
	if e == nil {
		e = &Entry{Tenant: n.tenant, Day: n.day, Kind: n.kind, Key: n.key, First: at}
		c.pending[n] = e
	}
	return e
}

// hash names a caller. Without the key, a hash says nothing, although there are few addresses.
func (c *Collector) hash(caller string) uint64 {
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(caller))
	return binary.BigEndian.Uint64(mac.Sum(nil))
}

// Flush adds what was observed to the store.
func (c *Collector) Flush(ctx context.Context, now time.Time) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.countCalls(now)
	c.mu.Lock()
	pending := c.pending
	c.pending = map[name]*Entry{}
	c.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	some := make([]Entry, 0, len(pending))
	for _, e := range pending {
		some = append(some, *e)
	}
	return c.store.AddEvidence(ctx, some)
}

// Run writes what was observed until ctx is done, and then the rest. It removes what is older than
// [Keep] at the start and every hour.
func (c *Collector) Run(ctx context.Context, now func() time.Time) {
	write, prune := time.NewTicker(writeEvery), time.NewTicker(pruneEvery)
	defer write.Stop()
	defer prune.Stop()
	c.prune(ctx, now())
	for {
		select {
		case <-write.C:
			c.flush(ctx, now())
		case <-prune.C:
			c.prune(ctx, now())
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			c.flush(last, now())
			return
		}
	}
}

func (c *Collector) flush(ctx context.Context, now time.Time) {
	if err := c.Flush(ctx, now); err != nil {
		c.log.Warn("can't store evidence for stile doctor", "err", err)
	}
}

func (c *Collector) prune(ctx context.Context, now time.Time) {
	if err := c.store.PruneEvidence(ctx, DayOf(now)-Keep+1); err != nil {
		c.log.Warn("can't remove old evidence", "err", err)
	}
}

// Of returns the entries of a tenant of the days that are kept, with what was observed until now.
func (c *Collector) Of(ctx context.Context, tenant uint32, now time.Time) ([]Entry, error) {
	if err := c.Flush(ctx, now); err != nil {
		return nil, err
	}
	return c.store.Evidence(ctx, tenant, DayOf(now)-Keep+1)
}

// Traffic returns the calls and the refusals of each tenant on the days that are kept.
func (c *Collector) Traffic(ctx context.Context, now time.Time) (map[uint32]Traffic, error) {
	if err := c.Flush(ctx, now); err != nil {
		return nil, err
	}
	return c.store.EvidenceTraffic(ctx, DayOf(now)-Keep+1)
}
