// Package titles knows which titles suggestions showed to each token recently.
package titles

import (
	"hash/maphash"
	"slices"
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

// New returns how many of the ids, which must be different, are new to the token.
func (t *Shown) New(token tokens.ID, ids []string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, known := t.tokens.Use(token)
	for _, id := range ids {
		if !known || !s.has(t.mark(id)) {
			n++
		}
	}
	return n
}

// Add stores the ids of a response that was admitted. Those of a refused one stay new: otherwise
// they would be shown without being counted when the request is repeated.
func (t *Shown) Add(token tokens.ID, ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, known := t.tokens.Use(token)
	if !known {
		s = new(marks)
		t.tokens.Put(token, s)
	}
	for _, id := range ids {
		if mark := t.mark(id); !s.has(mark) {
			s.list[s.next] = mark
			s.next = (s.next + 1) % titlesShown
		}
	}
}

// mark returns what is stored of an id; it is not 0.
func (t *Shown) mark(id string) uint32 { return uint32(maphash.String(t.seed, id)) | 1 }

func (s *marks) has(mark uint32) bool { return slices.Contains(s.list[:], mark) }
