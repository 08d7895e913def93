package tokens

import "sync"

// maxPerHalf is how many dead tokens each half of recentlyDead holds: about 3 MB in all.
const maxPerHalf = 1 << 16

// recentlyDead caches which tokens died recently, and why. It is bounded: once the new half is
// full, it becomes the old half, and the previous old half is dropped. The zero value is empty.
type recentlyDead struct {
	mu         sync.RWMutex
	fresh, old map[ID]Reason
}

func (d *recentlyDead) add(id ID, why Reason) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fresh == nil || len(d.fresh) >= maxPerHalf {
		d.fresh, d.old = make(map[ID]Reason), d.fresh
	}
	d.fresh[id] = why
}

func (d *recentlyDead) get(id ID) Reason {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if why, ok := d.fresh[id]; ok {
		return why
	}
	return d.old[id]
}
