// Package slots stores millions of small entries under keys that are hashes. An entry takes its own
// size, 17 bytes for its key, and 5 to 9 in an index. The memory is outside of the garbage
// collector's heap: the collector neither scans it nor lets garbage grow in proportion to it. In a
// Go map, an entry takes 15 to 40 bytes more, and each byte of it counts twice in the memory of the
// process.
package slots

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"runtime"
)

// Key is the name of an entry. It must be distributed as hashes are, and callers must not be able
// to choose it.
type Key [16]byte

// Overhead is how many bytes of a slot are not the entry's: its key, and whether it is in use.
const Overhead = len(Key{}) + 1

const chunkSize = 64 << 10

// Table maps keys to entries of one size. An entry that a method returns is valid until it is
// removed or the table is freed; its bytes may be changed. A Table is not safe for concurrent use.
type Table struct {
	size     int      // bytes of a slot
	perChunk uint32   // slots of a chunk
	index    []uint32 // by hash: the slot's number + 1, and above it 8 bits of the hash; 0: none
	chunks   [][]byte
	used     uint32 // slots that were ever in use
	free     uint32 // number + 1 of a slot that was removed, which has the number of the next
	count    int
	memory   *memory
	cleanup  runtime.Cleanup
}

// New returns an empty table whose slots have that size, [Overhead] included. It takes no memory
// before the first entry is added.
func New(size int) *Table {
	t := &Table{size: size, perChunk: uint32(chunkSize / size), memory: new(memory)}
	t.cleanup = runtime.AddCleanup(t, func(m *memory) { m.free() }, t.memory)
	return t
}

// Free returns the table's memory. The table and its entries must not be used any more. A table
// that is not freed is freed when it is collected.
func (t *Table) Free() {
	t.cleanup.Stop()
	t.memory.free()
	t.index, t.chunks, t.count, t.used, t.free = nil, nil, 0, 0, 0
}

// Len returns the number of entries.
func (t *Table) Len() int { return t.count }

// Bytes returns how much memory the table takes. The pages of its last chunk that nothing has
// written to do not exist yet, and the last one that exists counts in part.
func (t *Table) Bytes() int {
	return t.memory.bytes() - int(uint32(len(t.chunks))*t.perChunk-t.used)*t.size
}

// Slots returns the number of slots that were ever in use.
func (t *Table) Slots() uint32 { return t.used }

// Find returns the entry of a key, or nil.
func (t *Table) Find(key Key) []byte {
	if at, ok := t.find(key); ok {
		return t.slot(number(t.index[at]))[Overhead:]
	}
	return nil
}

// Add makes an entry of zero bytes for a key that must not have one.
func (t *Table) Add(key Key) []byte {
	if t.count+1 > len(t.index)*7/8 {
		t.grow()
	}
	n := t.take()
	s := t.slot(n)
	clear(s)
	copy(s, key[:])
	s[len(key)] = 1
	t.count++
	t.put(key, n)
	return s[Overhead:]
}

// Remove removes the entry of a key, if there is one.
func (t *Table) Remove(key Key) {
	at, ok := t.find(key)
	if !ok {
		return
	}
	n := number(t.index[at])
	s := t.slot(n)
	s[len(key)] = 0
	binary.LittleEndian.PutUint32(s, t.free)
	t.free = n + 1
	t.count--
	t.close(at)
}

// At returns the entry in the slot with that number, below [Table.Slots]; ok is false if the slot
// is not in use.
func (t *Table) At(n uint32) (key Key, entry []byte, ok bool) {
	s := t.slot(n)
	if s[len(key)] == 0 {
		return key, nil, false
	}
	return Key(s), s[Overhead:], true
}

// All returns all entries, in the order in which they are in memory.
func (t *Table) All() iter.Seq2[Key, []byte] {
	return func(yield func(Key, []byte) bool) {
		for n := range t.used {
			if key, entry, ok := t.At(n); ok && !yield(key, entry) {
				return
			}
		}
	}
}

// take returns the number of a slot that is not in use.
func (t *Table) take() uint32 {
	if n := t.free; n > 0 {
		t.free = binary.LittleEndian.Uint32(t.slot(n - 1))
		return n - 1
	}
	if t.used%t.perChunk == 0 {
		t.chunks = append(t.chunks, t.memory.alloc(chunkSize))
	}
	t.used++
	return t.used - 1
}

func (t *Table) slot(n uint32) []byte {
	at := int(n%t.perChunk) * t.size
	return t.chunks[n/t.perChunk][at : at+t.size : at+t.size]
}

// The index is searched from the key's place to the next that is empty. 8 bits of the hash are in
// it, so that other keys' slots are rarely read: each would be a miss of the processor's cache.

const tagShift = 24

func number(v uint32) uint32 { return v&(1<<tagShift-1) - 1 }

func hash(key Key) uint64 {
	a, b := binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])
	return (a ^ bits.RotateLeft64(b, 32)) * 0x9E3779B97F4A7C15
}

func tag(h uint64) uint32 { return uint32(h) >> 8 & 0xff << tagShift }

// home returns the first place of a hash in the index.
func (t *Table) home(h uint64) int {
	return int(h >> (64 - bits.TrailingZeros(uint(len(t.index)))))
}

func (t *Table) find(key Key) (at int, ok bool) {
	if len(t.index) == 0 {
		return 0, false
	}
	h := hash(key)
	for at = t.home(h); t.index[at] != 0; at = (at + 1) & (len(t.index) - 1) {
		if v := t.index[at]; v>>tagShift<<tagShift == tag(h) && Key(t.slot(number(v))) == key {
			return at, true
		}
	}
	return at, false
}

// put enters a slot into the index.
func (t *Table) put(key Key, n uint32) {
	h := hash(key)
	at := t.home(h)
	for t.index[at] != 0 {
		at = (at + 1) & (len(t.index) - 1)
	}
	t.index[at] = tag(h) | (n + 1)
}

// close empties a place of the index, and moves those after it that could not be found any more.
func (t *Table) close(at int) {
	last := len(t.index) - 1
	for next := (at + 1) & last; t.index[next] != 0; next = (next + 1) & last {
		home := t.home(hash(Key(t.slot(number(t.index[next])))))
		if (next-home)&last >= (next-at)&last {
			t.index[at] = t.index[next]
			at = next
		}
	}
	t.index[at] = 0
}

// grow doubles the index, which is 7/8 full. It reads the slots in the order of memory, which is
// five times as fast as in the order of the index.
func (t *Table) grow() {
	if 2*len(t.index) > 1<<tagShift {
		panic("slots: more than 14 million entries in a table") // slots have numbers of 24 bits
	}
	old := t.index
	t.index = t.memory.numbers(max(64, 2*len(old)))
	for n := range t.used {
		if key, _, ok := t.At(n); ok {
			t.put(key, n)
		}
	}
	t.memory.release(old)
}
