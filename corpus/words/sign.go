package words

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A sign is what people write in addition to words, and what distinguishes C++ from C:
//
//   - a word with the marks attached to it: C++, .NET, AT&T, node.js;
//   - a symbol: 🍕, €, ∞;
//   - marks that are alone between blanks, if nothing else is there: ???.
//
// In a query with words, signs decide the order of what is found. Without words, they must be
// there. A sign is one word of the full text. Its ASCII marks are written as characters for private
// use, because the tokenizer splits at marks.
const markBase = 0xe000

// Signs returns the first n different signs of a query, as they are indexed. If it has symbols,
// marks that are alone are omitted.
func Signs(n int, q string) []string {
	var signs, alone []string
	for s := range signsOf(q) {
		switch {
		case s.kind == marksAlone:
			alone = appendNew(alone, s.Text, n)
		case s.kind != acronym:
			signs = appendNew(signs, s.Text, n)
		}
	}
	if len(signs) == 0 {
		return alone
	}
	return signs
}

// IsSign reports whether an indexed word is a sign.
func IsSign(word string) bool {
	return strings.ContainsFunc(word, func(r rune) bool { return !inWord(r) })
}

func appendNew(list []string, s string, n int) []string {
	for _, t := range list {
		if s == t {
			return list
		}
	}
	if len(list) == n {
		return list
	}
	return append(list, s)
}

type signKind uint8

const (
	marked     signKind = iota // a word with marks
	symbol                     // a symbol
	marksAlone                 // marks without words
	acronym                    // letters with dots between them, as one word without the dots
)

// sign is a part of a text that is indexed in addition to its words. An acronym's text is a word.
type sign struct {
	Word
	kind signKind
}

// signsOf yields the signs of a text, chunk by chunk. Chunks are what blanks separate.
func signsOf(text string) iter.Seq[sign] {
	return func(yield func(sign) bool) {
		for start, end := range chunksOf(text) {
			chunk := text[start:end]
			if isPlain(chunk) {
				continue
			}
			for s := range signsIn(chunk) {
				s.Start, s.End = s.Start+start, s.End+start
				if !yield(s) {
					return
				}
			}
		}
	}
}

// chunksOf yields the positions of what blanks separate.
func chunksOf(text string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		start := -1
		for i, r := range text {
			switch blank := isBlank(r); {
			case blank && start >= 0:
				if !yield(start, i) {
					return
				}
				start = -1
			case !blank && start < 0:
				start = i
			}
		}
		if start >= 0 {
			yield(start, len(text))
		}
	}
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// isPlain reports whether a chunk is a word of ASCII with nothing but a full stop, a comma or the
// like after it, as most are. It is only a short cut.
func isPlain(chunk string) bool {
	end := len(strings.TrimRight(chunk, ".,;:!?)"))
	for i := range end {
		if b := chunk[i]; b >= utf8.RuneSelf || !inWord(rune(b)) && b != '-' && b != '\'' && b != '(' {
			return false
		}
	}
	return strings.ContainsFunc(chunk[:end], inWord)
}

// signsIn yields the signs of a chunk.
func signsIn(chunk string) iter.Seq[sign] {
	return func(yield func(sign) bool) {
		something := false
		for s := range symbolsIn(chunk) {
			if something = true; !yield(s) {
				return
			}
		}
		for piece := range piecesOf(chunk) {
			if a, ok := acronymOf(piece); ok && !yield(a) {
				return
			}
			if m, ok := markedOf(piece); ok && !yield(m) {
				return
			}
		}
		if something || hasWord(chunk) {
			return
		}
		if text := encode(visible(chunk)); text != "" {
			yield(sign{Word{Text: text, End: len(chunk)}, marksAlone})
		}
	}
}

func hasWord(chunk string) bool {
	for range Of(chunk) {
		return true
	}
	return false
}

// encode returns marks as they are indexed.
func encode(s string) string {
	return cutWord(strings.Map(func(r rune) rune {
		switch r = narrow(r); {
		case r < utf8.RuneSelf:
			return markBase + r
		case r < markBase || r >= markBase+utf8.RuneSelf:
			return r
		}
		return utf8.RuneError // a character for private use must not be taken for a mark
	}, s))
}

// narrow returns the ASCII character of a fullwidth one.
func narrow(r rune) rune {
	if 0xff01 <= r && r <= 0xff5e {
		return r - 0xfee0
	}
	return r
}

// The marks that can be attached to a word: anywhere in it, before it and after it. Those that
// separate sentences, words and quotations are not among them.
const (
	marksIn     = "+#.&/@*_^~$%=<>|\\"
	marksBefore = ".#@$"
	marksAfter  = "+#*%$"
)

