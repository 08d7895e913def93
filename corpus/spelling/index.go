package spelling

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Index is the words of one owner, in their order. A word takes its letters and 9 bytes. The zero
// Index is empty. It never changes, so it is safe for concurrent use.
type Index struct {
	text   string
	ends   []uint32 // of each word in text
	items  []uint32
	shared []uint8 // bytes that a word has in common with the one before it
}

// NewIndex returns an index of those words that a mistyped word can mean.
func NewIndex(words []Word) *Index {
	words = slices.DeleteFunc(slices.Clone(words), func(w Word) bool { return !canBeMeant(w) })
	slices.SortFunc(words, func(a, b Word) int { return strings.Compare(a.Text, b.Text) })
	x := &Index{
		ends: make([]uint32, len(words)), items: make([]uint32, len(words)), shared: make([]uint8, len(words)),
	}
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			x.shared[i] = commonBytes(words[i-1].Text, w.Text)
		}
		b.WriteString(w.Text)
		x.ends[i], x.items[i] = uint32(b.Len()), uint32(min(w.Items, math.MaxUint32))
	}
	x.text = b.String()
	return x
}

func canBeMeant(w Word) bool {
	return w.Items > 0 && len(w.Text) < maxBytes && utf8.RuneCountInString(w.Text) >= minLetters && isLetters(w.Text)
}

func commonBytes(a, b string) (n uint8) {
	for int(n) < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// Len returns how many words the index has.
func (x *Index) Len() int { return len(x.ends) }

// Bytes returns how much memory the index takes.
func (x *Index) Bytes() int { return len(x.text) + 9*len(x.ends) }

func (x *Index) word(i int) string {
	from := uint32(0)
	if i > 0 {
		from = x.ends[i-1]
	}
	return x.text[from:x.ends[i]]
}

// startItems adds up the items of word i and of those after it that begin with its first bytes.
func (x *Index) startItems(i, bytes int) (n int) {
	for from := i; i < len(x.ends) && (i == from || int(x.shared[i]) >= bytes); i++ {
		n += int(x.items[i])
	}
	return n
}
