package content

import (
	"fmt"
	"hash/maphash"
)

// place is where a record stands. Line 0 is not known.
type place struct {
	file string
	line int
}

func (p place) String() string {
	if p.line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// seen remembers the ids of an import and where they stand, in 12 bytes each:
// a million of them must fit beside everything else. Of an id it keeps 64 bits
// of hash, so two different ones look like one in one of thirty million
// imports of a million items, and not again when the import is repeated.
type seen struct {
	folder bool // each record stands in a file of its own
	seed   maphash.Seed
	at     map[uint64]uint32 // line; in a folder, index into files
	files  []string
}

func newSeen(folder bool) seen {
	return seen{folder: folder, seed: maphash.MakeSeed(), at: map[uint64]uint32{}}
}

// add refuses an id that was there before.
func (s *seen) add(id string, at place) error {
	key := maphash.String(s.seed, id)
	n, ok := s.at[key]
	switch {
	case ok && s.folder:
		return fmt.Errorf("id %s is repeated: %s has it already", quote(id), s.files[n])
	case ok:
		return fmt.Errorf("id %s is repeated: %v has it already", quote(id), place{at.file, int(n)})
	case s.folder:
		s.at[key] = uint32(len(s.files))
		s.files = append(s.files, at.file)
	default:
		s.at[key] = uint32(at.line)
	}
	return nil
}
