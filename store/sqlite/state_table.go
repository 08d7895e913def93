package sqlite

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"stile.example/stile/tokens"
)

// stateTable holds the states that are in use. Only the writer changes it, and only
// [stateTable.peek] reads it on other goroutines. So the writer reads without a lock, and locks
// what it changes. The table consists of many small maps, so that walking one of them takes a
// millisecond. States contain no pointers and are in chunks of 4 KiB, so they cost the garbage
// collector almost nothing: with a million of them, a full collection takes 4 ms, and with pointers
// it took 256 ms.
type stateTable struct {
	shards [256]shard
	locks  [256]sync.RWMutex // of each shard: held to change it, and to read it outside the writer
	keep   time.Duration     // how long a state may be idle
	most   int               // states of a shard, beyond which the longest unused are evicted
	turn   uint8             // the shard whose idle states are evicted next
	live   atomic.Int64      // states of tokens that are not dead
	layout uint32            // how often slots have moved
}

// shard holds the states of the ids that begin with one byte.
type shard struct {
	index     map[tokens.ID]uint32
	chunks    []*[perChunk]slot
	free      []uint32 // slots that were dropped
	most      int
	evictedAt uint32 // when its idle states were evicted, Unix seconds
}

const perChunk = 4096 / uint32(unsafe.Sizeof(slot{}))

type slot struct {
	id      tokens.ID
	state   tokens.State
	used    uint32 // Unix seconds
	listed  uint32 // the last use that its row has; 0: not known, or there is no row
	dirty   bool   // newer than its row
	touched bool   // changed by the batch that is being written
}

func newStateTable(keep time.Duration, most int) *stateTable {
	return &stateTable{keep: keep, most: max(1, most/256)}
}

// find returns the slot of id, or nil. The slot is valid until layout changes.
func (m *stateTable) find(id tokens.ID) *slot {
	sh := &m.shards[id[0]]
	if i, ok := sh.index[id]; ok {
		return sh.slot(i)
	}
	return nil
}

// peek returns the state of id, if it is in memory. The state may belong to a batch that is not
// committed yet. Any goroutine may call peek.
func (m *stateTable) peek(id tokens.ID) (tokens.State, bool) {
	m.locks[id[0]].RLock()
	defer m.locks[id[0]].RUnlock()
	if sl := m.find(id); sl != nil {
		return sl.state, true
	}
	return tokens.State{}, false
}

// put makes a slot for id, which must not have one.
func (m *stateTable) put(id tokens.ID, s tokens.State, now uint32) *slot {
	sh := &m.shards[id[0]]
	if len(sh.index) >= max(sh.most, m.most) {
		m.evictColdest(id[0])
	}
	m.count(tokens.State{}, s)
	m.locks[id[0]].Lock()
	defer m.locks[id[0]].Unlock()
	return sh.add(slot{id: id, state: s, used: now})
}

// assign changes the state in a slot.
func (m *stateTable) assign(sl *slot, s tokens.State) {
	m.count(sl.state, s)
	m.locks[sl.id[0]].Lock()
	sl.state = s
	m.locks[sl.id[0]].Unlock()
}

// drop removes id.
func (m *stateTable) drop(id tokens.ID) {
	sh := &m.shards[id[0]]
	if i, ok := sh.index[id]; ok {
		m.assign(sh.slot(i), tokens.State{})
		m.locks[id[0]].Lock()
		defer m.locks[id[0]].Unlock()
		delete(sh.index, id)
		sh.free = append(sh.free, i)
	}
}

// evictIdle evicts the idle states of one shard, if that was not done recently. Repeated calls
// reach every shard.
func (m *stateTable) evictIdle(now uint32) {
	sh := &m.shards[m.turn]
	m.turn++
	keep, since := int64(m.keep/time.Second), int64(now)-int64(sh.evictedAt)
	if since >= 0 && since <= keep/2 {
		return
	}
	sh.evictedAt = now
	m.rebuild(m.turn-1, func(sl *slot) bool { return int64(now)-int64(sl.used) <= keep })
}

// evictColdest evicts all states of a full shard except the half that was used last. All dirty
// states stay, so the shard may grow for a while.
func (m *stateTable) evictColdest(n uint8) {
	sh := &m.shards[n]
	used := make([]uint32, 0, len(sh.index))
	for _, i := range sh.index {
		used = append(used, sh.slot(i).used)
	}
	slices.Sort(used)
	last := used[max(0, len(used)-1-m.most/2)]
	m.rebuild(n, func(sl *slot) bool { return sl.used > last })
	sh.most = 2 * len(sh.index)
}

// rebuild replaces a shard by one that has only the slots that are dirty or for which keep returns
// true. Deleting from the map would not free its memory.
func (m *stateTable) rebuild(n uint8, keep func(*slot) bool) {
	sh := &m.shards[n]
	kept := shard{most: sh.most, evictedAt: sh.evictedAt}
	for _, i := range sh.index {
		if sl := sh.slot(i); sl.dirty || keep(sl) {
			kept.add(*sl)
		} else {
			m.count(sl.state, tokens.State{})
		}
	}
	m.locks[n].Lock()
	*sh = kept
	m.locks[n].Unlock()
	m.layout++
}

// count updates live for a state that changed.
func (m *stateTable) count(old, s tokens.State) {
	if was, is := liveCount(old), liveCount(s); was != is {
		m.live.Add(int64(is - was))
	}
}

// liveCount returns 1 for the state of a token that is not dead, and 0 for others.
func liveCount(s tokens.State) int {
	if s.Dead == tokens.None && s != (tokens.State{}) {
		return 1
	}
	return 0
}

func (sh *shard) slot(i uint32) *slot { return &sh.chunks[i/perChunk][i%perChunk] }

func (sh *shard) add(sl slot) *slot {
	i := uint32(len(sh.index))
	if n := len(sh.free); n > 0 {
		i, sh.free = sh.free[n-1], sh.free[:n-1]
	} else if i%perChunk == 0 {
		sh.chunks = append(sh.chunks, new([perChunk]slot))
	}
	if sh.index == nil {
		sh.index = make(map[tokens.ID]uint32)
	}
	sh.index[sl.id] = i
	*sh.slot(i) = sl
	return sh.slot(i)
}
