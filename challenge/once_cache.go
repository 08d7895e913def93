package challenge

import (
	"container/list"
	"context"
	"errors"
	"sync"
)

// onceCache caches values within a bound, and makes each value once, however many goroutines
// request it at the same time. It drops the least recently used values first.
//
// It is not a recent.Map, because an entry must stay while its value is being made, whatever else
// is made in the meantime.
type onceCache[K comparable, V any] struct {
	bound int         // of the sum of sizes
	size  func(V) int // what a value counts towards the bound; at least 1

	mu     sync.Mutex
	used   int
	byKey  map[K]*list.Element // of *entry[K, V]
	recent list.List           // the most recently used first
}

type entry[K comparable, V any] struct {
	key   K
	made  chan struct{} // closed when value and err are set
	value V
	err   error
	size  int // 0 while it is being made
}

func newOnceCache[K comparable, V any](bound int, size func(V) int) *onceCache[K, V] {
	return &onceCache[K, V]{bound: bound, size: size, byKey: map[K]*list.Element{}}
}

// get returns the value of key. If it is not cached, fn makes it, and other callers wait. An error
// is not cached.
func (m *onceCache[K, V]) get(ctx context.Context, key K, fn func() (V, error)) (V, error) {
	m.mu.Lock()
	if el, ok := m.byKey[key]; ok {
		m.recent.MoveToFront(el)
		m.mu.Unlock()
		return el.Value.(*entry[K, V]).wait(ctx)
	}
	e := &entry[K, V]{key: key, made: make(chan struct{}), err: errBroken}
	el := m.recent.PushFront(e)
	m.byKey[key] = el
	m.mu.Unlock()

	defer m.settle(el, e) // even after a panic, or others would wait forever
	e.value, e.err = fn()
	return e.value, e.err
}

var errBroken = errors.New("the value could not be made")

func (e *entry[K, V]) wait(ctx context.Context) (v V, err error) {
	select {
	case <-e.made:
		return e.value, e.err
	case <-ctx.Done():
		return v, ctx.Err()
	}
}

// settle counts a new value, and drops the oldest ones beyond the bound. Values that are still
// being made have no size yet, and stay.
func (m *onceCache[K, V]) settle(el *list.Element, e *entry[K, V]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(e.made)
	if e.err != nil {
		m.recent.Remove(el)
		delete(m.byKey, e.key)
		return
	}
	e.size = m.size(e.value)
	m.used += e.size
	for old := m.recent.Back(); old != nil && m.used > m.bound; {
		newer := old.Prev()
		if e := old.Value.(*entry[K, V]); e.size > 0 {
			m.recent.Remove(old)
			delete(m.byKey, e.key)
			m.used -= e.size
		}
		old = newer
	}
}
