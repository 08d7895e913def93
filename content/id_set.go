package content

import (
	"fmt"
	"hash/maphash"
)

// sourcePos is the position of a record. Line 0 is unknown.
type sourcePos struct {
	file string
	line int
}

func (p sourcePos) String() string {
	if p.line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// idSet stores the ids of an import with their positions, in 12 bytes each: a million of them must
// fit into memory with everything else. It stores 64 bits of an id's hash. So two different ids are
// taken for one in one of 30 million imports of a million items, and not again when the import is
// repeated.
type idSet struct {
	folder bool // each record is in a file of its own
	seed   maphash.Seed
	at     map[uint64]uint32 // line; in a folder, index into files
	files  []string
}

func newIDSet(folder bool) idSet {
	return idSet{folder: folder, seed: maphash.MakeSeed(), at: map[uint64]uint32{}}
}

// add returns an error for an id that was added before.
func (s *idSet) add(id string, at sourcePos) error {
	key := maphash.String(s.seed, id)
	n, ok := s.at[key]
	switch {
	case ok && s.folder:
		return fmt.Errorf("id %s is repeated: %s has it already; write another id: in the front matter of one", quote(id), s.files[n])
	case ok:
		return fmt.Errorf("id %s is repeated: %v has it already", quote(id), sourcePos{at.file, int(n)})
	case s.folder:
		s.at[key] = uint32(len(s.files))
		s.files = append(s.files, at.file)
	default:
		s.at[key] = uint32(at.line)
	}
	return nil
}
