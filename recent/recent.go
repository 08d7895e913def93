// Package recent caches what was used recently, within a bound.
//
// A [Map] has two halves. New entries go into the newer half. When that is full, it becomes the
// older half, and the previous older half is dropped. The Map keeps no order, so reading it changes
// nothing, and an entry takes no more memory than in a built-in map.
package recent

// Map is a map of bounded size. The zero Map is valid and stores nothing; [New] returns one that
// stores entries.
//
// Get, GetNewer and Len may be called by several goroutines at once. Every other method needs
// exclusive access, so a Map that is shared is guarded by a sync.RWMutex or a sync.Mutex.
type Map[K comparable, V any] struct {
	newer, older map[K]V
	used         int // sum of the sizes in newer; those of older added up to half at most
	half         int // maximum of used
}

// New returns an empty Map that stores at most max entries, or, with PutSized, entries whose sizes
// add up to at most max. With a max under 2 it stores nothing.
//
// An entry is dropped only after max/2 other keys have been put since it was last put or used.
func New[K comparable, V any](max int) Map[K, V] {
	return Map[K, V]{half: max / 2}
}

// Get returns the value of a key, and reports whether the key is stored.
func (m *Map[K, V]) Get(key K) (value V, ok bool) {
	if value, ok = m.newer[key]; ok {
		return value, true
	}
	value, ok = m.older[key]
	return value, ok
}

// GetNewer is Get for the newer half only. Putting or using an entry that it finds would not keep
// the entry longer, so callers need not take exclusive access to do so.
func (m *Map[K, V]) GetNewer(key K) (value V, ok bool) {
	value, ok = m.newer[key]
	return value, ok
}

// Use is Get, and keeps the entry as long as if it had been put just now, with size 1.
func (m *Map[K, V]) Use(key K) (value V, ok bool) {
	if value, ok = m.newer[key]; ok {
		return value, true
	}
	if value, ok = m.older[key]; ok {
		m.Put(key, value)
	}
	return value, ok
}

// Put stores a value, and replaces the key's earlier value.
func (m *Map[K, V]) Put(key K, value V) {
	if _, known := m.newer[key]; known {
		m.newer[key] = value
		return
	}
	m.PutSized(key, value, 1)
}

// PutSized is Put for a value whose size is not 1 but size, which must be at least 1. The Map does
// not store sizes: a value that was replaced counts until its half is dropped. A value larger than
// half of the bound is not stored, and its key is deleted.
func (m *Map[K, V]) PutSized(key K, value V, size int) {
	if size > m.half {
		m.Delete(key)
		return
	}
	if m.newer == nil || m.used+size > m.half {
		m.newer, m.older, m.used = make(map[K]V), m.newer, 0
	}
	delete(m.older, key)
	m.newer[key] = value
	m.used += size
}

// Delete removes a key. It makes space for one entry of size 1, whatever the size of the value.
func (m *Map[K, V]) Delete(key K) {
	if _, known := m.newer[key]; known {
		delete(m.newer, key)
		m.used--
	}
	delete(m.older, key)
}

// Len returns the number of entries.
func (m *Map[K, V]) Len() int { return len(m.newer) + len(m.older) }
