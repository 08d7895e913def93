package sqlite

import (
	"database/sql"
	"maps"
	"slices"
	"time"

	"stile.example/stile/addresses"
)

// maxPlaces is how many addresses are in memory at most: 18 MB.
const maxPlaces = 50_000

// places holds the states of the addresses that were used last. It belongs to
// the writer, and no lock guards it. What the batch at hand changes is kept
// apart until it is written, so all else is as its row says and may leave:
// when a half is full it becomes the old one, and the old one is forgotten.
type places struct {
	changed    map[place]addresses.State // by the batch
	fresh, old map[place]addresses.State
	half       int
}

func newPlaces(most int) places {
	return places{changed: map[place]addresses.State{}, fresh: map[place]addresses.State{}, half: most / 2}
}

func (m *places) find(p place) (s addresses.State, ok bool) {
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
func (m *places) keep(p place, s addresses.State) {
	if _, known := m.fresh[p]; !known && len(m.fresh) >= m.half {
		m.fresh, m.old = map[place]addresses.State{}, m.fresh
	}
	m.fresh[p] = s
}

func (m *places) drop(p place) {
	delete(m.fresh, p)
	delete(m.old, p)
}

// write writes the rows of what the batch changed, in the file's order.
func (m *places) write(tx *sql.Tx, now time.Time) error {
	for _, p := range slices.SortedFunc(maps.Keys(m.changed), comparePlaces) {
		if err := writePlace(tx, p, m.changed[p], now); err != nil {
			return err
		}
	}
	return nil
}

// written notes that what the batch changed is in its rows.
func (m *places) written() {
	for p, s := range m.changed {
		m.keep(p, s)
	}
	clear(m.changed)
}

// undo takes back what the batch changed.
func (m *places) undo() { clear(m.changed) }
