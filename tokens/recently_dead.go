package tokens

import "sync"

// maxPerHalf is how many dead tokens a graveyard remembers, in each of two halves:
// about 3 MB in all.
const maxPerHalf = 1 << 16

// recentlyDead remembers tokens that died lately. It is bounded: a full half
// becomes the old one, and the old one is forgotten.
type recentlyDead struct {
	mu         sync.RWMutex
	fresh, old map[ID]Reason
}

func (g *recentlyDead) add(id ID, why Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fresh == nil || len(g.fresh) >= maxPerHalf {
		g.fresh, g.old = make(map[ID]Reason), g.fresh
	}
	g.fresh[id] = why
}

func (g *recentlyDead) get(id ID) Reason {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if why, ok := g.fresh[id]; ok {
		return why
	}
	return g.old[id]
}
