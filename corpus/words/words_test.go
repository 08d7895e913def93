package words

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestJoin(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"The Well-known naïve CAFÉ": "the well known naive cafe",
		"Straße Ærø łódź":           "strasse aero lodz",
		"東京タワー":                     "東京 京タ タワ ワー ー",
		"iPhone手机壳":                 "iphone 手机 机壳 壳",
		"हिन्दी":                    "हिन्दी",
		"-- 🙂":                      "",
	} {
		if got := Join(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestStarts(t *testing.T) {
	got := strings.Join(slices.Collect(Starts("Åland 東京")), " ")
	if want := "aland 東京 京"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestDistinct(t *testing.T) {
	if got := strings.Join(Distinct(3, "a B", "b a c d"), " "); got != "a b c" {
		t.Errorf("%q", got)
	}
}

func TestPlainText(t *testing.T) {
	for html, want := range map[string]string{
		"a &lt;b&gt;":             "a <b>",
		"<p>one</p><p>t<b>w</b>o": " one  two",
		"cut <p":                  "cut ",
	} {
		if got := PlainText(html); got != want {
			t.Errorf("%q: %q, want %q", html, got, want)
		}
	}
}

// FuzzWords checks that words are folded parts of the text, and that highlighting all of them keeps
// the text.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"a b", "東京 a\"b", "\x00", "ﷺ", "İ", "ｶﾞ", "\u200d\u200d", "½", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		var marks []Mark
		last := 0
		for w := range Of(text) {
			if w.Text == "" || w.Start < last || w.End <= w.Start || w.End > len(text) {
				t.Fatalf("%q has the word %+v after %d", text, w, last)
			}
			last = w.Start
			marks = append(marks, Mark{Text: w.Text})
		}
		if line := FoldLine(text, 20); len(line) > 20 {
			t.Fatalf("%q is folded to %d bytes", text, len(line))
		}
		plain := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(Highlight(text, marks))
		if want := Highlight(text, nil); plain != want {
			t.Fatalf("%q is highlighted as %q, want %q", text, plain, want)
		}
	})
}
