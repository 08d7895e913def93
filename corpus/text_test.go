package corpus

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/build"
)

// TestInvisibleCharacters: joiners, soft hyphens and the like neither split nor distinguish words,
// in a query or in a text.
func TestInvisibleCharacters(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0,
		content.Item{ID: "zwnj", Title: "می\u200cخواهم کتاب"},
		content.Item{ID: "zwj", Title: "ශ්\u200dරී ලංකා"},
		content.Item{ID: "shy", Title: "Donau\u00addampf\u00adschiff"},
		content.Item{ID: "none", Title: "Fireplace"},
		content.Item{ID: "thai", Title: "ภาษา\u200bไทย"})
	for q, want := range map[string]string{
		"می\u200cخواهم": "zwnj", "میخواهم": "zwnj", "می\u200cخو": "zwnj", "می\u200cخواهم کتاب": "zwnj",
		"ශ්\u200dරී": "zwj", "ශ්රී": "zwj", "ශ්\u200d": "zwj",
		"Donaudampfschiff": "shy", "donau\u00addampf": "shy",
		"fire\u200bplace": "none", "\ufefffireplace": "none", "\u2068fireplace\u2069": "none", "fire\u2060place": "none",
		"fi\u034freplace\ufe0f": "none", "ภาษาไทย": "thai", "ษาไ": "thai",
	} {
		if got := finds(t, tc, q, content.Query{}); got != want {
			t.Errorf("%+q finds %q, want %q", q, got, want)
		}
	}
	if got := len(search(t, tc, "\u200b\ufeff", content.Query{}).Items); got != 5 {
		t.Errorf("a query that nobody sees finds %d items", got)
	}
	got := string(search(t, tc, "donaudampf", content.Query{Highlight: true}).Items[0])
	if !strings.Contains(got, `\u003cmark\u003eDonau`+"\u00addampf\u00adschiff"+`\u003c/mark\u003e`) {
		t.Errorf("highlighted: %s", got)
	}
}

// TestMarksOnly: a query without words finds the items that contain its very signs.
func TestMarksOnly(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0,
		content.Item{ID: "pizza", Title: "Pizza 🍕 night"},
		content.Item{ID: "soup", Title: "Soup", Summary: "What is it?"},
		content.Item{ID: "cook", Title: "Day of a cook 👩🏽\u200d🍳"},
		content.Item{ID: "heart", Title: "Love", Body: "<p>I ❤\ufe0f it</p>"},
		content.Item{ID: "flag", Title: "Trip 🇩🇪🇫🇷"},
		content.Item{ID: "marks", Title: "???"},
		content.Item{ID: "price", Title: "Five €", Tags: []string{"a", "b"}})
	for q, want := range map[string]string{
		"": "price marks flag heart cook soup pizza", " \t": "price marks flag heart cook soup pizza",
		"🍕": "pizza", "🍔": "", "!!!": "", "???": "marks", "？？？": "marks", "?": "marks", "|": "", `"*^()`: "",
		"🍕 !": "pizza", "🍕🍔": "", "👩\u200d🍳": "cook", "👩🏻\u200d🍳": "cook", "👩": "cook", "🍳": "",
		"❤": "heart", "❤\ufe0f": "heart", "🇩🇪": "flag", "🇫🇷": "flag", "🇩🇪 🇫🇷": "flag", "🇪🇫": "",
		"what?": "soup", "what ?": "soup", "soup 🍕": "soup", "€": "price", "\u0301": "", "\ue000": "", "🏽": "",
	} {
		p := search(t, tc, q, content.Query{})
		if got := strings.Join(idsOf(t, p.Items), " "); got != want || p.Total != len(p.Items) {
			t.Errorf("%+q finds %q of %d, want %q", q, got, p.Total, want)
		}
	}
	got := string(search(t, tc, "🍕", content.Query{Highlight: true}).Items[0])
	if !strings.Contains(got, `Pizza \u003cmark\u003e🍕\u003c/mark\u003e night`) {
		t.Errorf("highlighted: %s", got)
	}
}

