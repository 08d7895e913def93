package terms

import (
	"slices"
	"strings"
	"testing"

	"stile.example/stile/content"
)

func TestStartsOf(t *testing.T) {
	ranks := map[string]int{}
	for _, s := range StartsOf("Oak tree oaks") {
		ranks[s.Text] = s.Rank
	}
	want := map[string]int{"oak": 13, "o*": 13, "oa*": 13, "oak*": 13, "tree": 1013, "t*": 1013, "tr*": 1013, "tre*": 1013, "oaks": 1013}
	for text, rank := range want {
		if ranks[text] != rank {
			t.Errorf("%s has rank %d, want %d", text, ranks[text], rank)
		}
	}
	if len(ranks) != len(want) {
		t.Errorf("%v, want %v", ranks, want)
	}
	if n := len(StartsOf(strings.Repeat("abcd ", 3) + "b c d e f g h i j k l m n o p q r")); n > 4*maxStarts {
		t.Errorf("%d starts", n)
	}
}

func TestShortStart(t *testing.T) {
	for prefix, want := range map[string]bool{"o": true, "oak": true, "oaks": false, "東京タ": true} {
		if text, ok := ShortStart(prefix); ok != want || text != prefix+"*" {
			t.Errorf("%s: %q, %v", prefix, text, ok)
		}
	}
}

func TestValuesOf(t *testing.T) {
	got := ValuesOf(content.Item{
		Collection: "trees", Tags: []string{"x", "x", strings.Repeat("long", 40)},
		Attributes: map[string]any{"tag": "no", "size": 3.5, "rare": true, "in": []any{"asia", "asia", nil}, "deep": map[string]any{}},
	})
	want := []Value{{"collection", "trees"}, {"tag", "x"}, {"in", "asia"}, {"rare", "true"}, {"size", "3.5"}}
	if got = slices.DeleteFunc(got, func(v Value) bool { return v.Facet < " " }); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
