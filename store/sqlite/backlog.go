package sqlite

import "stile.example/stile/tokens"

// backlog is the ids whose states are newer than their rows, in the order in
// which they became so.
type backlog struct {
	entries []entry
	head    int
}

// entry is an id and the number of the journal's row that made it dirty. Its
// rows before that say nothing new.
type entry struct {
	id  tokens.ID
	seq int64
}

func (b *backlog) len() int { return len(b.entries) - b.head }

func (b *backlog) push(e entry) { b.entries = append(b.entries, e) }

// first is the n oldest entries, or as many as there are.
func (b *backlog) first(n int) []entry {
	return b.entries[b.head : b.head+min(n, b.len())]
}

// before is the oldest entries, those of rows before seq, n at most.
func (b *backlog) before(seq int64, n int) []entry {
	due := b.first(n)
	for i, e := range due {
		if e.seq >= seq {
			return due[:i]
		}
	}
	return due
}

// after is the row of the oldest entry but n, or last if there are no more.
func (b *backlog) after(n int, last int64) int64 {
	if n < b.len() {
		return b.entries[b.head+n].seq
	}
	return last
}

// pop forgets the n oldest entries.
func (b *backlog) pop(n int) {
	b.head += n
	if b.head == len(b.entries) {
		b.entries, b.head = b.entries[:0], 0
	} else if b.head > 1024 && b.head > len(b.entries)/2 {
		b.entries, b.head = b.entries[:copy(b.entries, b.entries[b.head:])], 0
	}
}
