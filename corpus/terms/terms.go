// Package terms derives from an item everything that the corpus finds it by: its words, the starts
// of its title, and its values. It is pure, so that the terms of an item can be derived again when
// the item is removed.
package terms

import (
	"strings"
	"unicode/utf8"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
)

const (
	// MaxTitleKey is the maximum length of [TitleKey], in bytes.
	MaxTitleKey = 256

	maxStarts  = 16 // words of a title that suggestions find it by
	shortStart = 3  // characters: prefixes up to this length are starts of their own
)

// Texts is an item's words, folded, with spaces between them.
type Texts struct{ Title, Tags, Summary, Body string }

// TextsOf returns the words of an item.
func TextsOf(it content.Item) Texts {
	return Texts{
		Title: words.Join(it.Title), Tags: words.Join(strings.Join(it.Tags, " | ")),
		Summary: words.Join(it.Summary), Body: words.Join(words.PlainText(it.Body)),
	}
}

// TitleKey returns the folded form of a title by which it is ordered, and in which the words of a
// suggestion are searched for.
func TitleKey(title string) string { return words.FoldLine(title, MaxTitleKey) }

// Start is what suggestions find a title by: a word of it, or a short prefix of one.
type Start struct {
	Text string
	Rank int // lower is better: first words before later ones, short titles before long ones
}

// StartsOf returns what suggestions find a title by.
func StartsOf(title string) []Start {
	length := min(utf8.RuneCountInString(title), 999)
	best := map[string]int{}
	n := 0
	for text := range words.Starts(title) {
		rank := length
		if n > 0 {
			rank += 1000
		}
		for _, s := range append(shortStarts(text), text) {
			if _, ok := best[s]; !ok {
				best[s] = rank
			}
		}
		if n++; n == maxStarts {
			break
		}
	}
	starts := make([]Start, 0, len(best))
	for text, rank := range best {
		starts = append(starts, Start{text, rank})
	}
	return starts
}

// shortStarts returns the prefixes of a word up to shortStart characters, each with a * at its end.
func shortStarts(w string) (starts []string) {
	n := 0
	for i, r := range w {
		if n++; n > shortStart {
			break
		}
		starts = append(starts, w[:i+utf8.RuneLen(r)]+"*")
	}
	return starts
}

// ShortStart returns the start that a prefix equals. It reports whether there is one: long prefixes
// are not starts.
func ShortStart(prefix string) (text string, ok bool) {
	return prefix + "*", utf8.RuneCountInString(prefix) <= shortStart
}
