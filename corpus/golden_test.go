package corpus

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stile.example/stile/content"
)

// golden is a query of a golden file, and the titles that it must find.
type golden struct {
	query  string
	first  []string // these, in this order, before all others
	among  int      // the first results that must include also
	also   []string
	forgiv string // what is corrected, as word>word
}

// readGolden reads a file of queries. An entry begins with its query in the first column. The lines
// after it are indented: "first" and titles, "among N" and titles, "corrected" and words, each with
// a colon and with semicolons between them. All other lines say why.
func readGolden(t *testing.T, file string) (list []golden) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch entry := strings.TrimSpace(line); {
		case entry == "" || strings.HasPrefix(line, "#"):
		case line[0] != ' ':
			list = append(list, golden{query: entry})
		case len(list) == 0:
			t.Fatalf("%s: the first entry has no query: %s", file, entry)
		default:
			list[len(list)-1].expect(t, entry)
		}
	}
	if len(list) < 10 {
		t.Fatalf("%s has %d queries", file, len(list))
	}
	return list
}

func (g *golden) expect(t *testing.T, entry string) {
	kind, titles, _ := strings.Cut(entry, ": ")
	values := strings.Split(titles, "; ")
	switch n, isAmong := strings.CutPrefix(kind, "among "); {
	case kind == "first":
		g.first = values
	case kind == "corrected":
		g.forgiv = titles
	case isAmong:
		var err error
		if g.among, err = strconv.Atoi(n); err != nil {
			t.Fatalf("%s: %v", entry, err)
		}
		g.also = values
	}
}

func checkGolden(t *testing.T, tc *testCorpus, file string) {
	t.Helper()
	for _, g := range readGolden(t, file) {
		p := search(t, tc, g.query, content.Query{})
		var titles []string
		for _, item := range p.Items {
			var in struct{ Title string }
			if err := json.Unmarshal(item, &in); err != nil {
				t.Fatal(err)
			}
			titles = append(titles, in.Title)
		}
		found := titles[:min(len(titles), max(len(g.first), g.among, 3)+3)]
		if len(titles) < len(g.first) || !slices.Equal(titles[:len(g.first)], g.first) {
			t.Errorf("%s: finds %q, want first %q", g.query, found, g.first)
		}
		for _, title := range g.also {
			if !slices.Contains(titles[:min(len(titles), g.among)], title) {
				t.Errorf("%s: finds %q, want %q among the first %d", g.query, found, title, g.among)
			}
		}
		if corrected(p) != g.forgiv {
			t.Errorf("%s: corrected %q, want %q", g.query, corrected(p), g.forgiv)
		}
		if len(g.first)+len(g.also) == 0 && len(titles) > 0 {
			t.Errorf("%s: finds %q, want nothing", g.query, found)
		}
	}
}

// TestGoldenDemo checks the ranking of the demo corpus.
func TestGoldenDemo(t *testing.T) {
	tc := newCorpus(t)
	load(t, tc, 0, content.Read(t.Context(), content.Source{Path: "../static/demo/corpus.jsonl"}))
	checkGolden(t, tc, "testdata/golden-demo.txt")
}

// TestGoldenWordNet checks the ranking of WordNet. The corpus in testdata has its entries that
// compete in the queries, and others; STILE_CORPUS may name all of WordNet instead:
//
//	go run ./examples/wordnet /usr/share/wordnet > wordnet.jsonl
//	STILE_CORPUS=$PWD/wordnet.jsonl go test -tags sqlite_fts5 -run GoldenWordNet ./corpus
func TestGoldenWordNet(t *testing.T) {
	file := os.Getenv("STILE_CORPUS")
	if file == "" {
		file = "testdata/wordnet.jsonl"
	}
	tc := newCorpus(t)
	load(t, tc, 0, content.Read(t.Context(), content.Source{Path: file}))
	checkGolden(t, tc, "testdata/golden-wordnet.txt")
}