// TestSigns: marks attached to a word decide the order. Nothing is excluded for the lack of them.
func TestSigns(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, append(many("filler", 40),
		content.Item{ID: "c", Title: "C"}, content.Item{ID: "cs", Title: "C#"},
		content.Item{ID: "cpp", Title: "Programming in C++"}, content.Item{ID: "cpp-body", Title: "Languages", Body: "C++, and C"},
		content.Item{ID: "c-body", Title: "Letters", Body: "A, B, C"},
		content.Item{ID: "net", Title: "Introduction to .NET"}, content.Item{ID: "nets", Title: "Net"},
		content.Item{ID: "fart", Title: "F.A.R.T. the film"}, content.Item{ID: "usa", Title: "The U.S.A."},
		content.Item{ID: "usa-word", Title: "USA"}, content.Item{ID: "tolkien", Title: "J. R. R. Tolkien"},
		content.Item{ID: "att", Title: "AT&T"}, content.Item{ID: "at", Title: "At T"},
		content.Item{ID: "rd", Title: "Money for R&D."}, content.Item{ID: "node", Title: "Node.js"},
		content.Item{ID: "nodes", Title: "JS node"}, content.Item{ID: "full", Title: "Ｃ＋＋ in Japan"})...)
	for q, want := range map[string]string{
		"C++": "full cpp c cs cpp-body c-body", "c++": "full cpp c cs cpp-body c-body", "C#": "cs c full cpp", "(C#)?": "cs c",
		".NET": "net nets", ".net.": "net nets", "net": "nets net", "F.A.R.T.": "fart", "fart": "fart", "f.a": "fart",
		"U.S.A.": "usa usa-word", "usa": "usa-word usa", "u.s.a": "usa", "J.R.R. Tolkien": "tolkien",
		"AT&T": "att at", "at t": "at att", "R&D": "rd", "node.js": "node nodes", "Node.js,": "node nodes",
	} {
		if got := finds(t, tc, q, content.Query{}); !strings.HasPrefix(got+" ", want+" ") {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
	}
	for q, want := range map[string]string{"c++": "full", "c+": "full", ".net": "net", "usa": "usa-word", "u.s": "usa", "at&t": "att", "node.js": "node", "c": ""} {
		got, err := tc.Suggest(t.Context(), 0, q)
		if err != nil {
			t.Fatal(err)
		}
		first := ""
		if len(got) > 0 {
			first = got[0].ID
		}
		if first != want {
			t.Errorf("%q suggests %v, want %s first", q, got, want)
		}
	}
}

