// Package ids defines the form of ids, makes them from names, and finds those that are repeated in
// an import.
package ids

import "hash/maphash"

// Set stores the ids of an import with their positions, in 16 bytes each: a million of them must
// fit into memory with everything else. It stores 64 bits of an id's hash. So two different ids are
// taken for one in one of 30 million imports of a million items, and not again when the import is
// repeated.
type Set struct {
	folder bool // each item is in a file of its own
	seed   maphash.Seed
	at     map[uint64]pos
	files  []string
}

// pos is the position of an id: its line, or in a folder the index into files, and its item.
type pos struct{ line, item uint32 }

// New returns an empty set. In a folder, each item is in a file of its own. Otherwise all are in
// one file.
func New(folder bool) Set {
	return Set{folder: folder, seed: maphash.MakeSeed(), at: map[uint64]pos{}}
}

// Add adds the id of the item at a line of a file. The item is its number on that line, for files
// whose lines may have several, or 0. If the id was added before, it returns where, with line 0 in
// a folder.
func (s *Set) Add(id, file string, line, item int) (firstFile string, firstLine, firstItem int, repeated bool) {
	key := maphash.String(s.seed, id)
	n, ok := s.at[key]
	switch {
	case ok && s.folder:
		return s.files[n.line], 0, 0, true
	case ok:
		return file, int(n.line), int(n.item), true
	case s.folder:
		s.at[key] = pos{line: uint32(len(s.files))}
		s.files = append(s.files, file)
	default:
		s.at[key] = pos{uint32(line), uint32(item)}
	}
	return "", 0, 0, false
}
