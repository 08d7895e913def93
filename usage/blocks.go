package usage

import (
	"context"
	"errors"
	"time"
)

// Block is a part of a month's quota that one node may use.
type Block struct {
	Origin uint64 // which count of the month it was taken from
	Calls  int64
}

// Blocks gives the calls of months' quotas to nodes. Months are counted since the year 0.
type Blocks interface {
	// Take takes a block of a quota. A block without calls means that nothing is left. used is what
	// the ledger is known to have, which may be more than was taken: a tenant may have had no quota
	// for a while.
	Take(ctx context.Context, tenant uint32, month int32, limit, used int64) (Block, error)
	// Return returns calls that were not used.
	Return(ctx context.Context, tenant uint32, month int32, b Block) error
	// IsValid reports whether the calls of a block may still be used: its quota was not lost and
	// counted again.
	IsValid(ctx context.Context, tenant uint32, month int32, b Block) (bool, error)
	// UsedIn returns the calls of each tenant in a month that are in the ledger.
	UsedIn(ctx context.Context, month int32) (map[uint32]int64, error)
}

const (
	blocksEvery = time.Second     // how often Run checks the blocks
	refreshOnce = 3               // of so many checks, Run reads what other nodes used
	idleBlock   = 2 * time.Second // after that long without a call, the rest of a block is returned
	emptyFor    = time.Second     // how long a quota of which nothing was left is not tried again
	takeWithin  = 3 * time.Second // how long taking a block may last
	atOnce      = 16              // blocks that are checked or returned at the same time
	validFor    = 2500 * time.Millisecond
)

// share is what this node has of a tenant's quota of a month. A call that is reserved is no longer
// in the block.
type share struct {
	block     Block
	reserved  int64     // calls of the block that are reserved
	foreign   int64     // reserved calls of earlier blocks, which must not return to this one
	recent    int64     // calls used since the ledger was read
	validAt   time.Time // when the block was last known to be valid
	usedAt    time.Time // when a call was last reserved
	emptyAt   time.Time // when nothing was left
	taking    *event    // its end; nil: no block is being taken
	isRenewed bool      // a block was taken since the check began
}

// UseBlocks makes the Meter take calls of quotas in blocks, which several nodes share. It must be
// called before the Meter is used.
//
// A block is used only while it is known to be valid: if the counts of the quotas are lost, no node
// uses what it has taken before. A block that a killed node had is lost for the month: at most a
// hundredth of what was left when it was taken.
func (m *Meter) UseBlocks(b Blocks, now func() time.Time) {
	m.blocks, m.now, m.shares = b, now, map[account]*share{}
}

// reserveOfBlock reserves a call of the block, if it has one. Otherwise a block must be taken, and
// the answer is not decided until that has ended. The caller holds mu.
func (m *Meter) reserveOfBlock(a account, limit int64) (answer Answer, taking *event) {
	s := m.shares[a]
	if s == nil {
		s = &share{}
		m.shares[a] = s
	}
	now := m.now()
	switch {
	case s.block.Calls > 0 && now.Sub(s.validAt) < validFor:
		s.block.Calls--
		s.reserved++
		s.usedAt = now
		m.change(a, 0, 1)
		return Reserved, nil
	case s.taking != nil:
		return Exhausted, s.taking
	case now.Sub(s.emptyAt) < emptyFor && s.reserved > 0:
		return Waiting, nil
	case now.Sub(s.emptyAt) < emptyFor:
		return Exhausted, nil
	}
	s.taking = newEvent()
	go m.take(a, s, limit, m.calls[a].ledger)
	return Exhausted, s.taking
}

// take takes a block for all calls that wait for one, so it does not end with any of them. If it
// fails, they all fail: if each tried again, the last would wait for all others.
func (m *Meter) take(a account, s *share, limit, used int64) {
	ctx, cancel := context.WithTimeout(context.Background(), takeWithin)
	defer cancel()
	began := m.now()
	b, err := m.blocks.Take(ctx, a.tenant, a.month, limit, used)
	m.mu.Lock()
	defer m.mu.Unlock()
	s.taking.end(err)
	s.taking = nil
	switch {
	case err != nil:
		return
	case b.Calls == 0:
		s.emptyAt = m.now()
		return
	case s.block.Origin == b.Origin:
		b.Calls += s.block.Calls // it was not known to be valid, and is
	default:
		s.foreign, s.reserved = s.foreign+s.reserved, 0
	}
	s.block, s.validAt, s.isRenewed = b, began, true
}

// settle ends a reservation. It is not known whether that was of an earlier block. So it is counted
// as what gives nothing twice: calls of the present block are used first, and returned last.
func (s *share) settle(used int64) {
	switch {
	case s == nil:
	case used > 0:
		s.reserved = max(s.reserved-1, 0)
		s.recent += used
	case s.foreign > 0:
		s.foreign--
	case s.reserved > 0:
		s.reserved--
		s.block.Calls++
	}
}

