// Package titles knows which titles suggestions showed to each token recently.
package titles

import (
	"hash/maphash"
	"sync"

	"stile.example/stile/recent"
	"stile.example/stile/tokens"
)

// Max is the maximum of titles in one response of suggestions.
const Max = 8

// Shown stores which titles suggestions showed to each token recently, so that a title is not
// counted again while a visitor types. After an eviction a title counts once more. It takes 4 MB at
// most. Its methods are safe for concurrent use.
type Shown struct {
	seed maphash.Seed

	mu     sync.Mutex
	tokens recent.Map[tokens.ID, *marks]
}

const (
	maxShown    = 16_384 // tokens
	titlesShown = 32     // of a token: those of four responses or more
)

// marks holds the titles that were new to a token most recently, as parts of hashes.
type marks struct {
	list [titlesShown]uint32
	next uint8
}

// New returns an empty [Shown].
func New() *Shown {
	return &Shown{seed: maphash.MakeSeed(), tokens: recent.New[tokens.ID, *marks](maxShown)}
}

// Count returns how many of the ids are new to the token, and stores them.
func (t *Shown) Count(token tokens.ID, ids []string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, known := t.tokens.Use(token)
	if !known {
		s = new(marks)
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
func (s *marks) add(mark uint32) bool {
	for _, m := range s.list {
		if m == mark {
			return false
		}
	}
	s.list[s.next] = mark
	s.next = (s.next + 1) % titlesShown
	return true
}
