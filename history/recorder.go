package history

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"stile.example/stile/tokens"
)

const (
	every      = 5 * time.Second // how often counts are added to the store
	maxTenants = 1000            // of one minute that have points of their own
	maxPending = 6 * (maxTenants + 1)
	parts      = 16
)

// Recorder counts. Its counting methods never wait for the store, and may be called concurrently. A
// nil Recorder counts nothing.
type Recorder struct {
	store Store
	log   *slog.Logger
	// Gauges returns the gauges of each tenant, and of all under "". It is called every minute. Nil:
	// there are none.
	Gauges func(context.Context) (map[string]Counts, error)

	parts [parts]part
	open  openChallenges

	mu      sync.Mutex // guards the fields below; held while the store is used
	pending map[key]Counts
	minute  time.Time
	tenants map[string]bool // that have points in the minute
}

// NewRecorder returns a Recorder that writes to store while [Recorder.Run] runs.
func NewRecorder(store Store, log *slog.Logger) *Recorder {
	r := &Recorder{store: store, log: log, pending: map[key]Counts{}, tenants: map[string]bool{}}
	r.open.of = map[tokens.ID]openChallenge{}
	for i := range r.parts {
		r.parts[i].tallies = map[string]*tally{}
	}
	return r
}

// key identifies a point.
type key struct {
	step   Step
	tenant string
	at     time.Time
}

// part is a part of the counts. Each count goes to a random part, so a lock is almost always free.
type part struct {
	mu      sync.Mutex
	tallies map[string]*tally // by tenant
	_       [40]byte          // a part has a cache line of its own
}

// tally is the counts of a tenant since the last collection.
type tally struct {
	calls   [tokens.Routes]int64
	latency [buckets]int64
	others  map[Name]int64
}

