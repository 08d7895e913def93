package usage

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Store reads what was used.
type Store interface {
	// Usage is what a tenant ("" for all) used from one day to another, both
	// included ("" for no bound): the ledger and the live tokens together.
	Usage(ctx context.Context, tenant, from, to string) ([]Line, error)
}

// Meter counts each tenant's calls by UTC month, in memory, for its quota. It
// starts from what the store knows: a restart gives nobody a new month. The
// zero Meter has counted nothing. Its methods may be called at once from many
// goroutines.
//
// It keeps one number for a tenant and month, and forgets none: that is little,
// and so a clock that is wrong for a while cannot empty a month.
type Meter struct {
	mu    sync.Mutex
	calls map[account]count
}

// count is what a tenant has used in a month, and what it has reserved.
type count struct{ used, reserved int64 }

type account struct {
	month  int32 // since the year 0
	tenant uint32
}

func open(tenant uint32, t time.Time) account {
	t = t.UTC()
	return account{int32(t.Year())*12 + int32(t.Month()), tenant}
}

// OpenMeter reads the month of now, and the one before it. number is the
// number of a client_id; lines of tenants that are gone are passed over.
func OpenMeter(ctx context.Context, store Store, number func(clientID string) (uint32, bool), now time.Time) (*Meter, error) {
	y, m, _ := now.UTC().Date()
	lines, err := store.Usage(ctx, "", Day(time.Date(y, m-1, 1, 0, 0, 0, 0, time.UTC)), "")
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	meter := &Meter{calls: make(map[account]count)}
	for _, l := range lines {
		day, err := time.Parse(time.DateOnly, l.Day)
		if err != nil {
			return nil, fmt.Errorf("read usage: day %q", l.Day)
		}
		if n, ok := number(l.Tenant); ok {
			meter.change(open(n, day), l.Calls, 0)
		}
	}
	return meter, nil
}

// Answer is what [Meter.Reserve] says. The zero Answer refuses.
type Answer uint8

// The answers.
const (
	Exhausted Answer = iota // the month's calls are used up
	Reserved                // one is reserved
	Waiting                 // those that are left are reserved by calls that are not decided yet
)

// Reserve takes one call of a tenant that may have limit calls a month (0: no
// limit). What was reserved must be given to [Meter.Use] or [Meter.Release].
// It is meant for the moment in which a call is decided: what is reserved is
// missing to others.
func (m *Meter) Reserve(tenant uint32, limit int64, now time.Time) Answer {
	a := open(tenant, now)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch c := m.calls[a]; {
	case limit > 0 && c.used >= limit:
		return Exhausted
	case limit > 0 && c.used+c.reserved >= limit:
		return Waiting
	}
	m.change(a, 0, 1)
	return Reserved
}

// Use says that a reserved call was admitted. now is the time that it was
// reserved at: another month may have begun since.
func (m *Meter) Use(tenant uint32, now time.Time) { m.settle(open(tenant, now), 1) }

// Release gives a reserved call back. now is the time that it was reserved at.
func (m *Meter) Release(tenant uint32, now time.Time) { m.settle(open(tenant, now), 0) }

// settle ends a reservation, of which used calls were used.
func (m *Meter) settle(a account, used int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls[a].reserved > 0 {
		m.change(a, used, -1)
	}
}

// change is called with mu held.
func (m *Meter) change(a account, used, reserved int64) {
	if m.calls == nil {
		m.calls = make(map[account]count)
	}
	c := m.calls[a]
	m.calls[a] = count{c.used + used, c.reserved + reserved}
}

// Used is how many calls a tenant has used in the month of now.
func (m *Meter) Used(tenant uint32, now time.Time) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[open(tenant, now)].used
}
