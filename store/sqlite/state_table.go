package sqlite

import (
	"encoding/binary"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"stile.example/stile/slots"
	"stile.example/stile/tokens"
)

// stateTable holds the states that are in use, packed, as of the last commit. Only the writer
// changes it, and only [stateTable.peek] reads it on other goroutines. So the writer reads without
// a lock, and locks what it changes. A state of an address-bound token takes 96 bytes, and one of a
// key-bound token 128, outside of the garbage collector's heap (TestMemoryOfAState).
type stateTable struct {
	shards [256]shard
	locks  [256]sync.RWMutex // of each shard: held to change it, and to read it outside the writer
	keep   time.Duration     // how long a state may be idle
	most   int               // states of a shard, beyond which the longest unused are evicted
	turn   uint8             // the shard whose idle states are evicted next
	live   atomic.Int64      // states of tokens that are not dead
}

// shard holds the states of the ids that begin with one byte: a table for each length of states.
type shard struct {
	sizes     [len(stateSizes)]*slots.Table // nil: empty
	most      int
	evictedAt uint32 // when its idle states were evicted, Unix seconds
}

// stateSizes is the lengths of packed states for which slots exist: an address-bound token's, a
// key-bound token's, and the maximum.
var stateSizes = [...]int{61, 93, tokens.MaxPacked}

// slot is the entry of a state: when it was last used, the last use that its row has (0: not known,
// or there is no row), flags, the length of the packed state, and that.
type slot []byte

const (
	slotHead = 4 + 4 + 1 + 1

	isDirty = 1 // the state is newer than its row
	isLive  = 2 // the token is not dead
)

func (s slot) used() uint32       { return binary.LittleEndian.Uint32(s) }
func (s slot) setUsed(at uint32)  { binary.LittleEndian.PutUint32(s, at) }
func (s slot) listed() uint32     { return binary.LittleEndian.Uint32(s[4:]) }
func (s slot) setListed(n uint32) { binary.LittleEndian.PutUint32(s[4:], n) }
func (s slot) isDirty() bool      { return s[8]&isDirty != 0 }
func (s slot) packed() []byte     { return s[slotHead : slotHead+int(s[9])] }

func (s slot) setDirty(dirty bool) {
	if s[8] &^= isDirty; dirty {
		s[8] |= isDirty
	}
}

// state returns the state. This process has packed it, or checked it, so it can be read.
func (s slot) state() tokens.State {
	state, err := tokens.DecodeState(s.packed())
	if err != nil {
		panic(err)
	}
	return state
}

func newStateTable(keep time.Duration, most int) *stateTable {
	return &stateTable{keep: keep, most: max(1, most/256)}
}

// find returns the slot of id, or nil. The slot is valid until the table changes.
func (m *stateTable) find(id tokens.ID) slot {
	_, sl := m.shards[id[0]].find(id)
	return sl
}

func (sh *shard) find(id tokens.ID) (*slots.Table, slot) {
	for _, t := range &sh.sizes {
		if t == nil {
			continue
		}
		if sl := t.Find(slots.Key(id)); sl != nil {
			return t, sl
		}
	}
	return nil, nil
}

// all returns the ids and slots of a shard.
func (sh *shard) all() iter.Seq2[tokens.ID, slot] {
	return func(yield func(tokens.ID, slot) bool) {
		for _, t := range &sh.sizes {
			if t == nil {
				continue
			}
			for key, entry := range t.All() {
				if !yield(tokens.ID(key), entry) {
					return
				}
			}
		}
	}
}

func (sh *shard) len() (n int) {
	for _, t := range &sh.sizes {
		if t != nil {
			n += t.Len()
		}
	}
	return n
}

// peek returns the state of id, if it is in memory. Any goroutine may call peek.
func (m *stateTable) peek(id tokens.ID) (tokens.State, bool) {
	m.locks[id[0]].RLock()
	defer m.locks[id[0]].RUnlock()
	if sl := m.find(id); sl != nil {
		return sl.state(), true
	}
	return tokens.State{}, false
}

