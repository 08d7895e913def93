package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// synset is one line of a data file: words with the same meaning.
type synset struct {
	id         string // such as n-00001740: part of speech and offset
	collection string
	file       string // of the lexicographer, such as noun.animal
	words      []string
	pointers   []pointer
	gloss      string
}

// pointer leads to another synset; its symbol says how they are related.
type pointer struct{ symbol, id string }

var parts = []struct{ file, pos, collection string }{
	{"data.noun", "n", "noun"}, {"data.verb", "v", "verb"}, {"data.adj", "a", "adjective"}, {"data.adv", "r", "adverb"},
}

// lexnames are the files of the lexicographers, by number (lexnames(5WN)).
var lexnames = strings.Fields(`adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body
	noun.cognition noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object
	noun.person noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state
	noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition verb.consumption
	verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative verb.weather adj.ppl`)

func read(root *os.Root) (all []synset, err error) {
	for _, p := range parts {
		f, err := root.Open(p.file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			if strings.HasPrefix(lines.Text(), " ") {
				continue // the licence
			}
			s, err := parse(lines.Text(), p.pos, p.collection)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", p.file, n, err)
			}
			all = append(all, s)
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", p.file, err)
		}
	}
	return all, nil
}

// parse parses a line: offset, file, type, words, pointers and gloss (wndb(5WN)).
func parse(line, pos, collection string) (synset, error) {
	data, gloss, hasGloss := strings.Cut(line, "|")
	f := fields{rest: strings.Fields(data), short: !hasGloss}
	s := synset{id: pos + "-" + f.next(), collection: collection, gloss: strings.TrimSpace(gloss)}
	file := f.number(10)
	f.next() // the type, which distinguishes satellite adjectives; the collection does not
	for range f.number(16) {
		s.words = append(s.words, lemma(f.next()))
		f.next() // the number of the word's sense
	}
	for range f.number(10) {
		symbol, offset, pos := f.next(), f.next(), f.next()
		s.pointers = append(s.pointers, pointer{symbol, pos + "-" + offset})
		f.next() // the numbers of the two words
	}
	if f.short || file >= len(lexnames) || len(s.words) == 0 {
		return s, errors.New("line is not in the format of wndb(5WN)")
	}
	s.file = lexnames[file]
	return s, nil
}

// targets returns the ids to which pointers with these symbols lead.
func (s synset) targets(symbols ...string) []string {
	ids := []string{}
	for _, p := range s.pointers {
		if slices.Contains(symbols, p.symbol) && !slices.Contains(ids, p.id) {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// lemma returns a word with spaces for underscores. It removes an adjective's syntactic marker,
// such as (p).
func lemma(s string) string {
	s, _, _ = strings.Cut(s, "(")
	return strings.ReplaceAll(s, "_", " ")
}

// gloss separates a definition from the quoted examples that follow it.
func gloss(s string) (definition string, examples []string) {
	definition, rest, _ := strings.Cut(s, `; "`)
	for e := range strings.SplitSeq(rest, `"`) {
		e = strings.Trim(e, "; ")
		switch {
		case e == "":
		case e[0] == '-' && len(examples) > 0: // the author
			examples[len(examples)-1] += " " + e
		default:
			examples = append(examples, e)
		}
	}
	return definition, examples
}

// fields returns the fields of a line one by one. It sets short if the line has too few, or if one
// is not a valid number.
type fields struct {
	rest  []string
	short bool
}

func (f *fields) next() string {
	if len(f.rest) == 0 {
		f.short = true
		return ""
	}
	s := f.rest[0]
	f.rest = f.rest[1:]
	return s
}

// number returns the next field as a number. It sets short if the field is not a number.
func (f *fields) number(base int) int {
	n, err := strconv.ParseUint(f.next(), base, 10)
	f.short = f.short || err != nil
	return int(n)
}
