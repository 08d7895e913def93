package handlers

import (
	"hash/maphash"
	"sync"

	"stile.example/stile/tokens"
)

// maxTitles is how many titles one response of suggestions may show.
const maxTitles = 8

// titles remembers which titles suggestions showed to a token last, so that
// those that are shown again while somebody types are not counted again. It
// forgets, and then a title counts once more. The zero value is ready. It takes
// 4 MB at most.
type titles struct {
	mu         sync.Mutex
	seed       maphash.Seed
	fresh, old map[tokens.ID]*shown
}

const (
	maxShown    = 8_192 // tokens in each half of the memory
	titlesShown = 32    // of a token: some responses of eight
)

// shown are the last titles that were new to a token, as parts of hashes.
type shown struct {
	marks [titlesShown]uint32
	next  uint8
}

// count returns how many of the ids are new to the token, and remembers them.
func (t *titles) count(token tokens.ID, ids []string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.find(token)
	for _, id := range ids {
		if s.add(uint32(maphash.String(t.seed, id)) | 1) {
			n++
		}
	}
	return n
}

// find is called with mu held.
func (t *titles) find(token tokens.ID) *shown {
	s, ok := t.fresh[token]
	if ok {
		return s
	}
	if s, ok = t.old[token]; !ok {
		s = new(shown)
	}
	if t.fresh == nil {
		t.seed = maphash.MakeSeed()
	}
	if t.fresh == nil || len(t.fresh) >= maxShown {
		t.fresh, t.old = map[tokens.ID]*shown{}, t.fresh
	}
	t.fresh[token] = s
	return s
}

// add reports whether a mark, which is not 0, is new.
func (s *shown) add(mark uint32) bool {
	for _, m := range s.marks {
		if m == mark {
			return false
		}
	}
	s.marks[s.next] = mark
	s.next = (s.next + 1) % titlesShown
	return true
}
