package spelling

import (
	"bufio"
	"compress/gzip"
	_ "embed"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
)

// wordnet returns an index of the words of WordNet. The file in testdata lists them as stile folds
// and counts them, with the number of synsets that have each.
func wordnet(t testing.TB) (*Index, map[string]int) {
	t.Helper()
	f, err := os.Open("testdata/wordnet-words.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var words []Word
	items := map[string]int{}
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var w Word
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &w.Text, &w.Items); err != nil {
			t.Fatal(err)
		}
		words = append(words, w)
		items[w.Text] = w.Items
	}
	if len(words) < 90_000 {
		t.Fatalf("%d words", len(words))
	}
	return NewIndex(words), items
}

//go:embed testdata/misspellings.txt
var misspellings string

func pairs(t testing.TB) (pairs [][2]string) {
	t.Helper()
	for line := range strings.Lines(misspellings) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var p [2]string
		if _, err := fmt.Sscan(line, &p[0], &p[1]); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// TestCommonMisspellings: of well-known misspellings, at least 80 % lead to the right word of
// WordNet first. Misspellings that are words there too are not corrected, and count as failures.
func TestCommonMisspellings(t *testing.T) {
	x, items := wordnet(t)
	all := pairs(t)
	right := 0
	for _, p := range all {
		found := Near(p[0], true, x)
		if items[p[0]] == 0 && len(found) > 0 && found[0].Text == p[1] {
			right++
			continue
		}
		t.Logf("%s for %s: %v, in %d items", p[0], p[1], found[:min(3, len(found))], items[p[0]])
	}
	share := 100 * float64(right) / float64(len(all))
	t.Logf("%d of %d right: %.1f %%; %d words take %.1f MB", right, len(all), share, x.Len(), float64(x.Bytes())/1e6)
	if len(all) < 200 || share < 80 {
		t.Errorf("%d of %d misspellings lead to the right word, want 80 %% of at least 200", right, len(all))
	}
}

func BenchmarkNear(b *testing.B) {
	x, _ := wordnet(b)
	all := pairs(b)
	for n := 0; b.Loop(); n++ {
		Near(all[n%len(all)][0], true, x)
	}
}

// TestNear compares with the definition: the distance of every word, one by one.
func TestNear(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[abcä]{3,10}`)
		var words []Word
		for i, w := range rapid.SliceOfNDistinct(text, 0, 30, rapid.ID).Draw(rt, "words") {
			words = append(words, Word{w, i + 1})
		}
		typed := rapid.StringMatching(`[abcä]{4,10}`).Draw(rt, "typed")
		got := map[string]Candidate{}
		for _, c := range Near(typed, false, NewIndex(words[:len(words)/2]), NewIndex(words[len(words)/2:])) {
			got[c.Text] = c
		}
		n := 0
		for _, w := range words {
			d := distance([]rune(typed), []rune(w.Text))
			if c, found := got[w.Text]; found != (d <= Budget(typed)) || found && (c.Distance != d || c.Items != w.Items) {
				rt.Fatalf("%s for %s: %+v, %v; distance %d", w.Text, typed, c, found, d)
			}
			if d <= Budget(typed) {
				n++
			}
		}
		if n != len(got) {
			rt.Fatalf("%d candidates, want %d: %v", len(got), n, got)
		}
	})
}

// distance computes the whole table.
func distance(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j], d[i][j-1], d[i-1][j-1])
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d[i][j] = min(d[i][j], d[i-2][j-2]+1)
				}
			}
		}
	}
	return d[len(a)][len(b)]
}

// TestStarts: while a word is typed, its start may have a mistake.
func TestStarts(t *testing.T) {
	x := NewIndex([]Word{{"recipe", 9}, {"recipes", 3}, {"photograph", 2}, {"photographer", 4}, {"zebra", 1}})
	for typed, want := range map[string]string{
		"photogarp": "photograp/1* photograph/2", "phtotogra": "photogra/1*", // two mistakes or one
		"recpie": "recipe/1", "recieps": "recipes/1", "zeqra": "zebra/1", // whole words
		"zebq": "", "recipq": "recipe/1", // a wrong last letter is not a start
		"fotogr": "", "zerb": "", // too many, and too short
		"phot0grap": "", "": "", "зебра": "", "\xff\xfe\xfd\xfc": "",
	} {
		var got []string
		for _, c := range Near(typed, true, x) {
			s := fmt.Sprintf("%s/%d", c.Text, c.Distance)
			if c.Prefix {
				s += "*"
			}
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", typed, s, want)
		}
	}
}
