package recent

import (
	"sync"
	"testing"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
)

// TestModel compares a Map with a list of all puts. The Map returns the last value put, it has the
// keys that were put or used last, up to half of its bound, and it holds its bound.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 8
		m := New[int, int](most)
		last := map[int]int{} // the last value of each key, unless it was deleted
		var order []int       // keys, in the order in which they were put or used
		keys := rapid.IntRange(0, 12)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				key, value := keys.Draw(t, "key"), rapid.Int().Draw(t, "value")
				m.Put(key, value)
				last[key] = value
				order = append(order, key)
			},
			"use": func(t *rapid.T) {
				key := keys.Draw(t, "key")
				if _, ok := m.Use(key); ok {
					order = append(order, key)
				}
			},
			"delete": func(t *rapid.T) {
				key := keys.Draw(t, "key")
				m.Delete(key)
				delete(last, key)
			},
			"": func(t *rapid.T) {
				stored := 0
				for key := range 13 {
					value, ok := m.Get(key)
					want, was := last[key]
					if ok {
						stored++
					}
					if ok && (!was || value != want) {
						t.Fatalf("key %d is %d, want %d, %v", key, value, want, was)
					}
				}
				if m.Len() != stored || stored > most {
					t.Fatalf("Len is %d with %d keys stored; the bound is %d", m.Len(), stored, most)
				}
				for _, key := range lastDistinct(order, most/2) {
					_, want := last[key]
					if _, ok := m.Get(key); ok != want {
						t.Fatalf("key %d is stored: %v, want %v; keys were put in the order %v", key, ok, want, order)
					}
				}
			},
		})
	})
}

// lastDistinct returns the last n different keys.
func lastDistinct(keys []int, n int) (distinct []int) {
	seen := map[int]bool{}
	for i := len(keys) - 1; i >= 0 && len(distinct) < n; i-- {
		if !seen[keys[i]] {
			seen[keys[i]] = true
			distinct = append(distinct, keys[i])
		}
	}
	return distinct
}

func TestBoundIsReached(t *testing.T) {
	m := New[int, string](1000)
	largest := 0
	for i := range 10_000 {
		m.Put(i, "")
		largest = max(largest, m.Len())
	}
	if largest != 1000 {
		t.Errorf("the Map had up to %d entries, want 1000", largest)
	}
}

func TestGetNewer(t *testing.T) {
	m := New[int, int](4)
	m.Put(1, 1)
	m.Put(2, 2)
	if v, ok := m.GetNewer(1); !ok || v != 1 {
		t.Errorf("in the newer half: %d, %v", v, ok)
	}
	m.Put(3, 3)
	if _, ok := m.GetNewer(1); ok {
		t.Error("found in the older half")
	}
	m.Use(1)
	if v, ok := m.GetNewer(1); !ok || v != 1 {
		t.Errorf("after Use: %d, %v", v, ok)
	}
}

func TestPutAgainTakesNoSpace(t *testing.T) {
	m := New[int, int](4)
	m.Put(1, 1)
	for i := range 100 {
		m.Put(2, i)
	}
	if _, ok := m.Get(1); !ok {
		t.Error("key 1 was dropped although only one other key was put")
	}
}

func TestSizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, sizes := New[int, int](100), map[int]int{}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				key, size := rapid.IntRange(0, 20).Draw(t, "key"), rapid.IntRange(1, 60).Draw(t, "size")
				m.PutSized(key, size, size)
				sizes[key] = size
				if _, ok := m.Get(key); ok != (size <= 50) {
					t.Fatalf("a value of %d is stored: %v", size, ok)
				}
			},
			"": func(t *rapid.T) {
				sum := 0
				for key := range sizes {
					size, _ := m.Get(key)
					sum += size
				}
				if sum > 100 {
					t.Fatalf("the values' sizes add up to %d, over the bound of 100", sum)
				}
			},
		})
	})
}

func TestZeroMapStoresNothing(t *testing.T) {
	var m Map[string, int]
	m.Put("a", 1)
	m.PutSized("b", 1, 1)
	m.Delete("a")
	if _, ok := m.Use("a"); ok || m.Len() != 0 {
		t.Errorf("the zero Map stores %d entries", m.Len())
	}
}

// TestConcurrentReads shows under the race detector that Get, GetNewer and Len only read.
func TestConcurrentReads(t *testing.T) {
	m := New[int, int](100)
	for i := range 150 {
		m.Put(i, i)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 150 {
				if v, ok := m.Get(i); ok && v != i {
					t.Errorf("key %d is %d", i, v)
				}
				if v, ok := m.GetNewer(i); ok && v != i {
					t.Errorf("key %d of the newer half is %d", i, v)
				}
				m.Len()
			}
		})
	}
	wg.Wait()
}

func BenchmarkGet(b *testing.B) {
	m := New[[16]byte, int64](1 << 15)
	for i := range 1 << 15 {
		m.Put(keyOf(i), int64(i))
	}
	for i := 0; b.Loop(); i++ {
		m.Get(keyOf(i & (1<<15 - 1)))
	}
}

func BenchmarkPut(b *testing.B) {
	m := New[[16]byte, int64](1 << 15)
	for i := 0; b.Loop(); i++ {
		m.Put(keyOf(i), int64(i))
	}
}

func keyOf(i int) (key [16]byte) {
	for n := range 8 {
		key[n] = byte(i >> (8 * n))
	}
	return key
}
