package synonyms

import (
	"slices"
	"strings"
	"unicode/utf8"

	"stile.example/stile/corpus/words"
)

// Separator is a word between the names that are added to a text, so that no sequence of words
// reaches from one into another. No folded word contains its character.
const Separator = "\ue001"

// maxAdded limits the names that are added to one text. A long text that contains very many names
// would otherwise become much longer.
const maxAdded = 4096

// Expander adds equal names to texts. The zero value and nil add none.
type Expander struct {
	names []name
	first map[string][]int32 // names by their first word, or their only character
}

// name is one name with those that equal it.
type name struct {
	text   string // folded, as it is added
	match  string // the words that a text contains if it contains the name
	prefix bool   // the last word of match may be a prefix
	equal  []int32
}

// New returns an expander for groups that [Parse] has returned.
func New(groups Groups) *Expander {
	e := &Expander{first: map[string][]int32{}}
	number := map[string]int32{}
	for _, group := range groups {
		ids := make([]int32, len(group))
		for i, written := range group {
			fold := words.Join(written)
			id, ok := number[fold]
			if !ok {
				id = int32(len(e.names))
				number[fold] = id
				e.add(written, fold)
			}
			ids[i] = id
		}
		for _, id := range ids {
			for _, other := range ids {
				if other != id && !slices.Contains(e.names[id].equal, other) {
					e.names[id].equal = append(e.names[id].equal, other)
				}
			}
		}
	}
	return e
}

// add appends a name. A single character of a script without spaces is the start of a word.
func (e *Expander) add(written, fold string) {
	p := words.PhraseOf(written)
	match := make([]string, len(p.Words))
	for i, w := range p.Words {
		match[i] = w.Text
	}
	key := match[0]
	if p.Prefix && len(match) == 1 {
		key = firstRune(key)
	}
	e.first[key] = append(e.first[key], int32(len(e.names)))
	e.names = append(e.names, name{text: fold, match: strings.Join(match, " "), prefix: p.Prefix})
}

// Expand returns folded words, with spaces between them, and after them the names that equal one in
// the text and are not in it, each once. A name that is added does not add others.
func (e *Expander) Expand(text string) string {
	if e == nil || len(e.names) == 0 || text == "" {
		return text
	}
	found := e.namesIn(text)
	if len(found) == 0 {
		return text
	}
	var missing []int32
	for id := range found {
		for _, other := range e.names[id].equal {
			if !found[other] {
				missing = append(missing, other)
			}
		}
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	var b strings.Builder
	b.WriteString(text)
	for _, id := range missing[:min(len(missing), maxAdded)] {
		b.WriteString(" " + Separator + " " + e.names[id].text)
	}
	return b.String()
}

// Equal returns the names that equal a whole text, in folded words.
func (e *Expander) Equal(text string) (names []string) {
	if e == nil || len(e.names) == 0 || text == "" {
		return nil
	}
	first, _, _ := strings.Cut(text, " ")
	for _, key := range []string{first, firstRune(first)} {
		for _, id := range e.first[key] {
			if e.names[id].text != text {
				continue
			}
			for _, other := range e.names[id].equal {
				names = append(names, e.names[other].text)
			}
			return names
		}
	}
	return nil
}

// namesIn returns the names that a text contains.
func (e *Expander) namesIn(text string) map[int32]bool {
	var found map[int32]bool
	look := func(key, rest string) {
		for _, id := range e.first[key] {
			if e.names[id].begins(rest) {
				if found == nil {
					found = map[int32]bool{}
				}
				found[id] = true
			}
		}
	}
	for rest := text; rest != ""; {
		word, after, _ := strings.Cut(rest, " ")
		look(word, rest)
		if one := firstRune(word); len(one) > 1 && one != word {
			look(one, rest)
		}
		rest = after
	}
	return found
}

// begins reports whether words begin with the name.
func (n name) begins(text string) bool {
	rest, ok := strings.CutPrefix(text, n.match)
	return ok && (n.prefix || rest == "" || rest[0] == ' ')
}

func firstRune(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}
