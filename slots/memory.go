package slots

import (
	"os"
	"sync"
	"unsafe"
)

// memory is pages that the collector does not manage. Those that nothing has written to do not
// exist yet, so a chunk that is not full takes only what is in it.
type memory struct {
	mu   sync.Mutex // the cleanup of a table runs on another goroutine
	maps [][]byte
}

func (m *memory) alloc(n int) []byte {
	b := mapPages(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.maps = append(m.maps, b)
	return b
}

// numbers returns n zeros. Less than a page of them is in the collector's heap.
func (m *memory) numbers(n int) []uint32 {
	if 4*n < os.Getpagesize() {
		return make([]uint32, n)
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(m.alloc(4*n)))), n)
}

// release frees what numbers returned.
func (m *memory) release(numbers []uint32) {
	if 4*len(numbers) < os.Getpagesize() {
		return
	}
	start := (*byte)(unsafe.Pointer(unsafe.SliceData(numbers)))
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, b := range m.maps {
		if unsafe.SliceData(b) == start {
			unmapPages(b)
			m.maps[i] = m.maps[len(m.maps)-1]
			m.maps = m.maps[:len(m.maps)-1]
			return
		}
	}
}

func (m *memory) bytes() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.maps {
		n += len(b)
	}
	return n
}

func (m *memory) free() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.maps {
		unmapPages(b)
	}
	m.maps = nil
}