// set stores a packed state, which is live or not, and returns its slot.
func (m *stateTable) set(id tokens.ID, packed []byte, live bool, now uint32) slot {
	sh := &m.shards[id[0]]
	old, sl := sh.find(id)
	if sl == nil && sh.len() >= max(sh.most, m.most) {
		m.evictColdest(id[0])
	}
	m.locks[id[0]].Lock()
	defer m.locks[id[0]].Unlock()
	switch to := sh.tableFor(len(packed)); {
	case sl == nil:
		sl = to.Add(slots.Key(id))
	case to != old:
		var head [slotHead]byte
		copy(head[:], sl)
		old.Remove(slots.Key(id))
		sl = to.Add(slots.Key(id))
		copy(sl, head[:])
	}
	m.count(sl, live)
	sl.setUsed(now)
	sl[9] = byte(len(packed))
	copy(sl[slotHead:], packed)
	return sl
}

// tableFor returns the table for packed states of a length.
func (sh *shard) tableFor(length int) *slots.Table {
	n := 0
	for stateSizes[n] < length {
		n++
	}
	if sh.sizes[n] == nil {
		sh.sizes[n] = slots.New((slots.Overhead + slotHead + stateSizes[n] + 3) &^ 3)
	}
	return sh.sizes[n]
}

// count notes whether a slot has the state of a token that is not dead.
func (m *stateTable) count(sl slot, live bool) {
	switch was := sl[8]&isLive != 0; {
	case live && !was:
		m.live.Add(1)
	case !live && was:
		m.live.Add(-1)
	}
	if sl[8] &^= isLive; live {
		sl[8] |= isLive
	}
}

// isAlive reports whether a state is that of a token that is not dead.
func isAlive(s *tokens.State) bool { return s.Dead == tokens.None && *s != tokens.State{} }

// drop removes id.
func (m *stateTable) drop(id tokens.ID) {
	m.locks[id[0]].Lock()
	defer m.locks[id[0]].Unlock()
	if t, sl := m.shards[id[0]].find(id); sl != nil {
		m.count(sl, false)
		t.Remove(slots.Key(id))
	}
}

// evictIdle evicts the idle states of one shard, if that was not done recently. Repeated calls
// reach every shard.
func (m *stateTable) evictIdle(now uint32) {
	n := m.turn
	sh := &m.shards[n]
	m.turn++
	keep, since := int64(m.keep/time.Second), int64(now)-int64(sh.evictedAt)
	if since >= 0 && since <= keep/2 {
		return
	}
	sh.evictedAt = now
	m.evict(n, func(sl slot) bool {
		idle := int64(now) - int64(sl.used())
		return idle > keep || idle < -keep // the clock was ahead when it was used
	})
}

// evictColdest evicts all states of a full shard except the half that was used last. All dirty
// states stay, so the shard may grow for a while.
func (m *stateTable) evictColdest(n uint8) {
	sh := &m.shards[n]
	used := make([]uint32, 0, sh.len())
	for _, sl := range sh.all() {
		used = append(used, sl.used())
	}
	slices.Sort(used)
	last := used[max(0, len(used)-1-m.most/2)]
	m.evict(n, func(sl slot) bool { return sl.used() <= last })
	sh.most = 2 * sh.len()
}

// evict evicts the clean states of a shard for which is returns true. If most slots of a table are
// free then, the others move to a new table.
func (m *stateTable) evict(n uint8, is func(slot) bool) {
	m.locks[n].Lock()
	defer m.locks[n].Unlock()
	sh := &m.shards[n]
	for size, t := range &sh.sizes {
		if t == nil {
			continue
		}
		for key, entry := range t.All() {
			if sl := slot(entry); !sl.isDirty() && is(sl) {
				m.count(sl, false)
				t.Remove(key)
			}
		}
		if t.Len() > int(t.Slots()/2) {
			continue
		}
		if sh.sizes[size] = nil; t.Len() > 0 {
			fresh := sh.tableFor(stateSizes[size])
			for key, entry := range t.All() {
				copy(fresh.Add(key), entry)
			}
		}
		t.Free()
	}
}
