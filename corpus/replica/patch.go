package replica

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// pageSize is the unit of patches: a page of SQLite.
const pageSize = 4096

// patch collects the pages of a file that differ from those of its parent: runs of pages, each with
// the number of its first page, how many follow, and the pages. The last page may be shorter.
type patch struct {
	b     []byte
	pages int
	over  bool // it has become too large to be useful
}

// add adds the pages of a chunk that differ from those at the same place.
func (p *patch) add(chunk int, is, was []byte) {
	first := int64(chunk) * (ChunkSize / pageSize)
	for at := 0; at < len(is) && !p.over; {
		n := 0
		for at+n < len(is) && !samePage(is, was, at+n) {
			n = min(n+pageSize, len(is)-at)
		}
		if n == 0 {
			at += pageSize
			continue
		}
		p.b = binary.AppendUvarint(p.b, uint64(first+int64(at/pageSize)))
		p.b = binary.AppendUvarint(p.b, uint64(n))
		p.b = append(p.b, is[at:at+n]...)
		p.pages += (n + pageSize - 1) / pageSize
		p.over = len(p.b) > maxPatch
		at += n
	}
}

func samePage(is, was []byte, at int) bool {
	end := min(at+pageSize, len(is))
	return end <= len(was) && bytes.Equal(is[at:end], was[at:end])
}

// packed returns the patch as it is stored, nil if it has become too large.
func (p *patch) packed() []byte {
	if p.over {
		return nil
	}
	return Pack(p.b)
}

// apply writes the pages of a packed patch to a file, and removes the hashes of the chunks that it
// changes. It verifies nothing: the caller must.
func (h Hashes) apply(to io.WriterAt, packed []byte) error {
	b, err := unpack(packed, maxPatch+ChunkSize)
	if err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	for len(b) > 0 {
		page, n := binary.Uvarint(b)
		if n <= 0 || page > maxSize/pageSize {
			return fmt.Errorf("patch: %w", ErrDamaged)
		}
		b = b[n:]
		size, n := binary.Uvarint(b)
		if n <= 0 || size == 0 || size > uint64(len(b)-n) {
			return fmt.Errorf("patch: %w", ErrDamaged)
		}
		h.forget(int64(page)*pageSize, int64(size))
		if _, err := to.WriteAt(b[n:n+int(size)], int64(page)*pageSize); err != nil {
			return err
		}
		b = b[n+int(size):]
	}
	return nil
}

// forget removes the hashes of the chunks that contain a range of bytes.
func (h Hashes) forget(at, size int64) {
	for n := at / ChunkSize; n <= (at+size-1)/ChunkSize && n < int64(len(h)); n++ {
		h[n] = Hash{}
	}
}
