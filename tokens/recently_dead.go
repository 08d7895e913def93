package tokens

import "sync"

// maxPerHalf is the maximum number of tokens in each half of a recentlyDead. Both halves take about
// 3 MB.
const maxPerHalf = 1 << 16

// recentlyDead stores why tokens died recently. It is bounded: when the newer half is full, it
// becomes the older half, and the previous older half is dropped. It is not a recent.Map, because
// this package imports only the standard library.
type recentlyDead struct {
	mu           sync.RWMutex
	newer, older map[ID]Reason
}

func (r *recentlyDead) add(id ID, why Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.newer == nil || len(r.newer) >= maxPerHalf {
		r.newer, r.older = make(map[ID]Reason), r.newer
	}
	r.newer[id] = why
}

func (r *recentlyDead) get(id ID) Reason {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if why, ok := r.newer[id]; ok {
		return why
	}
	return r.older[id]
}
