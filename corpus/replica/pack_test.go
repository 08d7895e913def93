package replica

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// random returns n bytes that are the same for a seed.
func random(seed uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// TestPack checks that all contents come back, and are never larger than plain.
func TestPack(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100, 255, 256, 257, 4096, 65536, ChunkSize - 1, ChunkSize} {
		for _, b := range [][]byte{make([]byte, n), random(1, n)} {
			packed := Pack(b)
			if got, err := unpack(packed, ChunkSize); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%d bytes: %d, %v", n, len(got), err)
			}
			if len(packed) > n+1 {
				t.Errorf("%d bytes: packed %d", n, len(packed))
			}
		}
	}
}

// TestUnpackBounds checks that nothing that expands beyond the limit is expanded, and that nothing
// malformed is accepted.
func TestUnpackBounds(t *testing.T) {
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := e.EncodeAll(make([]byte, 1<<28), []byte{compressed})
	several := []byte{compressed}
	for range 3 {
		several = e.EncodeAll(make([]byte, ChunkSize), several)
	}
	var unsized bytes.Buffer
	w, _ := zstd.NewWriter(&unsized)
	w.Write(make([]byte, 1<<24))
	w.Close()
	for what, packed := range map[string][]byte{
		"bomb": bomb, "several frames": several, "no size": append([]byte{compressed}, unsized.Bytes()...),
		"plain": make([]byte, ChunkSize+2), "nothing": nil, "no frame": {compressed}, "unknown": {9, 1}, "noise": append([]byte{compressed}, random(2, 99)...),
	} {
		var b []byte
		if n := testing.AllocsPerRun(1, func() { b, err = unpack(packed, ChunkSize) }); err == nil || b != nil {
			t.Errorf("%s: %d bytes, %v, %v allocations", what, len(b), err, n)
		}
	}
}

// TestPatch checks that patches turn a file into any other, and that the hashes of what they touch
// are forgotten.
func TestPatch(t *testing.T) {
	was := random(3, 3*ChunkSize+5000)
	for what, is := range map[string][]byte{
		"same":     was,
		"a byte":   changed(was, 2*ChunkSize+77),
		"the ends": changed(was, 0, len(was)-1, ChunkSize-1, ChunkSize),
		"longer":   append(slices.Clone(was), random(4, 2*ChunkSize)...),
		"shorter":  was[:ChunkSize+9000],
		"empty":    {},
	} {
		var p patch
		for n := range int(chunksOf(int64(len(is)))) {
			p.add(n, chunkOf(is, n), chunkOf(was, n))
		}
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, was, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		hashes := hashesOf(was)
		if err := hashes.apply(f, p.packed()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		now, _ := os.ReadFile(file)
		for n, h := range hashesOf(now) {
			if has, ok := hashes.at(n); ok && has != h && has != (Hash{}) {
				t.Errorf("%s: chunk %d still has its earlier hash", what, n)
			}
		}
		f.Truncate(int64(len(is)))
		f.Close()
		if got, _ := os.ReadFile(file); !bytes.Equal(got, is) {
			t.Errorf("%s: differs", what)
		}
		if what == "a byte" && p.pages != 1 || what == "same" && len(p.b) > 0 {
			t.Errorf("%s: %d pages", what, p.pages)
		}
	}
	for _, wrong := range [][]byte{{0xff}, {0}, {0, 0}, {0, 5, 1}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1}} {
		if err := (Hashes{}).apply(nil, Pack(wrong)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

func changed(b []byte, at ...int) []byte {
	b = slices.Clone(b)
	for _, i := range at {
		b[i] ^= 1
	}
	return b
}

func chunkOf(b []byte, n int) []byte {
	return b[min(len(b), n*ChunkSize):min(len(b), (n+1)*ChunkSize)]
}

func hashesOf(b []byte) (h Hashes) {
	for n := range int(chunksOf(int64(len(b)))) {
		h = append(h, sha256.Sum256(chunkOf(b, n)))
	}
	return h
}

// TestManifest checks that a manifest comes back as it was, and that one that disagrees with itself,
// or of another format, is refused.
func TestManifest(t *testing.T) {
	m := Manifest{Format: Format, Generation: 7, Parent: 6, ID: NewID(), At: time.Now().UTC().Truncate(0), Size: ChunkSize + 1, Hashes: hashesOf(random(5, ChunkSize+1)), Change: &Change{Kind: "import", Added: 3}}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeManifest(b); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("%+v, %v, want %+v", got, err, m)
	}
	for what, change := range map[string]func(*Manifest){
		"format": func(m *Manifest) { m.Format++ }, "size": func(m *Manifest) { m.Size = 3 * ChunkSize },
		"no size": func(m *Manifest) { m.Size, m.Hashes = 0, nil }, "huge": func(m *Manifest) { m.Size = 1 << 50 },
		"hashes": func(m *Manifest) { m.Hashes = m.Hashes[1:] }, "generation": func(m *Manifest) { m.Generation = 0 }, "id": func(m *Manifest) { m.ID = "" },
	} {
		wrong := m
		change(&wrong)
		b, _ := wrong.Encode()
		if _, err := DecodeManifest(b); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	for _, text := range []string{"", "{", `{"hashes":"YQ=="}`, `{"hashes":3}`} {
		if _, err := DecodeManifest(json.RawMessage(text)); err == nil {
			t.Errorf("%q: accepted", text)
		}
	}
}

// TestInParallel checks that all are called, and that the first error ends it.
func TestInParallel(t *testing.T) {
	var calls atomic.Int32
	count := func(context.Context, int) error { calls.Add(1); return nil }
	if err := inParallel(t.Context(), 1000, count); err != nil || calls.Load() != 1000 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
	wrong := errors.New("wrong")
	calls.Store(0)
	err := inParallel(t.Context(), 1000, func(ctx context.Context, i int) error {
		if calls.Add(1); i == 10 {
			return wrong
		}
		return nil
	})
	if !errors.Is(err, wrong) || calls.Load() > 100 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := inParallel(ctx, 10, count); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
