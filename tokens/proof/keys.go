package proof

import "sync"

// maxKeys is how many keys are remembered, in each of two halves: with their
// tables some 30 MB in all.
const maxKeys = 1 << 11

// keys remembers the keys that have signed good proofs lately, by the encoded
// header that they stand in: a browser makes the same one each time. To read a
// key, and to see that it is a point of its curve, takes longer than all else
// about a proof but its signature. The zero keys is empty.
type keys struct {
	mu         sync.RWMutex
	fresh, old map[string]*key
}

func (s *keys) find(header string) *key {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.fresh[header]; k != nil {
		return k
	}
	return s.old[header]
}

func (s *keys) keep(header string, k *key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh == nil || len(s.fresh) >= maxKeys {
		s.fresh, s.old = make(map[string]*key), s.fresh
	}
	s.fresh[header] = k
}
