package words

// Phrase is one typed word, as a sequence of indexed words that must follow each other. Most typed
// words are one indexed word.
type Phrase struct {
	Words  []Word
	Prefix bool // the last word may be a prefix of an indexed word
}

// PhraseOf splits a typed word as [Of] splits a text. The last character of a run without spaces is
// indexed alone only at the end of a run. Therefore the phrase omits it after a pair that contains
// it, and otherwise takes it as a prefix of a pair.
func PhraseOf(typed string) (p Phrase) {
	for w := range Of(typed) {
		p.Words = append(p.Words, w)
	}
	n := len(p.Words)
	if n == 0 || !p.Words[n-1].Unspaced {
		return p
	}
	if n > 1 && p.Words[n-2].Unspaced && p.Words[n-2].End == p.Words[n-1].End {
		p.Words = p.Words[:n-1]
	} else {
		p.Prefix = true
	}
	return p
}

// Cut keeps the first n words.
func (p *Phrase) Cut(n int) {
	if len(p.Words) > n {
		p.Words, p.Prefix = p.Words[:n], false
	}
}

// Last returns the text of the last word. The phrase must not be empty.
func (p Phrase) Last() string { return p.Words[len(p.Words)-1].Text }

// Marks returns what to highlight where the phrase is found.
func (p Phrase) Marks() (marks []Mark) {
	for i, w := range p.Words {
		marks = append(marks, Mark{w.Text, p.Prefix && i == len(p.Words)-1})
	}
	return marks
}
