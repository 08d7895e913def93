package refusals

import "container/list"

// memory stores the latest refusals by reference, up to a maximum. When it is full, the address
// with the most refusals loses its oldest. Among several with the same number, it is the one that
// has had them for the longest. So an address displaces its own refusals first. Only as many
// addresses as the maximum can displace the only refusal of another one. It does not lock.
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
	next *note // the next newer one of the address
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

// add stores a refusal. If its reference exists already, the first one stays, as in the store.
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

// evict drops the oldest refusal of the address with the most.
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

// move moves an address to those with n notes.
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
