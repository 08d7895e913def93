// Package terms derives from an item everything that the corpus finds it by: its words, the starts
// of its title, and its values. It is pure, so that the terms of an item can be derived again when
// the item is removed.
package terms

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"stile.example/stile/content"
	"stile.example/stile/corpus/synonyms"
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
type Texts struct{ Title, Tags, Searchable, Summary, Body string }

// Index is what an owner chose about the words of its items. The zero value chooses nothing.
type Index struct {
	Searchable []string           // names of attributes whose texts are words of the item
	Synonyms   *synonyms.Expander // adds equal names to each text; nil for none
}

// TextsOf returns the words of an item.
func (x Index) TextsOf(it content.Item) Texts {
	expand := x.Synonyms.Expand
	title := words.Join(it.Title)
	return Texts{
		Title: expand(words.Indexed(it.Title)), Tags: expand(words.Indexed(strings.Join(it.Tags, "\n"))),
		Searchable: expand(x.searchable(it, title)),
		Summary:    expand(words.Indexed(it.Summary)), Body: expand(words.Indexed(words.PlainText(it.Body))),
	}
}

// searchable returns the words of the searchable attributes, with a separator between two values.
// The names that equal the whole title are among them, so that the item that is called so comes
// before those that only contain the name.
func (x Index) searchable(it content.Item, title string) string {
	texts := x.Synonyms.Equal(title)
	for _, name := range x.Searchable {
		texts = appendTexts(texts, it.Attributes[name])
	}
	return strings.Join(texts, " "+synonyms.Separator+" ")
}

// appendTexts appends the words of each scalar in a value, in the order of the names of objects.
func appendTexts(texts []string, v any) []string {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			texts = appendTexts(texts, e)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			texts = appendTexts(texts, v[name])
		}
	default:
		if text := words.Indexed(scalar(v)); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// Words yields the different words of all texts.
func (t Texts) Words() iter.Seq[string] {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, text := range []string{t.Title, t.Tags, t.Searchable, t.Summary, t.Body} {
			for w := range strings.SplitSeq(text, " ") {
				if w == "" || w == synonyms.Separator || seen[w] {
					continue
				}
				seen[w] = true
				if !yield(w) {
					return
				}
			}
		}
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
