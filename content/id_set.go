package content

import (
	"fmt"
	"hash/maphash"
)

// sourcePos is where a record stands. Line 0 is not known.
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

// idSet remembers the ids of an import and where they stand, in 12 bytes each:
// a million of them must fit beside everything else. Of an id it keeps 64 bits
// of hash, so two different ones look like one in one of thirty million
// imports of a million items, and not again when the import is repeated.
type idSet struct {
	folder bool // each record stands in a file of its own
	seed   maphash.Seed
	at     map[uint64]uint32 // line; in a folder, index into files
	files  []string
}

func newIDSet(folder bool) idSet {
	return idSet{folder: folder, seed: maphash.MakeSeed(), at: map[uint64]uint32{}}
}

// add refuses an id that was there before.
func (s *idSet) add(id string, at sourcePos) error {
	key := maphash.String(s.seed, id)
	n, ok := s.at[key]
	switch {
	case ok && s.folder:
		return fmt.Errorf("id %s is repeated: %s has it already", quote(id), s.files[n])
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
