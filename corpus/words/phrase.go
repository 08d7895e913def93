package words

// Phrase is one typed word, as a sequence of indexed words that must follow each other. Most typed
// words are one indexed word.
type Phrase struct {
	Words  []Word
	Prefix bool // the last word may be a prefix of an indexed word

	// Also is a word that may be there instead, or "": the second spelling of a single word.
	Also string
	// Apart is words that may be there instead, anywhere in a text: the letters of an acronym.
	Apart []string
}

// SignPhrase returns a sign as a phrase.
func SignPhrase(sign string) Phrase { return Phrase{Words: []Word{{Text: sign}}} }

// PhraseOf splits a typed word as [Of] splits a text. The last character of a run without spaces is
// indexed alone only at the end of a run. Therefore the phrase omits it after a pair that contains
// it, and otherwise takes it as a prefix of a pair.
//
// An acronym is found as a word, and in texts that have its letters as words.
func PhraseOf(typed string) (p Phrase) {
	for w := range Of(typed) {
		p.Words = append(p.Words, w)
	}
	if a, ok := acronymOf(Word{Text: typed, End: len(typed)}); ok {
		for _, letter := range p.Words {
			p.Apart = append(p.Apart, letter.Text)
		}
		p.Words = []Word{a.Word}
		return p
	}
	n := len(p.Words)
	if n == 0 || !p.Words[n-1].Unspaced {
		if n == 1 {
			p.Also = respell(typed)
		}
		return p
	}
	if n > 1 && p.Words[n-2].Unspaced && p.Words[n-2].End == p.Words[n-1].End {
		p.Words = p.Words[:n-1]
	} else {
		p.Prefix = true
	}
	return p
}

// Tokens returns how many indexed words are searched for.
func (p Phrase) Tokens() int {
	n := len(p.Words) + len(p.Apart)
	if p.Also != "" {
		n++
	}
	return n
}

// Cut keeps the first n words. It omits what may be there instead, if that does not fit.
func (p *Phrase) Cut(n int) {
	if p.Tokens() > n {
		p.Also, p.Apart = "", nil
	}
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
	if p.Also != "" {
		marks = append(marks, Mark{p.Also, p.Prefix})
	}
	return marks
}
