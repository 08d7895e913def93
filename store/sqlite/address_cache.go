package sqlite

import (
	"database/sql"
	"maps"
	"slices"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/recent"
)

// maxAddresses is how many addresses are in memory at most: 18 MB.
const maxAddresses = 50_000

// addressCache holds the states of the addresses that were used last. Only the writer uses it, so
// it has no lock. The changes of the current batch are separate until they are written. All other
// states are equal to their rows, so they may be evicted at any time.
type addressCache struct {
	changed map[addrKey]addresses.State // by the batch
	rows    recent.Map[addrKey, addresses.State]
}

func newAddressCache(most int) addressCache {
	return addressCache{
		changed: map[addrKey]addresses.State{}, rows: recent.New[addrKey, addresses.State](most),
	}
}

func (m *addressCache) find(k addrKey) (s addresses.State, ok bool) {
	if s, ok = m.changed[k]; ok {
		return s, true
	}
	return m.rows.Use(k)
}

// write writes the rows of what the batch changed, in the file's order.
func (m *addressCache) write(tx *sql.Tx, now time.Time) error {
	for _, k := range slices.SortedFunc(maps.Keys(m.changed), compareAddrKeys) {
		if err := writeAddress(tx, k, m.changed[k], now); err != nil {
			return err
		}
	}
	return nil
}

// written notes that what the batch changed is in its rows.
func (m *addressCache) written() {
	for k, s := range m.changed {
		m.rows.Put(k, s)
	}
	clear(m.changed)
}

// undo discards what the batch changed.
func (m *addressCache) undo() { clear(m.changed) }
