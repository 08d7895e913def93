package corpus

import (
	"sync"

	"stile.example/stile/recent"
)

// queryCache caches results of one file, which can't become wrong. It is bounded by their size in
// memory, and safe for concurrent use. The first page of all items then takes 1 µs instead of 90
// µs, and an item less than 1 µs instead of 8 µs (TestMeasureCorpus).
type queryCache[V any] struct {
	max int // bytes

	mu sync.RWMutex
	m  recent.Map[string, V]
}

func (c *queryCache[V]) init(max int) {
	c.max, c.m = max, recent.New[string, V](max)
}

func (c *queryCache[V]) find(key string) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.m.Get(key)
}

// keep stores v, which takes about so many bytes. A value that would take an eighth of the half
// that is filled is not stored, since it would evict too much.
func (c *queryCache[V]) keep(key string, v V, bytes int) {
	if bytes > c.max/16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.PutSized(key, v, bytes+128) // 128 for the map's own
}
