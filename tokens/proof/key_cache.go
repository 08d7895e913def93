package proof

import "sync"

// maxKeys is how many tokens' keys are remembered, in each of two halves. With
// their tables and headers that is 40 MB at most.
const maxKeys = 1 << 11

// keyCache remembers the keys that tokens are bound to, each with the encoded
// header that it was last in: a browser sends the same header each time. To
// read a key, and to check that it is a point of its curve, takes longer than
// everything else about a proof except its signature.
//
// Only a spent proof adds a key, and a token has one place however many headers
// are sent with it. So neither unbound tokens nor made-up keys displace the keys
// of others. The zero keys is empty.
type keyCache struct {
	mu         sync.RWMutex
	fresh, old map[digest]*key // by token
}

// find returns the key in header if it is the one last spent with the token,
// else nil.
func (s *keyCache) find(token digest, header string) *key {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k := s.fresh[token]
	if k == nil {
		k = s.old[token]
	}
	if k == nil || k.header != header {
		return nil
	}
	return k
}

func (s *keyCache) keep(token digest, k *key) {
	if s.has(token, k) { // nearly always
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh == nil || len(s.fresh) >= maxKeys && s.fresh[token] == nil {
		s.fresh, s.old = make(map[digest]*key), s.fresh
	}
	s.fresh[token] = k
}

func (s *keyCache) has(token digest, k *key) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.fresh[token] == k
}
