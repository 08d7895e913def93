package spelling

import "unicode/utf8"

// walk computes the distances of a mistyped word to all words of an index, in one pass. Words next
// to each other have a start in common, for which the distances are computed once. Where a start is
// too far from every start of the mistyped word, all words with it are skipped.
type walk struct {
	typed  []rune
	most   int  // maximum distance
	starts bool // also find starts of words
	found  map[key]Candidate

	depth int                                   // letters of the current word that have a row
	path  [maxLetters + 4]rune                  // those letters
	ends  [maxLetters + 4]int                   // where they end, in bytes
	rows  [maxLetters + 4][maxLetters + 1]uint8 // rows[i][j]: distance of i letters to j typed ones
}

type key struct {
	text   string
	prefix bool
}

// over adds the candidates of an index.
func (w *walk) over(x *Index) {
	if w.found == nil {
		w.found = map[key]Candidate{}
		for j := range w.typed {
			w.rows[0][j+1] = uint8(j + 1)
		}
	}
	w.depth = 0
	for i := 0; i < x.Len(); {
		w.climb(int(x.shared[i]))
		skip := w.descend(x, i)
		if i++; skip < 0 {
			continue
		}
		for i < x.Len() && int(x.shared[i]) >= skip {
			i++
		}
	}
}

// climb drops the letters that are not in the first bytes of a word.
func (w *walk) climb(bytes int) {
	for w.depth > 0 && w.ends[w.depth] > bytes {
		w.depth--
	}
}

// descend computes the rows of word i. If the word can't be a candidate because of its first bytes,
// it returns how many; else -1.
func (w *walk) descend(x *Index, i int) (skip int) {
	word := x.word(i)
	for at := w.ends[w.depth]; at < len(word); {
		r, size := utf8.DecodeRuneInString(word[at:])
		at += size
		w.depth++
		w.path[w.depth], w.ends[w.depth] = r, at
		if w.row() > w.most {
			w.depth--
			return at
		}
		if w.starts && at < len(word) && w.endsAlike() {
			w.add(x, i, at, true)
		}
	}
	w.add(x, i, len(word), false)
	return -1
}

// row computes the row of the current depth and returns its minimum. It omits the cells that are
// further from the diagonal than the maximum distance, since those are larger than that.
func (w *walk) row() int {
	i := w.depth
	row, above := &w.rows[i], &w.rows[i-1]
	from, to := max(1, i-w.most), min(len(w.typed), i+w.most)
	beyond := uint8(w.most + 1)
	row[from-1] = beyond
	if from == 1 {
		row[0] = uint8(i)
	}
	least := row[from-1]
	for j := from; j <= to; j++ {
		d := above[j-1]
		if w.path[i] != w.typed[j-1] {
			d = 1 + min(d, above[j], row[j-1])
			if w.isSwap(i, j) {
				d = min(d, w.rows[i-2][j-2]+1)
			}
		}
		row[j] = d
		least = min(least, d)
	}
	if to < len(w.typed) {
		row[to+1] = beyond // the next row reads it
	}
	return int(least)
}

func (w *walk) isSwap(i, j int) bool {
	return i > 1 && j > 1 && w.path[i] == w.typed[j-2] && w.path[i-1] == w.typed[j-1]
}

// endsAlike reports whether the letters so far are a start that the mistyped word may mean: they
// end as it does. Otherwise a wrong last letter would find everything that begins with the others.
func (w *walk) endsAlike() bool {
	n := len(w.typed)
	return w.path[w.depth] == w.typed[n-1] || w.isSwap(w.depth, n)
}

// add adds the first bytes of word i, if they are near enough. A start is added once: for the first
// of the words that have it.
func (w *walk) add(x *Index, i, bytes int, isStart bool) {
	d := int(w.rows[w.depth][len(w.typed)])
	if w.depth < len(w.typed)-w.most || d > w.most {
		return
	}
	k, items := key{x.word(i)[:bytes], isStart}, int(x.items[i])
	if isStart {
		items = x.startItems(i, bytes)
	}
	c := w.found[k]
	c.Distance = d
	c.Items += items
	w.found[k] = c
}
