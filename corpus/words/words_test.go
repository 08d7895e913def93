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
	for _, s := range []string{"a b", "東京 a\"b", "\x00", "ﷺ", "İ", "ｶﾞ", "\u200d\u200d", "½", "<&>", "C++ (U.S.A.)", "👩🏽\u200d🍳🇩🇪", "Mu\u0308ller Å", "???", "می\u200cخو", "\ue03f"} {
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
		checkAlso(t, text)
		checkTyped(t, text)
		if line := FoldLine(text, 20); len(line) > 20 {
			t.Fatalf("%q is folded to %d bytes", text, len(line))
		}
		plain := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(Highlight(text, marks))
		if want := Highlight(text, nil); plain != want {
			t.Fatalf("%q is highlighted as %q, want %q", text, plain, want)
		}
	})
}

// checkAlso checks that what is indexed in addition is not taken for something else: it has no
// blanks and nothing that the tokenizer splits at.
func checkAlso(t *testing.T, text string) {
	for w := range alsoOf(text) {
		splits := func(r rune) bool { return r < utf8.RuneSelf && !inWord(r) }
		if w.Text == "" || w.Start >= w.End || w.End > len(text) || strings.ContainsFunc(w.Text, splits) ||
			utf8.RuneCountInString(w.Text) > maxWord || strings.HasPrefix(w.Text, "\ue000") {
			t.Fatalf("%q is also found by %+v", text, w)
		}
	}
}

// checkTyped checks that a text finds itself: what is typed is among what is indexed. A text that
// can be seen has words or signs.
func checkTyped(t *testing.T, text string) {
	indexed := " " + Indexed(text) + " "
	none := true
	for typed := range Typed(text) {
		none = false
		var all []string
		p := PhraseOf(typed)
		for _, w := range p.Words {
			all = append(all, w.Text)
		}
		if phrase := " " + strings.Join(all, " "); len(all) == 0 || !strings.Contains(indexed, phrase) {
			t.Fatalf("%q, indexed as %q, is not found by %q", text, indexed, phrase)
		}
	}
	for _, sign := range Signs(100, text) {
		if none = false; !strings.Contains(indexed, " "+sign+" ") {
			t.Fatalf("%q, indexed as %q, does not have the sign %q", text, indexed, sign)
		}
	}
	isSeen := func(r rune) bool { return !isInvisible(r) && !isBlank(r) }
	if none && strings.ContainsFunc(text, isSeen) {
		t.Fatalf("%q has neither words nor signs", text)
	}
}

func TestIsSign(t *testing.T) {
	for word, want := range map[string]bool{"c\ue02b\ue02b": true, "🍕": true, "mueller": false, "हिन्दी": false, "usa": false} {
		if IsSign(word) != want {
			t.Errorf("%q", word)
		}
	}
}

// TestAlso checks which signs, spellings and acronyms a text has.
func TestAlso(t *testing.T) {
	for text, want := range map[string]string{
		"plain words, (here) and there: don't well-known...":  "",
		"C++ is not C#, nor (F#).":                            "c++ c# f#",
		"on .NET/Node.js... and AT&T":                         ".net/node.js at&t",
		"U.S.A. e.g. a.m.":                                    "usa u.s.a eg e.g am a.m",
		"3.14 100% $5 #tag @home 1,000":                       "3.14 100% $5 #tag @home",
		"a/b M*A*S*H *bold* _x_ x*":                           "a/b m*a*s*h bold* x*",
		"Ｃ＋＋ ？？":                                              "c++ ??",
		"Müller STRAẞE Mu\u0308ller Åse":                      "mueller aase",
		"5€ 👍🏽 👩🏽\u200d🍳 ❤\ufe0f🇩🇪🇫🇷":                         "€ 👍 👩🍳 ❤ 🇩🇪 🇫🇷",
		"– & ... 1️⃣":                                         "– & ...",
		"https://www.example.org/" + strings.Repeat("x/", 80): "",
	} {
		ascii := strings.Map(func(r rune) rune {
			if r > markBase && r < markBase+utf8.RuneSelf {
				return r - markBase
			}
			return r
		}, strings.Join(Also(text), " "))
		if ascii != want {
			t.Errorf("%q: %q, want %q", text, ascii, want)
		}
	}
}
