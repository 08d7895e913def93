package handlers

import (
	"hash/maphash"
	"sync"

	"stile.example/stile/recent"
	"stile.example/stile/tokens"
)

// maxTitles is the maximum of titles in one response of suggestions.
const maxTitles = 8

// titles stores which titles suggestions showed to each token recently, so that a title is not
// counted again while a visitor types. After an eviction a title counts once more. It takes 4 MB at
// most. Its methods are safe for concurrent use.
type titles struct {
	seed maphash.Seed

	mu     sync.Mutex
	tokens recent.Map[tokens.ID, *shown]
}

const (
	maxShown    = 16_384 // tokens
	titlesShown = 32     // of a token: those of four responses or more
)

// shown holds the titles that were new to a token most recently, as parts of hashes.
type shown struct {
	marks [titlesShown]uint32
	next  uint8
}

func newTitles() *titles {
	return &titles{seed: maphash.MakeSeed(), tokens: recent.New[tokens.ID, *shown](maxShown)}
}

// count returns how many of the ids are new to the token, and stores them.
func (t *titles) count(token tokens.ID, ids []string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, known := t.tokens.Use(token)
	if !known {
		s = new(shown)
		t.tokens.Put(token, s)
	}
	for _, id := range ids {
		if s.add(uint32(maphash.String(t.seed, id)) | 1) {
			n++
		}
	}
	return n
}

// add reports whether a mark, which is not 0, is new, and stores it.
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
