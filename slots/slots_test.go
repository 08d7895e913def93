package slots

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
)

func keyOf(n int) Key {
	sum := sha256.Sum256(fmt.Append(nil, n))
	return Key(sum[:])
}

// TestTableProperty compares a table with a map after random operations. Its keys collide often.
func TestTableProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, model := New(Overhead+4), map[Key][]byte{}
		defer table.Free()
		key := func(t *rapid.T) Key {
			if rapid.Bool().Draw(t, "hash") {
				return keyOf(rapid.IntRange(0, 300).Draw(t, "n"))
			}
			return Key{0: byte(rapid.IntRange(0, 3).Draw(t, "a")), 15: byte(rapid.IntRange(0, 3).Draw(t, "b"))}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				k := key(t)
				if table.Find(k) != nil {
					return
				}
				entry := table.Add(k)
				if !bytes.Equal(entry, make([]byte, 4)) {
					t.Fatalf("a new entry is %x", entry)
				}
				copy(entry, rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "entry"))
				model[k] = bytes.Clone(entry)
			},
			"add many": func(t *rapid.T) {
				first := rapid.IntRange(0, 300).Draw(t, "first")
				for n := first; n < first+100; n++ {
					if table.Find(keyOf(n)) == nil {
						copy(table.Add(keyOf(n)), "many")
						model[keyOf(n)] = []byte("many")
					}
				}
			},
			"remove": func(t *rapid.T) {
				k := key(t)
				table.Remove(k)
				delete(model, k)
			},
			"": func(t *rapid.T) {
				all := map[Key][]byte{}
				for k, entry := range table.All() {
					all[k] = bytes.Clone(entry)
				}
				if table.Len() != len(model) || !maps.EqualFunc(all, model, bytes.Equal) {
					t.Fatalf("%d entries, %v; want %v", table.Len(), all, model)
				}
				for n := range 400 {
					if got, want := table.Find(keyOf(n)), model[keyOf(n)]; !bytes.Equal(got, want) || (got == nil) != (want == nil) {
						t.Fatalf("entry %d is %x, want %x", n, got, want)
					}
				}
			},
		})
	})
}

// TestMemory checks that an entry takes little more than its slot, and that removed slots are used
// again.
func TestMemory(t *testing.T) {
	const size = 80
	table := New(size)
	worst := 0.0
	for n := range 200_000 {
		table.Add(keyOf(n))
		if n%10_000 == 9_999 {
			worst = max(worst, float64(table.Bytes())/float64(n+1))
		}
	}
	if worst > size+16 {
		t.Errorf("an entry takes %.1f bytes, and its slot %d", worst, size)
	}
	chunks := len(table.chunks)
	for n := range 100_000 {
		table.Remove(keyOf(n))
		table.Add(keyOf(-n - 1))
	}
	if len(table.chunks) != chunks {
		t.Errorf("%d chunks, then %d for as many entries", chunks, len(table.chunks))
	}
	table.Free()
	if table.Bytes() != 0 {
		t.Error("a table that is freed still has memory")
	}
}

func BenchmarkFind(b *testing.B) {
	table := New(80)
	defer table.Free()
	keys := make([]Key, 1<<20)
	for n := range keys {
		keys[n] = keyOf(n)
		table.Add(keys[n])
	}
	for n := 0; b.Loop(); n++ {
		if table.Find(keys[n*7919%len(keys)]) == nil {
			b.Fatal(n)
		}
	}
}
