package refusals

import "container/list"

// memory keeps the latest refusals by reference, at most as many as it was made
// for. When it is full, the address that has the most loses its oldest, and of
// several with as many, the one that has had them for the longest. One address
// therefore pushes out its own; only as many addresses as there are places can
// push out the single refusal of another one. It does not lock.
type memory struct {
	most      int
	byRef     map[string]*note
	byAddress map[string]*holder
	holding   []*list.List // of *holder, by how many notes they have
	longest   int          // no holder has more notes
}

// note is one refusal, and the row that it is counted in.
type note struct {
	Refusal
	row  *entry[row]
	next *note // the address's next newer one
}

// holder is an address with its notes.
type holder struct {
	oldest, newest *note
	n              int
	at             *list.Element // in holding[n]
}

func newMemory(most int) *memory {
	return &memory{most: most, byRef: make(map[string]*note), byAddress: make(map[string]*holder),
		holding: make([]*list.List, most+1)}
}

// add keeps a refusal. Of two with one reference the first stays, as it does in
// the store.
func (m *memory) add(f Refusal, in *entry[row]) {
	if _, ok := m.byRef[f.Ref]; ok {
		return
	}
	if len(m.byRef) == m.most {
		m.evict()
	}
	n := &note{Refusal: f, row: in}
	m.byRef[f.Ref] = n
	h := m.byAddress[f.Address]
	if h == nil {
		h = &holder{oldest: n}
		m.byAddress[f.Address] = h
	} else {
		h.newest.next = n
	}
	h.newest = n
	m.move(h, h.n+1)
}

// evict drops the oldest refusal of the address that has the most.
func (m *memory) evict() {
	for m.holding[m.longest] == nil || m.holding[m.longest].Len() == 0 {
		m.longest--
	}
	h := m.holding[m.longest].Front().Value.(*holder)
	gone := h.oldest
	h.oldest = gone.next
	delete(m.byRef, gone.Ref)
	m.move(h, h.n-1)
	if h.n == 0 {
		delete(m.byAddress, gone.Address)
	}
}

// move puts an address among those that have n notes.
func (m *memory) move(h *holder, n int) {
	if h.at != nil {
		m.holding[h.n].Remove(h.at)
		h.at = nil
	}
	if h.n = n; n == 0 {
		return
	}
	if m.holding[n] == nil {
		m.holding[n] = list.New()
	}
	h.at = m.holding[n].PushBack(h)
	m.longest = max(m.longest, n)
}
