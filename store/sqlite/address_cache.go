package sqlite

import (
	"database/sql"
	"maps"
	"slices"
	"time"

	"stile.example/stile/addresses"
)

// maxAddresses is how many addresses are in memory at most: 18 MB.
const maxAddresses = 50_000

// addressCache holds the states of the addresses that were used last. It belongs to
// the writer, and no lock guards it. What the batch at hand changes is kept
// apart until it is written, so all else is as its row says and may leave:
// when a half is full it becomes the old one, and the old one is forgotten.
type addressCache struct {
	changed    map[addrKey]addresses.State // by the batch
	fresh, old map[addrKey]addresses.State
	half       int
}

func newAddressCache(most int) addressCache {
	return addressCache{changed: map[addrKey]addresses.State{}, fresh: map[addrKey]addresses.State{}, half: most / 2}
}

func (m *addressCache) find(p addrKey) (s addresses.State, ok bool) {
	if s, ok = m.changed[p]; ok {
		return s, true
	}
	if s, ok = m.fresh[p]; ok {
		return s, true
	}
	if s, ok = m.old[p]; ok {
		m.keep(p, s)
	}
	return s, ok
}

// keep remembers what an address's row says.
func (m *addressCache) keep(p addrKey, s addresses.State) {
	if _, known := m.fresh[p]; !known && len(m.fresh) >= m.half {
		m.fresh, m.old = map[addrKey]addresses.State{}, m.fresh
	}
	m.fresh[p] = s
}

func (m *addressCache) drop(p addrKey) {
	delete(m.fresh, p)
	delete(m.old, p)
}

// write writes the rows of what the batch changed, in the file's order.
func (m *addressCache) write(tx *sql.Tx, now time.Time) error {
	for _, p := range slices.SortedFunc(maps.Keys(m.changed), compareAddrKeys) {
		if err := writeAddress(tx, p, m.changed[p], now); err != nil {
			return err
		}
	}
	return nil
}

// written notes that what the batch changed is in its rows.
func (m *addressCache) written() {
	for p, s := range m.changed {
		m.keep(p, s)
	}
	clear(m.changed)
}

// undo takes back what the batch changed.
func (m *addressCache) undo() { clear(m.changed) }
