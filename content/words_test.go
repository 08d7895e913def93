package content_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"stile.example/stile/content"
)

func TestWords(t *testing.T) {
	for q, want := range map[string][]string{
		"":                         nil,
		" \t\n ":                   nil,
		`"*^()+-:.`:                nil,
		"apple pie":                {"apple", "pie"},
		"Apple apple APPLE pie":    {"Apple", "pie"},
		"crème brûlée":             {"crème", "brûlée"},
		"cre\u0300me":              {"cre\u0300me"},
		`NEAR("a" b)* OR title:c^`: {"NEAR", "a", "b", "OR", "title", "c"},
		"a\x00b\x1fc":              {"a", "b", "c"},
		"don't":                    {"don", "t"},
		"C++ AT&T F.A.R.T. ??? 🍕":  {"C", "AT", "T", "F.A.R.T"},
		"a.b/c.d.e-f.g":            {"a", "b", "c", "d", "e", "f.g"},
		"fire\u200bplace \ufeffx":  {"fire\u200bplace", "x"},
		"\u0301 \u200b \u0640":     nil,
		"東京タワー へ":                  {"東京タワー", "へ"},
		"हिन्दी":                   {"हिन्दी"},
		"H2O ½ ²":                  {"H2O", "½", "²"},
		"'; DROP TABLE items; --":  {"DROP", "TABLE", "items"},
		strings.Repeat("é", 64):    {strings.Repeat("é", 64)},
		"1 2 3 4 5 6 7 8 8 7 6 9":  {"1", "2", "3", "4", "5", "6", "7", "8", "9"},
	} {
		got, err := content.Words(q)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Words(%q) = %q, %v; want %q", q, got, err, want)
		}
	}
}

func TestWordsRefuses(t *testing.T) {
	for q, want := range map[string]string{
		strings.Repeat("é", 65):   "q: must not have a word of more than 64 characters",
		strings.Repeat("é ", 257): "q: must have at most 512 characters",
		"caf\xe9":                 "q: must be UTF-8",
	} {
		_, err := content.Words(q)
		if e, ok := errors.AsType[content.ErrQuery](err); !ok || e.Error() != want {
			t.Errorf("Words(%q): %v, want %s", q, err, want)
		}
	}
}

func TestSigns(t *testing.T) {
	for q, want := range map[string][]string{
		"": nil, " ": nil, "\u200b": nil, "apple pie": nil, "what?": nil, "well-known, (really)": nil, "a.": nil,
		"C++, c++": {"c\ue02b\ue02b"}, "🍕 !": {"🍕"}, "!": {"\ue021"}, "a & b": {"\ue026"}, "\u0301": {"\u0301"}, "\ue02b": {"\ufffd"},
	} {
		if got := content.Signs(q); !slices.Equal(got, want) {
			t.Errorf("Signs(%q) = %q, want %q", q, got, want)
		}
	}
}

// TestUsable: what is typed or pasted is used as far as it is not absurd.
func TestUsable(t *testing.T) {
	long := strings.Repeat("é", 70)
	for q, want := range map[string]string{
		"apple  pie, ":               "apple  pie, ",
		long + " pie":                strings.Repeat("é", 64) + " pie",
		strings.Repeat("a ", 300):    strings.Repeat("a ", 256),
		"caf\xe9 noir":               "caf  noir",
		strings.Repeat(long+" ", 40): strings.Repeat(strings.Repeat("é", 64)+" ", 7) + strings.Repeat("é", 57),
		"":                           "",
	} {
		if got := content.Usable(q); got != want {
			t.Errorf("Usable(%q) = %q, want %q", q, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("apple pie")
	f.Add(`"a" OR b* NEAR/2 c`)
	f.Add("東京\u2028\x00é\xff")
	f.Fuzz(func(t *testing.T, q string) {
		if usable := content.Usable(q); !strings.HasPrefix(q, usable) && utf8.ValidString(q) && len(q) < 64 {
			t.Errorf("Usable(%q) = %q", q, usable)
		} else if _, err := content.Words(usable); err != nil {
			t.Errorf("Words(Usable(%q)): %v", q, err)
		}
		words, err := content.Words(q)
		if err != nil {
			return
		}
		if len(words) > 256 {
			t.Errorf("Words(%q): %d words", q, len(words))
		}
		for _, w := range words {
			if n := utf8.RuneCountInString(w); n < 1 || n > 64 || strings.ContainsAny(w, "\"*^():+-'\x00 ") || !strings.Contains(q, w) {
				t.Errorf("Words(%q): %q", q, w)
			}
		}
	})
}
