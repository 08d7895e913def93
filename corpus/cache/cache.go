// Package cache caches what was read from one corpus file.
package cache

import (
	"sync"

	"stile.example/stile/recent"
)

// Results caches results of one file, which can't become wrong. It is bounded by their size in
// memory, and safe for concurrent use. The first page of all items then takes 1 µs instead of 90
// µs, and an item less than 1 µs instead of 8 µs (TestMeasureCorpus).
type Results[K comparable, V any] struct {
	max int // bytes

	mu sync.RWMutex
	m  recent.Map[K, V]
}

// Init makes the cache empty, with a maximum size in bytes.
func (c *Results[K, V]) Init(max int) {
	c.max, c.m = max, recent.New[K, V](max)
}

// Find returns the value of a key, and reports whether it is cached.
func (c *Results[K, V]) Find(key K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.m.Get(key)
}

// Keep stores v, which takes about so many bytes. A value that would take an eighth of the half
// that is filled is not stored, since it would evict too much.
func (c *Results[K, V]) Keep(key K, v V, bytes int) {
	if bytes > c.max/16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.PutSized(key, v, bytes+128) // 128 for the map's own
}

// Clear empties the cache.
func (c *Results[K, V]) Clear() { c.Init(c.max) }

// Len returns how many values are cached.
func (c *Results[K, V]) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.m.Len()
}
