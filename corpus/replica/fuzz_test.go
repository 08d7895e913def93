package replica

import (
	"reflect"
	"testing"
)

// FuzzDecodeManifest checks that a manifest that is accepted has one hash for each chunk, and is
// the same after it was written and read again.
func FuzzDecodeManifest(f *testing.F) {
	m := Manifest{Format: Format, ID: "a", Size: ChunkSize + 1, Hashes: make(Hashes, 2)}
	m.Generation = 3
	b, err := m.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"format":1,"generation":1,"id":"a","size":1099511627777}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeManifest(b)
		if err != nil {
			return
		}
		if m.Size < 1 || m.Size > maxSize || int64(len(m.Hashes)-1)*ChunkSize >= m.Size || int64(len(m.Hashes))*ChunkSize < m.Size {
			t.Errorf("%d hashes for %d bytes", len(m.Hashes), m.Size)
		}
		text, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeManifest(text)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%+v, then %+v, %v", m, again, err)
		}
	})
}
