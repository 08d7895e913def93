package states

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// formatByte is the first byte of each value.
const formatByte = 1

// maxWriters is how many nodes a value names. A node that has lost the reply to its swap looks for
// itself there. It would miss itself only if that many others have written meanwhile.
const maxWriters = 6

// writer names one attempt of one node to change values.
type writer struct {
	node    uint32
	attempt uint64
}

// value is what an engine stores under a key.
type value struct {
	epoch   uint32   // NotBefore when it was stored under a key without a value, Unix seconds
	version uint32   // 1 more with each change
	writers []writer // the last attempt of each node that wrote recently, newest first
	state   []byte
}

// encode returns the stored form of v.
func (v value) encode() []byte {
	b := make([]byte, 0, headSize+writerSize*len(v.writers)+len(v.state))
	b = append(b, formatByte)
	b = binary.LittleEndian.AppendUint32(b, v.epoch)
	b = binary.LittleEndian.AppendUint32(b, v.version)
	b = append(b, byte(len(v.writers)))
	for _, w := range v.writers {
		b = binary.LittleEndian.AppendUint32(b, w.node)
		b = binary.LittleEndian.AppendUint64(b, w.attempt)
	}
	return append(b, v.state...)
}

const (
	headSize   = 10 // of the format, the epoch, the version and the number of writers
	writerSize = 12 // of one writer
)

// stateOf returns the state in a value.
func stateOf(b []byte) ([]byte, error) {
	if len(b) < headSize || b[0] != formatByte || int(b[9]) > maxWriters || len(b) < headSize+writerSize*int(b[9]) {
		return nil, fmt.Errorf("a value of %d bytes is damaged, or a newer version of stile wrote it", len(b))
	}
	return b[headSize+writerSize*int(b[9]):], nil
}

// parseValue reads a value. Its state is a part of b.
func parseValue(b []byte) (v value, err error) {
	if v.state, err = stateOf(b); err != nil {
		return v, err
	}
	v.epoch, v.version = binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint32(b[5:])
	v.writers = make([]writer, b[9])
	for i := range v.writers {
		at := b[headSize+writerSize*i:]
		v.writers[i] = writer{binary.LittleEndian.Uint32(at), binary.LittleEndian.Uint64(at[4:])}
	}
	return v, nil
}

// by returns writers with a new attempt in front.
func by(w writer, writers []writer) []writer {
	next := append(make([]writer, 0, min(len(writers)+1, maxWriters)), w)
	for _, other := range writers {
		if other.node != w.node && len(next) < maxWriters {
			next = append(next, other)
		}
	}
	return next
}

// isNewer reports whether v was stored later than another value of its key. After a loss of memory,
// versions begin again.
func (v value) isNewer(other value) bool {
	return v.epoch > other.epoch || v.epoch == other.epoch && v.version > other.version
}

// order returns a number that is larger the later a value of a key was stored: also after a loss of
// memory, so that the database does not keep what was transferred before.
func (v value) order() uint64 { return uint64(v.epoch)<<31 | uint64(min(v.version, 1<<31-1)) }

// wrote reports whether an attempt has written v, or a value before it.
func (v value) wrote(w writer) bool { return slices.Contains(v.writers, w) }

// mayHide reports whether v would not name an attempt to write a version, although it has written.
func (v value) mayHide(version uint32) bool {
	return len(v.writers) == maxWriters && v.version >= version+maxWriters
}