// add calls fn with the tally of a tenant.
func (r *Recorder) add(tenant string, fn func(*tally)) {
	p := &r.parts[rand.Uint32()%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tallies[tenant]
	if t == nil {
		t = &tally{others: map[Name]int64{}}
		p.tallies[tenant] = t
	}
	fn(t)
}

func (r *Recorder) count(tenant string, n Name) {
	r.add(tenant, func(t *tally) { t.others[n]++ })
}

// Called counts an admitted call.
func (r *Recorder) Called(tenant string, route tokens.Route, took time.Duration) {
	if r == nil {
		return
	}
	bucket := bucketOf(took)
	r.add(tenant, func(t *tally) { t.calls[route]++; t.latency[bucket]++ })
}

// Refused counts a refusal. tenant must exist or be "".
func (r *Recorder) Refused(tenant, code string) {
	if r != nil {
		r.count(tenant, refusalName(code))
	}
}

// Observed counts a request that was admitted because the rule against it is only observed. tenant
// must exist or be "".
func (r *Recorder) Observed(tenant, code string) {
	if r != nil {
		r.count(tenant, observedName(code))
	}
}

// Stepped counts what an event did to its token, whether it was admitted or not.
func (r *Recorder) Stepped(tenant string, id tokens.ID, v *tokens.Verdict, e tokens.Event, at time.Time) {
	if r == nil {
		return
	}
	if v.NewlyBound {
		r.count(tenant, bindingName(v.State.Bound.Kind))
	}
	_, reloaded := e.(tokens.Reload)
	_, answered := e.(tokens.Answer)
	switch died := v.State.Dead != tokens.None; {
	case v.ChallengeIssued:
		if !reloaded {
			r.count(tenant, challengeName(v.State.OpenChallenge.Kind, "asked"))
		}
		r.leftOpen(r.open.put(id, openChallenge{tenant, v.State.OpenChallenge.Kind, v.State.OpenChallenge.Expires}, at))
	case died:
		if c, was := r.open.drop(id); was && !answered {
			r.leftOpen([]openChallenge{c})
		}
	}
}

// Answered counts what happened to a challenge of a token: it was solved, failed or reloaded.
func (r *Recorder) Answered(tenant string, id tokens.ID, k tokens.Kind, result string) {
	if r == nil {
		return
	}
	if result == "solved" {
		r.open.drop(id)
	}
	r.count(tenant, challengeName(k, result))
}

func (r *Recorder) leftOpen(all []openChallenge) {
	for _, c := range all {
		r.count(c.tenant, challengeName(c.kind, "left_open"))
	}
}

// collect moves the counts of the parts to those that wait for the store. They belong to the minute
// of at. r.mu must be held.
func (r *Recorder) collect(at time.Time) {
	if minute := Minute.start(at); !minute.Equal(r.minute) {
		r.minute = minute
		clear(r.tenants)
	}
	for i := range r.parts {
		p := &r.parts[i]
		p.mu.Lock()
		tallies := p.tallies
		p.tallies = make(map[string]*tally, len(tallies))
		p.mu.Unlock()
		for tenant, t := range tallies {
			r.wait(tenant, t.counts())
		}
	}
}

// wait adds counts of a tenant in the current minute to those that wait for the store.
func (r *Recorder) wait(tenant string, c Counts) {
	r.put("", r.minute, c)
	if tenant != "" && (r.tenants[tenant] || len(r.tenants) < maxTenants) {
		r.tenants[tenant] = true
		r.put(tenant, r.minute, c)
	}
}

// put adds counts of a time to the points that wait for the store. r.mu must be held.
func (r *Recorder) put(tenant string, at time.Time, c Counts) {
	for step := range keep {
		k := key{step, tenant, step.start(at)}
		if r.pending[k] == nil {
			r.pending[k] = Counts{}
		}
		r.pending[k].Add(c)
	}
}

func (t *tally) counts() Counts {
	c := Counts(t.others)
	for route, n := range t.calls {
		if n > 0 {
			c[callName(tokens.Route(route))] = n
		}
	}
	for bucket, n := range t.latency {
		if n > 0 {
			c[latencyName(bucket)] = n
		}
	}
	return c
}

// Flush adds what was counted to the store. Counts that can't be written wait for the next time.
func (r *Recorder) Flush(ctx context.Context, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collect(now.Add(-every / 2))
	for points := range slices.Chunk(r.waiting(), perStep) {
		if err := r.store.AddHistory(ctx, points); err != nil {
			r.log.Warn("can't store the history", "err", err)
			r.bound()
			return
		}
		for _, p := range points {
			delete(r.pending, key{p.Step, p.Tenant, p.At})
		}
	}
}

// perStep is how many points are written in one transaction, so that calls do not wait longer.
const perStep = 64

// waiting returns the points that wait for the store.
func (r *Recorder) waiting() (points []Point) {
	for k, c := range r.pending {
		points = append(points, Point{k.step, k.tenant, k.at, c})
	}
	return points
}

// bound drops the oldest points if too many wait because the store does not work.
func (r *Recorder) bound() {
	keys := slices.SortedFunc(maps.Keys(r.pending), func(a, b key) int { return a.at.Compare(b.at) })
	for _, k := range keys[:max(0, len(keys)-maxPending)] {
		delete(r.pending, k)
	}
}

// Points returns the points that q selects, the oldest first, with what is not stored yet.
func (r *Recorder) Points(ctx context.Context, q Query, now time.Time) ([]Point, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collect(now)
	points, err := r.store.History(ctx, q)
	if err != nil {
		return nil, err
	}
	at := map[time.Time]Counts{}
	for _, p := range points {
		at[p.At] = p.Counts
	}
	for k, c := range r.pending {
		if k.step != q.Step || k.tenant != q.Tenant || k.at.Before(q.From) || !k.at.Before(q.To) {
			continue
		}
		if at[k.at] == nil {
			at[k.at] = Counts{}
			points = append(points, Point{k.step, k.tenant, k.at, at[k.at]})
		}
		at[k.at].Add(c)
	}
	slices.SortFunc(points, func(a, b Point) int { return a.At.Compare(b.At) })
	return points, nil
}

// Run adds counts to the store until ctx is done, and then those that remain. It samples the gauges
// every minute, and removes old points every hour.
func (r *Recorder) Run(ctx context.Context, now func() time.Time) {
	r.prune(ctx, now())
	minute, hour := time.Time{}, Hour.start(now())
	for {
		wait := time.NewTimer(every - time.Duration(now().UnixNano()%int64(every)))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			r.Flush(last, now())
			return
		}
		at := now()
		if m := Minute.start(at); !m.Equal(minute) {
			minute = m
			r.leftOpen(r.open.expire(at))
			r.sample(ctx, at)
		}
		r.Flush(ctx, at)
		if h := Hour.start(at); !h.Equal(hour) {
			hour = h
			r.prune(ctx, at)
		}
	}
}

// sample stores the gauges in the minute of at.
func (r *Recorder) sample(ctx context.Context, at time.Time) {
	if r.Gauges == nil {
		return
	}
	all, err := r.Gauges(ctx)
	if err != nil {
		r.log.Warn("can't store the history of tokens and addresses", "err", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collect(at.Add(-every / 2))
	for tenant, c := range all {
		if tenant == "" || r.tenants[tenant] || len(r.tenants) < maxTenants {
			r.put(tenant, at, c)
		}
	}
}

func (r *Recorder) prune(ctx context.Context, now time.Time) {
	for step, long := range keep {
		if err := r.store.PruneHistory(ctx, step, step.start(now.Add(-long))); err != nil {
			r.log.Warn("can't remove old history", "err", err)
		}
	}
}
