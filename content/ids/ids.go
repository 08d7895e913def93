// Package ids finds ids that are repeated in an import.
package ids

import "hash/maphash"

// Set stores the ids of an import with their positions, in 12 bytes each: a million of them must
// fit into memory with everything else. It stores 64 bits of an id's hash. So two different ids are
// taken for one in one of 30 million imports of a million items, and not again when the import is
// repeated.
type Set struct {
	folder bool // each item is in a file of its own
	seed   maphash.Seed
	at     map[uint64]uint32 // line; in a folder, index into files
	files  []string
}

// New returns an empty set. In a folder, each item is in a file of its own. Otherwise all are in
// one file.
func New(folder bool) Set {
	return Set{folder: folder, seed: maphash.MakeSeed(), at: map[uint64]uint32{}}
}

// Add adds the id of the item at a line of a file. If the id was added before, it returns where,
// with line 0 in a folder.
func (s *Set) Add(id, file string, line int) (firstFile string, firstLine int, repeated bool) {
	key := maphash.String(s.seed, id)
	n, ok := s.at[key]
	switch {
	case ok && s.folder:
		return s.files[n], 0, true
	case ok:
		return file, int(n), true
	case s.folder:
		s.at[key] = uint32(len(s.files))
		s.files = append(s.files, file)
	default:
		s.at[key] = uint32(line)
	}
	return "", 0, false
}
