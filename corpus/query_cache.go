package corpus

import "sync"

// queryCache keeps answers of one generation, which can't become wrong. It is
// bounded: when the fresh half is full it becomes the old one, and the old
// one is forgotten; what is asked for again is fresh again.
type queryCache[K comparable, V any] struct {
	max int // bytes of each half

	mu         sync.RWMutex
	fresh, old map[K]V
	bytes      int // of the fresh half
}

func (r *queryCache[K, V]) find(key K) (V, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, ok := r.fresh[key]
	if !ok {
		v, ok = r.old[key]
	}
	return v, ok
}

// keep remembers v, which takes about so many bytes. What would fill a good
// part of a half alone is not worth what it would push out.
func (r *queryCache[K, V]) keep(key K, v V, bytes int) {
	if bytes > r.max/8 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fresh == nil || r.bytes+bytes > r.max {
		r.fresh, r.old, r.bytes = make(map[K]V), r.fresh, 0
	}
	r.fresh[key] = v
	r.bytes += bytes + 128 // the map's own
}
