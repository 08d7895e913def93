package proof

import (
	"sync"

	"stile.example/stile/recent"
)

// maxKeys is the maximum number of tokens whose keys are cached. With their headers, the keys take
// at most 4 MB.
const maxKeys = 1 << 12

// keyCache stores the keys that tokens are bound to, each with the encoded header that it was last
// read from: a browser sends the same header each time. Reading a key takes 7 µs for ES256 and 5 µs
// for EdDSA; getting it from the cache takes 0.1 µs. A complete check of a proof takes about
// 100 µs (BenchmarkCheck, ES256).
//
// Only a spent proof adds a key, and each token has one entry, however many headers are sent with
// it. So neither unbound tokens nor invented keys displace the keys of others.
type keyCache struct {
	mu   sync.RWMutex
	keys recent.Map[digest, *key] // by token
}

func newKeyCache() keyCache {
	return keyCache{keys: recent.New[digest, *key](maxKeys)}
}

// get returns the key in header if it is the one last spent with the token, else nil.
func (c *keyCache) get(token digest, header string) *key {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if k, _ := c.keys.Get(token); k != nil && k.header == header {
		return k
	}
	return nil
}

// put stores the key last spent with the token. It needs exclusive access only if the key is not
// stored yet, or is about to be dropped.
func (c *keyCache) put(token digest, k *key) {
	if c.has(token, k) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys.Put(token, k)
}

func (c *keyCache) has(token digest, k *key) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	newer, _ := c.keys.GetNewer(token)
	return newer == k
}
