//go:build measure

package replica

import (
	"io"
	"os"
	"testing"
	"time"
)

// TestMeasurePack logs how small the chunks of the file become that STILE_CORPUS_FILE names, and
// how long that takes on one processor.
func TestMeasurePack(t *testing.T) {
	f, err := os.Open(os.Getenv("STILE_CORPUS_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var chunks [][]byte
	for n := 0; ; n++ {
		b, err := readChunk(f, n, make([]byte, ChunkSize))
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if len(b) == 0 {
			break
		}
		chunks = append(chunks, b)
	}
	at, size := time.Now(), 0
	var packed [][]byte
	for _, b := range chunks {
		packed = append(packed, Pack(b))
		size += len(packed[len(packed)-1])
	}
	packing := time.Since(at)
	at = time.Now()
	for _, p := range packed {
		if _, err := unpack(p, ChunkSize); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d chunks: %d KiB packed in %v, unpacked in %v", len(chunks), size>>10, packing, time.Since(at))
}
