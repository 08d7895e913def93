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

	maxTitleAlso = 256 // bytes

	maxStarts  = 16 // words of a title that suggestions find it by
	shortStart = 3  // characters: prefixes up to this length are starts of their own
)

// Texts is what an item is found by, with spaces between: its words, folded, and its signs.
type Texts struct{ Title, Tags, Summary, Body string }

// TextsOf returns the words of an item.
func TextsOf(it content.Item) Texts {
	return Texts{
		Title: words.Indexed(it.Title), Tags: words.Indexed(strings.Join(it.Tags, "\n")),
		Summary: words.Indexed(it.Summary), Body: words.Indexed(words.PlainText(it.Body)),
	}
}

// TitleKey returns the folded form of a title by which it is ordered, and in which the words of a
// suggestion are searched for.
func TitleKey(title string) string { return words.FoldLine(title, MaxTitleKey) }

// TitleAlso returns what a title contains in addition to its key: second spellings, acronyms and
// signs, with spaces between. Most titles have none.
func TitleAlso(title string) string {
	all := ""
	for _, w := range words.Also(title) {
		if len(all)+1+len(w) > maxTitleAlso {
			break
		}
		all += " " + w
	}
	return strings.TrimPrefix(all, " ")
}

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
	add := func(text string, isFirst bool) (more bool) {
		rank := length
		if !isFirst {
			rank += 1000
		}
		for _, s := range append(shortStarts(text), text) {
			if old, ok := best[s]; !ok || rank < old {
				best[s] = rank
			}
		}
		n++
		return n < maxStarts
	}
	for text := range words.Starts(title) {
		if !add(text, n == 0) {
			break
		}
	}
	n = 0
	for text, isFirst := range words.AlsoStarts(title) {
		if !add(text, isFirst) {
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
