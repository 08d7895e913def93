package challenge

import (
	"container/list"
	"context"
	"errors"
	"sync"
)

// onceCache keeps what was made lately, within a bound, and makes each thing once
// however many ask for it at the same moment.
type onceCache[K comparable, V any] struct {
	bound int         // of the sum of sizes
	size  func(V) int // what a value takes of the bound; at least 1

	mu     sync.Mutex
	used   int
	byKey  map[K]*list.Element // of *entry[K, V]
	recent list.List           // the latest used first
}

type entry[K comparable, V any] struct {
	key   K
	made  chan struct{} // closed when value and err stand
	value V
	err   error
	size  int // 0 while it is being made
}

func newOnceCache[K comparable, V any](bound int, size func(V) int) *onceCache[K, V] {
	return &onceCache[K, V]{bound: bound, size: size, byKey: map[K]*list.Element{}}
}

// get returns the value of key, made by fn if it is not remembered. Who asks
// while it is being made waits for it; an error is not remembered.
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

	defer m.settle(el, e) // after a panic too, or others would wait for ever
	e.value, e.err = fn()
	return e.value, e.err
}

var errBroken = errors.New("it could not be made")

func (e *entry[K, V]) wait(ctx context.Context) (v V, err error) {
	select {
	case <-e.made:
		return e.value, e.err
	case <-ctx.Done():
		return v, ctx.Err()
	}
}

// settle takes what was made into account, and forgets the oldest beyond the
// bound. What is still being made has no size yet, and stays.
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
