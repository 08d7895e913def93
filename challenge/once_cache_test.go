package challenge

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestMemoryLaw checks that the cache never exceeds its bound, counts exactly, and contains the
// latest values.
func TestMemoryLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.IntRange(1, 50).Draw(t, "bound")
		m := newOnceCache[int](bound, func(n int) int { return n })
		made := map[int]int{}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			key, size := rapid.IntRange(0, 20).Draw(t, "key"), rapid.IntRange(1, 60).Draw(t, "size")
			got, err := m.get(context.Background(), key, func() (int, error) { made[key] = size; return size, nil })
			if err != nil || got != made[key] {
				t.Fatalf("%d is %d (%v), %d was made", key, got, err, made[key])
			}
			sum := 0
			for el := m.recent.Front(); el != nil; el = el.Next() {
				sum += el.Value.(*entry[int, int]).size
			}
			if sum != m.used || m.used > bound || len(m.byKey) != m.recent.Len() {
				t.Fatalf("%d are used, %d counted, of %d; %d keys, %d entries", sum, m.used, bound, len(m.byKey), m.recent.Len())
			}
		}
	})
}

// TestMemoryForgetsErrors checks that waiting callers get the error, and that the next caller tries
// again.
func TestMemoryForgetsErrors(t *testing.T) {
	m := newOnceCache[string](10, func(int) int { return 1 })
	fault := errors.New("no")
	if _, err := m.get(context.Background(), "k", func() (int, error) { return 0, fault }); !errors.Is(err, fault) {
		t.Errorf("%v", err)
	}
	if n, err := m.get(context.Background(), "k", func() (int, error) { return 7, nil }); n != 7 || err != nil {
		t.Errorf("the second time: %d, %v", n, err)
	}
}

// TestMemoryWaits checks that callers wait for a value that is being made, until their context
// ends, and that a panic leaves no caller waiting.
func TestMemoryWaits(t *testing.T) {
	m := newOnceCache[string](10, func(int) int { return 1 })
	begun, hold, over := make(chan struct{}), make(chan struct{}), make(chan any)
	go func() {
		defer func() { over <- recover() }()
		m.get(context.Background(), "k", func() (int, error) { close(begun); <-hold; panic("broken") })
	}()
	<-begun
	gone, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := m.get(gone, "k", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the one who could not wait: %v", err)
	}
	waits := make(chan error)
	go func() {
		_, err := m.get(context.Background(), "k", func() (int, error) { return 0, errors.New("alone") })
		waits <- err
	}()
	close(hold)
	if p := <-over; p != "broken" {
		t.Errorf("the panic became %v", p)
	}
	if err := <-waits; err == nil {
		t.Error("a broken maker made something")
	}
	if n, err := m.get(context.Background(), "k", func() (int, error) { return 7, nil }); n != 7 || err != nil {
		t.Errorf("afterwards: %d, %v", n, err)
	}
}

// TestMemoryForgetsTheLongestUnused checks that a value that is used again stays.
func TestMemoryForgetsTheLongestUnused(t *testing.T) {
	m, made := newOnceCache[int](3, func(int) int { return 1 }), 0
	get := func(key int) { m.get(context.Background(), key, func() (int, error) { made++; return key, nil }) }
	for _, key := range []int{1, 2, 3, 1, 4, 1} {
		get(key)
	}
	if made != 4 {
		t.Errorf("%d were made, want 4: the first was asked for again", made)
	}
	if get(2); made != 5 {
		t.Error("the second is still remembered, and was the longest unused")
	}
}
