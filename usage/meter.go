package usage

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Store returns what was used.
type Store interface {
	// Usage returns what a tenant ("" for all) used from one day to another, both included ("" for
	// no bound). That is the sum of the ledger and the tokens.
	Usage(ctx context.Context, tenant, from, to string) ([]Line, error)
}

// Meter counts each tenant's calls by UTC month, in memory, for its quota. It starts from the
// counts in the store, so a restart does not reset a month. The zero Meter has counted nothing. Its
// methods are safe for concurrent use.
//
// If several nodes serve a tenant, each takes calls of the quota in blocks: see [Meter.UseBlocks].
//
// It has one number for each tenant and month, and never drops one. That takes little memory, and
// so a clock that is wrong for a while can't reset a month.
type Meter struct {
	mu      sync.Mutex
	calls   map[account]count
	settled map[account]*event // the end of the next reservation, if a call waits for it

	blocks Blocks             // nil: this process is alone
	now    func() time.Time   // of the blocks
	shares map[account]*share // of months with a quota, if there are blocks

	refreshing sync.Mutex // is held while the ledger is read
}

// count is what a tenant has used and reserved in a month.
type count struct {
	used, reserved int64
	counted        int64 // of used, what this process has counted itself
	ledger         int64 // used, as the ledger was last read; 0 if this process is alone
}

type account struct {
	month  int32 // since the year 0
	tenant uint32
}

func open(tenant uint32, t time.Time) account {
	t = t.UTC()
	return account{int32(t.Year())*12 + int32(t.Month()), tenant}
}

// OpenMeter reads the month of now, and the one before. If nothing was used then, the clock may be
// ahead, as on a machine that does not know the time yet: then it reads all months, so that a clock
// that is set right later does not reset one. number returns the number of a tenant's name; lines
// of removed tenants are skipped.
func OpenMeter(ctx context.Context, store Store, number func(clientID string) (uint32, bool), now time.Time) (*Meter, error) {
	y, m, _ := now.UTC().Date()
	lines, err := store.Usage(ctx, "", Day(time.Date(y, m-1, 1, 0, 0, 0, 0, time.UTC)), "")
	if err == nil && len(lines) == 0 {
		lines, err = store.Usage(ctx, "", "", "")
	}
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	meter := &Meter{}
	for _, l := range lines {
		day, err := time.Parse(time.DateOnly, l.Day)
		if err != nil {
			return nil, fmt.Errorf("read usage: invalid day %q", l.Day)
		}
		if n, ok := number(l.Tenant); ok {
			meter.change(open(n, day), l.Calls, 0)
		}
	}
	return meter, nil
}

// Answer is the result of [Meter.Reserve] and [Meter.Claim]. The zero Answer refuses.
type Answer uint8

// The answers.
const (
	Exhausted Answer = iota // the month's calls are used up
	Reserved                // a call is reserved
	Waiting                 // the remaining calls are reserved by calls that are not decided yet
)

// Reserve reserves one call of a tenant that may have limit calls a month (0: no limit). The caller
// must call [Meter.Use] or [Meter.Release] afterwards. A reservation should last only while the
// call is decided, because other calls can't use it.
func (m *Meter) Reserve(tenant uint32, limit int64, now time.Time) Answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reserve(open(tenant, now), limit)
}

// reserve is Reserve. The caller holds mu.
func (m *Meter) reserve(a account, limit int64) Answer {
	switch c := m.calls[a]; {
	case limit > 0 && c.used >= limit:
		return Exhausted
	case limit > 0 && c.used+c.reserved >= limit:
		return Waiting
	}
	m.change(a, 0, 1)
	return Reserved
}

// Claim is [Meter.Reserve] for a call that can wait. If other calls have reserved the last of the
// quota, it waits until they are decided, because they may return it. It answers Waiting only if
// ctx ends before. If nodes share the quota, it takes a block when it needs one. After an error
// nothing is reserved.
func (m *Meter) Claim(ctx context.Context, tenant uint32, limit int64, now time.Time) (Answer, error) {
	a := open(tenant, now)
	for {
		answer, next := m.claim(a, limit)
		if next == nil {
			return answer, nil
		}
		select {
		case <-next.done:
			if next.err != nil {
				return Exhausted, next.err
			}
		case <-ctx.Done():
			if answer == Waiting {
				return Waiting, nil
			}
			return Exhausted, fmt.Errorf("wait for a block of the quota: %w", ctx.Err())
		}
	}
}

// claim reserves a call, if that can be decided now. Otherwise it returns what to wait for.
func (m *Meter) claim(a account, limit int64) (answer Answer, next *event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blocks == nil || limit <= 0 {
		answer = m.reserve(a, limit)
	} else {
		answer, next = m.reserveOfBlock(a, limit)
	}
	if answer == Waiting {
		next = m.nextSettled(a)
	}
	return answer, next
}

// event is something that calls wait for.
type event struct {
	done chan struct{} // closed at its end
	err  error         // set before
}

func newEvent() *event { return &event{done: make(chan struct{})} }

func (e *event) end(err error) {
	e.err = err
	close(e.done)
}

// nextSettled returns the end of the next reservation. The caller holds mu.
func (m *Meter) nextSettled(a account) *event {
	if m.settled == nil {
		m.settled = make(map[account]*event)
	}
	if m.settled[a] == nil {
		m.settled[a] = newEvent()
	}
	return m.settled[a]
}

// Use counts a reserved call that was admitted. now is the time of the reservation, because another
// month may have started since.
func (m *Meter) Use(tenant uint32, now time.Time) { m.settle(open(tenant, now), 1) }

// Release returns a reserved call. now is the time of the reservation.
func (m *Meter) Release(tenant uint32, now time.Time) { m.settle(open(tenant, now), 0) }

// settle ends a reservation, and counts used calls.
func (m *Meter) settle(a account, used int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls[a].reserved > 0 {
		m.change(a, used, -1)
		c := m.calls[a]
		c.counted += used
		m.put(a, c)
		m.shares[a].settle(used)
	}
	if e := m.settled[a]; e != nil {
		e.end(nil)
		delete(m.settled, a)
	}
}

// change adds to the counts. The caller holds mu.
func (m *Meter) change(a account, used, reserved int64) {
	c := m.calls[a]
	c.used, c.reserved = c.used+used, c.reserved+reserved
	m.put(a, c)
}

// put replaces counts. The caller holds mu.
func (m *Meter) put(a account, c count) {
	if m.calls == nil {
		m.calls = make(map[account]count)
	}
	m.calls[a] = c
}

// Used returns the number of calls that a tenant has used in the month of now.
func (m *Meter) Used(tenant uint32, now time.Time) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[open(tenant, now)].used
}

// Counted returns the number of calls in the month of now that this process has counted since it
// started. Other nodes count theirs.
func (m *Meter) Counted(tenant uint32, now time.Time) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[open(tenant, now)].counted
}
