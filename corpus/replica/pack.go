package replica

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A packed chunk or patch is one byte that says how, then the content.
const (
	plain      = 0
	compressed = 1 // with Zstandard
)

// maxPatch bounds the pages of a patch, in bytes. Beyond it, chunks are fetched instead.
const maxPatch = 8 << 20

// The encoder and the decoder are made once: both allocate much.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	// A single segment says how large it is, so that no more memory is reserved to unpack it.
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithSingleSegment(true))
	if err != nil {
		panic(err) // the options are constant
	}
	return e
})

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(2*maxPatch))
	if err != nil {
		panic(err)
	}
	return d
})

// Pack returns content as it is stored: compressed, if that makes it smaller.
func Pack(content []byte) []byte {
	packed := encoder().EncodeAll(content, []byte{compressed})
	if len(packed) <= len(content) {
		return packed
	}
	return append([]byte{plain}, content...)
}

var errTooLarge = fmt.Errorf("%w: it is larger than it may be", ErrDamaged)

// unpack returns content of at most limit bytes. It never needs more memory than about that,
// whatever packed is.
func unpack(packed []byte, limit int) ([]byte, error) {
	if len(packed) == 0 {
		return nil, ErrDamaged
	}
	switch packed[0] {
	case plain:
		if len(packed)-1 > limit {
			return nil, errTooLarge
		}
		return packed[1:], nil
	case compressed:
		return decompress(packed[1:], limit)
	}
	return nil, fmt.Errorf("is packed in the unknown way %d: update this node", packed[0])
}

func decompress(b []byte, limit int) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if !h.HasFCS || h.FrameContentSize > uint64(limit) {
		return nil, errTooLarge
	}
	// The decoder stops at the size that the header says, and at the capacity of the buffer.
	content, err := decoder().DecodeAll(b, make([]byte, 0, h.FrameContentSize))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if len(content) > limit { // of several frames
		return nil, errTooLarge
	}
	return content, nil
}
