package tokens

import "sync"

// plots is how many dead tokens a graveyard remembers, in each of two halves:
// about 3 MB in all.
const plots = 1 << 16

// graveyard remembers tokens that died lately. It is bounded: a full half
// becomes the old one, and the old one is forgotten.
type graveyard struct {
	mu         sync.RWMutex
	fresh, old map[ID]Reason
}

func (g *graveyard) bury(id ID, why Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fresh == nil || len(g.fresh) >= plots {
		g.fresh, g.old = make(map[ID]Reason), g.fresh
	}
	g.fresh[id] = why
}

func (g *graveyard) find(id ID) Reason {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if why, ok := g.fresh[id]; ok {
		return why
	}
	return g.old[id]
}
