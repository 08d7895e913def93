package content

import (
	"fmt"
	"hash/maphash"
)

// sourcePos is the position of a record. Line 0 is unknown. The item is the number of the record in
// a list, where a line may have several, and 0 in other sources.
type sourcePos struct {
	file string
	line int
	item int
}

func (p sourcePos) String() string {
	if p.line == 0 {
		return p.file
	}
	if p.item > 0 {
		return fmt.Sprintf("item %d on %s:%d", p.item, p.file, p.line)
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// wrap names the item that an error is about, if its line does not.
func (p sourcePos) wrap(err error) error {
	if p.item == 0 || err == nil {
		return err
	}
	return fmt.Errorf("item %d: %w", p.item, err)
}

// idSet stores the ids of an import with their positions, in 16 bytes each: a million of them must
// fit into memory with everything else. It stores 64 bits of an id's hash. So two different ids are
// taken for one in one of 30 million imports of a million items, and not again when the import is
// repeated.
type idSet struct {
	folder bool // each record is in a file of its own
	seed   maphash.Seed
	at     map[uint64]idPos
	files  []string
}

// idPos is the position of an id: its line, or in a folder the index into files; and its item.
type idPos struct{ line, item uint32 }

func newIDSet(folder bool) idSet {
	return idSet{folder: folder, seed: maphash.MakeSeed(), at: map[uint64]idPos{}}
}

// add returns an error for an id that was added before.
func (s *idSet) add(id string, at sourcePos) error {
	key := maphash.String(s.seed, id)
	n, ok := s.at[key]
	switch {
	case ok && s.folder:
		return fmt.Errorf("id %s is repeated: %s has it already", quote(id), s.files[n.line])
	case ok:
		return at.wrap(fmt.Errorf("id %s is repeated: %v has it already", quote(id), sourcePos{at.file, int(n.line), int(n.item)}))
	case s.folder:
		s.at[key] = idPos{line: uint32(len(s.files))}
		s.files = append(s.files, at.file)
	default:
		s.at[key] = idPos{uint32(at.line), uint32(at.item)}
	}
	return nil
}