// TestSecondSpellings: umlauts and the like are found as people write them who lack the keys. A
// word without them is found as it is only.
func TestSecondSpellings(t *testing.T) {
	tc := newCorpus(t)
	for id, title := range map[string]string{
		"müller": "Müller", "mueller": "Mueller", "muller": "Muller", "süden": "Im Süden", "poet": "Poet", "pöt": "Pöt",
		"blue": "Blue", "blü": "Blü", "joel": "Joel", "jöl": "Jöl", "duet": "Duet", "düt": "Düt", "goethe": "Goethe",
		"ålborg": "Ålborg", "aalborg": "Aalborg", "smør": "SMØRREBRØD", "gäns": "Gänsefüßchen", "böll": "Bo\u0308ll",
	} {
		put(t, tc, 0, content.Item{ID: id, Title: title})
	}
	for q, want := range map[string]string{
		"mueller": "mueller müller", "müller": "mueller muller müller", "mu\u0308ller": "mueller muller müller",
		"MÜLLER": "mueller muller müller", "muller": "muller müller", "muell": "mueller müller", "müll": "mueller muller müller",
		"sued": "süden", "süd": "süden", "sud": "süden", "sueden": "süden", "süden": "süden",
		"poet": "poet pöt", "pöt": "poet pöt", "pot": "pöt", "blue": "blue blü", "joel": "joel jöl", "duet": "duet düt",
		"göthe": "goethe", "gothe": "", "goethe": "goethe", "aalborg": "aalborg ålborg", "ålborg": "aalborg ålborg",
		"alborg": "ålborg", "smoerrebroed": "smør", "smorrebrod": "smør", "gaensefuesschen": "gäns", "gansefusschen": "gäns",
		"boell": "böll", "boll": "böll", "böll": "böll",
	} {
		if got := sorted(finds(t, tc, q, content.Query{Exact: true})); got != want {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
		suggested, err := tc.Suggest(t.Context(), 0, q)
		if err != nil || len(suggested) != len(strings.Fields(want)) {
			t.Errorf("%q suggests %v, %v, want %q", q, suggested, err, want)
		}
	}
	got := string(search(t, tc, "sued", content.Query{Highlight: true}).Items[0])
	if !strings.Contains(got, `Im \u003cmark\u003eSüden\u003c/mark\u003e`) {
		t.Errorf("highlighted: %s", got)
	}
}

// TestSpellingsOfNames: a name in two Unicode spellings is one collection, tag, attribute or value.
func TestSpellingsOfNames(t *testing.T) {
	tc := newCorpus(t)
	nfd := norm.NFD.String
	put(t, tc, 0,
		content.Item{ID: "a", Collection: "für Gäste", Title: "One", Tags: []string{"Café"}, Attributes: map[string]any{"Größe": "groß é"}},
		content.Item{ID: "b", Collection: nfd("für Gäste"), Title: "Two", Tags: []string{nfd("Café")}, Attributes: map[string]any{nfd("Größe"): nfd("groß é")}},
		content.Item{ID: "c", Collection: "für\u00ad Gäste", Title: "Three", Tags: []string{"Ca\u200dfé"}, Attributes: map[string]any{"Größe": "groß\ufe0f é"}})
	for _, spelling := range []func(string) string{norm.NFC.String, nfd, func(s string) string { return "\ufeff" + s }} {
		for name, q := range map[string]content.Query{
			"collection": {Collection: spelling("für Gäste")},
			"tag":        {Tags: []string{spelling("Café")}},
			"attribute":  {Attributes: []content.AttributeValue{{Name: spelling("Größe"), Value: spelling("groß é")}}},
		} {
			q.Facets = []string{"collection", "tag", nfd("Größe")}
			p := search(t, tc, "", q)
			if p.Total != 3 || len(p.Items) != 3 {
				t.Errorf("%s: %d of %d items", name, len(p.Items), p.Total)
			}
			for facet, values := range p.Facets {
				if len(values) != 1 || values[0].Count != 3 {
					t.Errorf("%s: facet %s has %v", name, facet, values)
				}
			}
		}
	}
	if all, err := tc.Collections(t.Context(), 0); err != nil || len(all) != 1 || all[0] != (content.CollectionCount{Collection: "für Gäste", Items: 3}) {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := tc.List(t.Context(), content.Filter{Collection: nfd("für Gäste")}, "", 10); err != nil || len(all) != 3 {
		t.Errorf("%v, %v", all, err)
	}
	err := tc.update(t, 0, func(b *build.Builder) error { // prunes the collection in all spellings
		r, err := b.Import(t.Context(), imports.Options{Prune: true}, itemsOf(content.Item{ID: "a", Collection: nfd("für Gäste"), Title: "One"}))
		if err == nil && (r.Removed != 2 || r.Collections[nfd("für Gäste")] != 1) {
			t.Errorf("%+v", r)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := tc.Collections(t.Context(), 0); err != nil || len(all) != 1 || all[0].Items != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

// alphabets has characters of many scripts, and whatever is unpleasant in a title.
var alphabets = []string{
	"abcxyz", "ABCé", "äöüßøåæ", "e\u0301u\u0308n\u0303", "абвЁй", "αβγςΌ", "کتابمیخ", "مَدِينَ", "שָׁלוֹם", "हिन्दीक्षि", "ශ්රී", "বাংলা",
	"தமிழ்", "ภาษาไทยเน้ำ", "ລາວ", "ខ្មែរ", "မြန်မာ", "བོད", "한국어", norm.NFD.String("한국"), "東京北", "がガｶﾞﾊﾟー", "ㄅㄆ", "0123٣½²①",
	"ﬁﷺǅİıŀ", "+#.&/@*_%$", "?!,;:'\"()[]{}<>|\\^~`=", "–—…“”‘’«»¿¡。、「」", "🍕👩🏽🇩🇪❤🏴☎", "\u200c\u200d\u00ad\u200b\u2060\ufeff\u200e\u2067\u2069\ufe0f\u034f",
	"\u0301\u3099\u20e3", "\ue000\ue02b\uffff\ufffd", "ａＢ＋＃？", "ー・〜", "€∞™→©°",
}

// nastyTitle returns a random title of at most 8 different words.
func nastyTitle(rng *rand.Rand) string {
	var b strings.Builder
	for range 1 + rng.IntN(6) {
		letters := []rune(alphabets[rng.IntN(len(alphabets))])
		other := []rune(alphabets[rng.IntN(len(alphabets))])
		for range 1 + rng.IntN(5) {
			from := letters
			if rng.IntN(6) == 0 {
				from = other
			}
			b.WriteRune(from[rng.IntN(len(from))])
		}
		if rng.IntN(4) > 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// TestAnyTitleFindsItsItem: a title, typed as it is and letter by letter, finds its item, and a
// suggestion finds the item that it is of.
func TestAnyTitleFindsItsItem(t *testing.T) {
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, 0))
	tested := 0
	for tested < 60 {
		it := content.Item{ID: "it", Title: nastyTitle(rng)}
		content.Clean(&it)
		if words, err := content.Words(it.Title); err != nil || len(words) > 7 || content.Check(&it) != nil {
			continue
		}
		tested++
		tc := newCorpus(t)
		put(t, tc, 0, content.Item{ID: "other", Title: "qqqqqq"}, it)
		typing(t, tc, it.Title)
		tc.Close()
		if t.Failed() {
			t.Fatalf("seed %d, title %+q", seed, it.Title)
		}
	}
}

// typing types a title letter by letter. A letter includes the marks on it. Before the first word,
// nothing has to be found: an opening bracket is not a sign. A title without words is found when it
// is complete.
func typing(t *testing.T, tc *testCorpus, title string) {
	wordless := len(wordsOf(t, title)) == 0
	for i := range title + " " {
		next, _ := utf8.DecodeRuneInString(content.Name(title[i:])) // without the invisible ones
		if i == 0 || i < len(title) && belongsToLetter(next) {
			continue
		}
		typed := title[:i]
		if len(wordsOf(t, typed)) == 0 && (!wordless || i < len(title)) {
			continue
		}
		found := finds(t, tc, typed, content.Query{})
		if !strings.Contains(" "+found+" ", " it ") {
			t.Errorf("%+q finds %q", typed, found)
		}
		suggested, err := tc.Suggest(t.Context(), 0, typed)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range suggested {
			if found := finds(t, tc, s.Text, content.Query{}); !strings.Contains(" "+found+" ", " "+s.ID+" ") {
				t.Errorf("%+q suggests %+q, which finds %q", typed, s.Text, found)
			}
		}
	}
}

func wordsOf(t *testing.T, q string) []string {
	words, err := content.Words(q)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

func belongsToLetter(r rune) bool {
	return unicode.In(r, unicode.Mark) || 0x1160 <= r && r <= 0x11ff || r == '\uff9e' || r == '\uff9f'
}