// piecesOf yields the parts of a chunk that consist of words and the marks attached to them.
func piecesOf(chunk string) iter.Seq[Word] {
	return func(yield func(Word) bool) {
		start := -1
		for i, r := range chunk + " " {
			part := isInvisible(r) && start >= 0 || inWord(r) && !isUnspaced(r) || isMarkIn(r)
			switch {
			case part && start < 0:
				start = i
			case !part && start >= 0:
				if piece := trimMarks(chunk[start:i]); piece.End > 0 {
					piece.Start, piece.End = piece.Start+start, piece.End+start
					if !yield(piece) {
						return
					}
				}
				start = -1
			}
		}
	}
}

func isMarkIn(r rune) bool {
	r = narrow(r)
	return r < utf8.RuneSelf && strings.IndexByte(marksIn, byte(r)) >= 0
}

// trimMarks removes the marks that can't be at the ends of a piece. If nothing with a mark is left,
// it returns an empty word.
func trimMarks(piece string) Word {
	isPart := func(r rune) bool { return inWord(r) && !isInvisible(r) }
	first := strings.IndexFunc(piece, isPart)
	if first < 0 {
		return Word{}
	}
	if r, n := utf8.DecodeLastRuneInString(piece[:first]); n > 0 && strings.ContainsRune(marksBefore, narrow(r)) {
		first -= n
	}
	end := len(strings.TrimRightFunc(piece, func(r rune) bool {
		return !isPart(r) && !strings.ContainsRune(marksAfter, narrow(r))
	}))
	if !strings.ContainsFunc(piece[first:end], isMarkIn) {
		return Word{}
	}
	return Word{Text: piece[first:end], Start: first, End: end}
}

// markedOf returns the sign of a piece: its words folded, its marks encoded. A very long one, such
// as a URL, is not a sign.
func markedOf(piece Word) (s sign, ok bool) {
	var b strings.Builder
	n := 0
	words := false
	for part := range partsOf(piece.Text) {
		text := encode(part)
		if !isMarkIn(firstRune(part)) {
			text = caseFold(part)
			words = words || text != ""
		}
		if n += utf8.RuneCountInString(text); n > maxWord {
			return s, false
		}
		b.WriteString(text)
	}
	return sign{Word{Text: b.String(), Start: piece.Start, End: piece.End}, marked}, words
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// partsOf yields the words and the single marks of a piece.
func partsOf(piece string) iter.Seq[string] {
	return func(yield func(string) bool) {
		from := 0
		for i, r := range piece {
			if !isMarkIn(r) {
				continue
			}
			to := i + utf8.RuneLen(r)
			if from < i && !yield(piece[from:i]) || !yield(piece[i:to]) {
				return
			}
			from = to
		}
		if from < len(piece) {
			yield(piece[from:])
		}
	}
}

// acronymOf returns the word of a piece such as U.S.A, so that usa finds it.
func acronymOf(piece Word) (s sign, ok bool) {
	var b strings.Builder
	n := 0
	for letter := range strings.SplitSeq(piece.Text, ".") {
		letter = caseFold(letter)
		if r, size := utf8.DecodeRuneInString(letter); size == 0 || size != len(letter) || !unicode.IsLetter(r) {
			return s, false
		}
		if n++; n > maxWord {
			return s, false
		}
		b.WriteString(letter)
	}
	return sign{Word{Text: b.String(), Start: piece.Start, End: piece.End}, acronym}, n > 1
}

// symbolsIn yields the symbols of a chunk. Emoji that are joined are one symbol. The colour of skin
// makes no difference.
func symbolsIn(chunk string) iter.Seq[sign] {
	return func(yield func(sign) bool) {
		var b strings.Builder
		start, end, joined := 0, 0, false
		flush := func() bool {
			s := sign{Word{Text: b.String(), Start: start, End: end}, symbol}
			b.Reset()
			return s.Text == "" || yield(s)
		}
		for i, r := range chunk {
			switch {
			case isSymbol(r):
				isFlag := isRegional(r) && isRegional(firstRune(b.String())) && b.Len() == utf8.RuneLen(r)
				if !joined && !isFlag {
					if !flush() {
						return
					}
					start = i
				}
				b.WriteRune(r)
			case b.Len() > 0 && (isInvisible(r) || isSkin(r) || isMark(r)):
			default:
				if !flush() {
					return
				}
			}
			joined = r == '\u200d' && b.Len() > 0
			end = i + utf8.RuneLen(r)
		}
		flush()
	}
}

// isSymbol reports whether a character is a symbol outside ASCII: an emoji, a currency, a sign of
// mathematics. The range is that of emoji, some of which are newer than Go's tables.
func isSymbol(r rune) bool {
	if r < utf8.RuneSelf || narrow(r) != r || isSkin(r) {
		return false
	}
	return 0x1f000 <= r && r <= 0x1fbff || unicode.In(r, unicode.So, unicode.Sm, unicode.Sc)
}

// isSkin reports whether a character is a colour of skin, which is written after an emoji.
func isSkin(r rune) bool { return 0x1f3fb <= r && r <= 0x1f3ff }

// isRegional reports whether a character is half of a flag.
func isRegional(r rune) bool { return 0x1f1e6 <= r && r <= 0x1f1ff }
