// Wordnet converts Princeton WordNet to JSONL that stile imports. Each synset becomes an item, in
// one of four collections, with its definition, synonyms, examples and links to related words.
//
//	wordnet /usr/share/wordnet > wordnet.jsonl
//	stile content import wordnet.jsonl
//
// The directory contains data.noun, data.verb, data.adj and data.adv, in the format of wndb(5WN).
// Debian's package wordnet-base installs them.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: wordnet DIRECTORY > wordnet.jsonl")
		os.Exit(2)
	}
	if err := convert(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "wordnet:", err)
		os.Exit(1)
	}
}

func convert(dir string, w io.Writer) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	synsets, err := read(root)
	if err != nil {
		return err
	}
	titles := make(map[string]string, len(synsets)) // of all synsets, by id
	for _, s := range synsets {
		titles[s.id] = s.words[0]
	}
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, s := range synsets {
		if err := enc.Encode(s.item(titles)); err != nil {
			return err
		}
	}
	return out.Flush()
}

type item struct {
	ID         string         `json:"id"`
	Collection string         `json:"collection"`
	Title      string         `json:"title"`
	Summary    string         `json:"summary"`
	Body       string         `json:"body"`
	URL        string         `json:"url"`
	Tags       []string       `json:"tags"`
	Attributes map[string]any `json:"attributes"`
}

func (s synset) item(titles map[string]string) item {
	definition, examples := gloss(s.gloss)
	return item{
		ID: s.id, Collection: s.collection, Title: s.words[0], Summary: definition,
		Body:       s.body(definition, examples, titles),
		URL:        page(s.words[0]),
		Tags:       []string{s.file},
		Attributes: map[string]any{"synonyms": len(s.words) - 1, "hypernyms": s.targets("@", "@i")},
	}
}

// body returns the complete entry: definition, synonyms, examples and related words.
func (s synset) body(definition string, examples []string, titles map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<p>%s</p>", html.EscapeString(definition))
	list(&b, "Synonyms", s.words[1:], html.EscapeString)
	list(&b, "Examples", examples, html.EscapeString)
	for _, r := range relations {
		var words []string
		for _, id := range s.targets(r.symbols...) {
			if t := titles[id]; t != "" && !slices.Contains(words, t) {
				words = append(words, t)
			}
		}
		list(&b, r.name, words[:min(len(words), 30)], link)
	}
	return b.String()
}

// relations are the kinds of pointers that a body shows. wninput(5WN) lists all kinds.
var relations = []struct {
	name    string
	symbols []string
}{
	{"Kind of", []string{"@", "@i"}},
	{"Kinds", []string{"~", "~i"}},
	{"Part of", []string{"#m", "#s", "#p"}},
	{"Parts", []string{"%m", "%s", "%p"}},
	{"Opposites", []string{"!"}},
	{"Similar", []string{"&", "$", "^"}},
	{"Causes", []string{"*", ">"}},
}

func list(b *strings.Builder, name string, words []string, show func(string) string) {
	if len(words) == 0 {
		return
	}
	fmt.Fprintf(b, "<h3>%s</h3><ul>", name)
	for _, w := range words {
		fmt.Fprintf(b, "<li>%s</li>", show(w))
	}
	b.WriteString("</ul>")
}

func link(word string) string {
	return fmt.Sprintf(`<a href="%s">%s</a>`, html.EscapeString(page(word)), html.EscapeString(word))
}

// page returns the URL of a page about a word.
func page(word string) string {
	return "https://en.wiktionary.org/wiki/" + url.PathEscape(strings.ReplaceAll(word, " ", "_"))
}