// IsExhausted reports whether the quota of a month is known to be used up.
func (m *Meter) IsExhausted(tenant uint32, limit int64, now time.Time) bool {
	if limit <= 0 {
		return false
	}
	a := open(tenant, now)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blocks == nil {
		return m.calls[a].used >= limit
	}
	s := m.shares[a]
	return s != nil && s.block.Calls+s.reserved == 0 && m.now().Sub(s.emptyAt) < emptyFor
}

// Run keeps the blocks valid, returns those that are not used, and reads what other nodes used,
// until ctx ends. Then it returns all blocks, which takes at most stop.
func (m *Meter) Run(ctx context.Context, stop time.Duration, report func(error)) {
	if m.blocks == nil {
		return
	}
	tick := time.NewTicker(blocksEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stop)
			defer cancel()
			report(m.giveBack(last, func(*share) bool { return true }))
			return
		case <-tick.C:
		}
		at, cancel := context.WithTimeout(ctx, 2*blocksEvery)
		err := errors.Join(m.confirm(at), m.giveBack(at, m.isIdle))
		if n%refreshOnce == 0 {
			err = errors.Join(err, m.Refresh(at))
		}
		cancel()
		if ctx.Err() == nil {
			report(err)
		}
	}
}

// isIdle reports whether no call of a share was reserved recently. The caller holds mu.
func (m *Meter) isIdle(s *share) bool { return m.now().Sub(s.usedAt) >= idleBlock }

// each calls fn for the accounts with a block, without the lock, for several at the same time.
func (m *Meter) each(has func(*share) bool, fn func(account, Block) error) error {
	m.mu.Lock()
	found := map[account]Block{}
	for a, s := range m.shares {
		if s.block.Calls > 0 && has(s) {
			found[a] = s.block
			s.isRenewed = false
		}
	}
	m.mu.Unlock()
	errs := make(chan error, len(found))
	places := make(chan struct{}, atOnce)
	for a, b := range found {
		places <- struct{}{}
		go func() {
			defer func() { <-places }()
			errs <- fn(a, b)
		}()
	}
	var failed error
	for range found {
		if err := <-errs; failed == nil {
			failed = err
		}
	}
	return failed
}

// confirm checks that the blocks are valid, and drops the others.
func (m *Meter) confirm(ctx context.Context) error {
	return m.each(func(*share) bool { return true }, func(a account, b Block) error {
		began := m.now()
		valid, err := m.blocks.IsValid(ctx, a.tenant, a.month, b)
		m.mu.Lock()
		defer m.mu.Unlock()
		switch s := m.shares[a]; {
		case err != nil || s.isRenewed:
		case valid:
			s.validAt = began
		default:
			s.foreign, s.reserved, s.block = s.foreign+s.reserved, 0, Block{}
		}
		return err
	})
}

// giveBack returns the rest of the blocks that has chooses. A return whose end is unknown is not
// repeated: calls may be lost for the month, and are never given twice.
func (m *Meter) giveBack(ctx context.Context, has func(*share) bool) error {
	return m.each(has, func(a account, b Block) error {
		m.mu.Lock()
		s := m.shares[a]
		b = s.block
		s.block.Calls = 0
		m.mu.Unlock()
		if b.Calls == 0 {
			return nil
		}
		return m.blocks.Return(ctx, a.tenant, a.month, b)
	})
}

// Refresh reads what all nodes used in the months that this node has counted, from the ledger. It
// has the calls of the last second or two later, unless all nodes have just copied what they
// counted. Without blocks, this process counts everything itself, and Refresh does nothing.
func (m *Meter) Refresh(ctx context.Context) error {
	if m.blocks == nil {
		return nil
	}
	m.refreshing.Lock() // an earlier state of the ledger must not replace a later one
	defer m.refreshing.Unlock()
	for _, month := range m.months() {
		used, err := m.blocks.UsedIn(ctx, month)
		if err != nil {
			return err
		}
		m.mu.Lock()
		for tenant, n := range used {
			m.raise(account{month, tenant}, n)
		}
		m.mu.Unlock()
	}
	return nil
}

// raise sets what was used to what the ledger has, and what this node has used since. The caller
// holds mu.
func (m *Meter) raise(a account, ledger int64) {
	recent := int64(0)
	if s := m.shares[a]; s != nil {
		recent, s.recent = s.recent, 0
	}
	c := m.calls[a]
	c.used, c.ledger = max(ledger, min(c.used, ledger+recent)), ledger
	m.put(a, c)
}

// months returns the latest two months that were counted.
func (m *Meter) months() []int32 {
	last := open(0, m.now()).month
	return []int32{last - 1, last}
}
