package corpus

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"stile.example/stile/content"
)

// TestScripts: in any script, a word is found inside a sentence whatever its case and accents, and
// another word is not.
func TestScripts(t *testing.T) {
	tc := newCorpus(t)
	for _, c := range []struct{ lang, text, find, miss string }{
		{"en", "The Well-known naïve café", "CAFE well-known NAIVE", "caf knownwell"},
		{"de", "Die Straße nach Düsseldorf", "strasse DUSSELDORF duesseldorf DÜSSELDORF", "dueseldorf"},
		{"nb", "Smørbrød på Ærø", "smorbrod pa aero smoerbroed paa", "smørb"},
		{"pl", "Łódź i Kraków", "lodz krakow", "lod krak"},
		{"tr", "İstanbul'da ılık", "istanbul ilik", "istan"},
		{"vi", "Thành phố Hồ Chí Minh, Đà Nẵng", "pho ho Chí da nang", "nangda"},
		{"el", "Ο Όμηρος της Οδύσσειας", "ομηρος οδυσσειασ ΟΔΎΣΣΕΙΑΣ", "οδυσσεια"},
		{"ru", "Съешь ещё этих мягких булок", "ЕЩЕ булок", "булка"},
		{"ar", "مَدِينَةُ القاهرة الكبـــرى", "مدينة القاهرة الكبرى", "مدينتي"},
		{"he", "שָׁלוֹם עולם", "שלום עולם", "שלומי"},
		{"hi", "हिन्दी में लिखा वाक्य", "हिन्दी वाक्य", "हन्द"},
		{"ja", "吾輩は猫である。名前はまだ無い。ガラス", "猫 名前 ガラス", "前名 カラス 無名"},
		{"zh", "北京大学在北京市海淀区", "北京 大学 海淀区 京大", "北大 京北"},
		{"ko", "서울에서 만나요", "서울 에서 만나", "울서 나만"},
		{"th", "ภาษาไทยเป็นภาษาที่มีระดับเสียง", "ภาษา ไทย เสียง", "ไทภา"},
		{"mixed", "iPhone手机壳 ｶﾞﾗｽ", "iphone 手机 iphone手机 ガラス", "机手"},
	} {
		put(t, tc, 0, content.Item{ID: c.lang, Title: "x", Summary: c.text})
		for w := range strings.FieldsSeq(c.find) {
			if got := finds(t, tc, w, content.Query{}); !slices.Contains(strings.Fields(got), c.lang) {
				t.Errorf("%s: %s finds %q", c.lang, w, got)
			}
		}
		for w := range strings.FieldsSeq(c.miss) {
			if got := finds(t, tc, w+" x", content.Query{Exact: true, Sort: content.ByTitle}); got != "" {
				t.Errorf("%s: %s finds %q", c.lang, w, got)
			}
		}
	}
}

// TestRank: all words must match. Titles come first, short ones before long ones, then tags,
// summaries and bodies.
func TestRank(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, append(many("filler", 40),
		content.Item{ID: "body", Title: "a", Body: "<p>an <b>oak</b> stood there</p>"},
		content.Item{ID: "summary", Title: "b", Summary: "an oak stood there"},
		content.Item{ID: "tag", Title: "c", Summary: "it stood there too", Tags: []string{"oak"}},
		content.Item{ID: "long", Title: "The oak and the ash"},
		content.Item{ID: "short", Title: "Oak"},
		content.Item{ID: "none", Title: "Ash"})...)
	for q, want := range map[string]string{
		"oak":       "short long tag summary body",
		"oak ash":   "long",
		"ash oak":   "long",
		"oak stood": "tag summary body short long",
		"oa":        "short long tag summary body", // a prefix
		"oa ash":    "none long",                   // oa is not last
		"ash oa":    "long",
		"birch":     "",
		"\u0301":    "",
	} {
		p := search(t, tc, q, content.Query{})
		if got := strings.Join(idsOf(t, p.Items), " "); got != want || p.Total != len(p.Items) {
			t.Errorf("%q finds %q of %d, want %q", q, got, p.Total, want)
		}
	}
	// A word that exists is not taken as a prefix.
	put(t, tc, 0, content.Item{ID: "oa", Title: "oa"})
	if got := finds(t, tc, "oa", content.Query{}); got != "oa" {
		t.Errorf("oa finds %q", got)
	}
}

func TestFiltersAndOrders(t *testing.T) {
	tc := newCorpus(t)
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	put(t, tc, 0,
		content.Item{ID: "a", Collection: "trees", Title: "Élm", Tags: []string{"x", "y"}, PublishedAt: day(2)},
		content.Item{ID: "b", Collection: "trees", Title: "ash", Tags: []string{"x"}, PublishedAt: day(3)},
		content.Item{ID: "c", Collection: "birds", Title: "Owl", Tags: []string{"y", "x"}, PublishedAt: day(1)},
		content.Item{ID: "d", Title: "yew"})
	for _, c := range []struct {
		words string
		q     content.Query
		want  string
		total int
	}{
		{"", content.Query{}, "b a c d", 4},
		{"", content.Query{Sort: content.ByNewest}, "b a c d", 4},
		{"", content.Query{Sort: content.ByTitle}, "b a c d", 4},
		{"", content.Query{Collection: "trees"}, "b a", 2},
		{"", content.Query{Collection: "trees", Sort: content.ByTitle}, "b a", 2},
		{"", content.Query{Collection: "none"}, "", 0},
		{"", content.Query{Tags: []string{"x"}}, "b a c", 3},
		{"", content.Query{Tags: []string{"x", "y"}}, "a c", 2},
		{"", content.Query{Tags: []string{"x", "y"}, Collection: "birds"}, "c", 1},
		{"", content.Query{Tags: []string{"x", "y"}, Sort: content.ByTitle}, "a c", 2},
		{"elm", content.Query{Tags: []string{"y"}}, "a", 1},
		{"elm", content.Query{Collection: "birds"}, "", 0},
		{"elm", content.Query{Sort: content.ByNewest}, "a", 1},
		{"", content.Query{Tags: []string{`" OR x`}}, "", 0},
	} {
		p := search(t, tc, c.words, c.q)
		if got := strings.Join(idsOf(t, p.Items), " "); got != c.want || p.Total != c.total {
			t.Errorf("%q %+v finds %q of %d, want %q of %d", c.words, c.q, got, p.Total, c.want, c.total)
		}
	}
}

// TestAttributes: an item must have all attributes in the query, as facets count them. An attribute
// named tag or collection is not taken for the tag or collection.
func TestAttributes(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0,
		content.Item{ID: "a", Collection: "trees", Title: "elm", Tags: []string{"x"}, Attributes: map[string]any{"size": 3.0, "in": []any{"asia", "europe"}, "tag": "no"}},
		content.Item{ID: "b", Collection: "trees", Title: "elm too", Attributes: map[string]any{"size": 3.0, "in": "asia"}},
		content.Item{ID: "c", Collection: "birds", Title: "owl", Attributes: map[string]any{"size": 0.5, "rare": true}})
	put(t, tc, 7, content.Item{ID: "own", Title: "elm of seven", Attributes: map[string]any{"in": "asia"}})
	of := func(pairs ...string) (wanted []content.AttributeValue) {
		for i := 0; i < len(pairs); i += 2 {
			wanted = append(wanted, content.AttributeValue{Name: pairs[i], Value: pairs[i+1]})
		}
		return wanted
	}
	for _, c := range []struct {
		words string
		q     content.Query
		want  string
		total int
	}{
		{"", content.Query{Attributes: of("in", "asia")}, "a b", 2},
		{"", content.Query{Attributes: of("in", "asia"), Tenant: 7}, "a own b", 3},
		{"", content.Query{Attributes: of("in", "asia", "in", "europe")}, "a", 1},
		{"", content.Query{Attributes: of("in", "asia", "in", "asia")}, "a b", 2},
		{"", content.Query{Attributes: of("size", "3", "rare", "true")}, "", 0},
		{"", content.Query{Attributes: of("rare", "true"), Collection: "birds"}, "c", 1},
		{"", content.Query{Attributes: of("size", "3"), Tags: []string{"x"}}, "a", 1},
		{"too", content.Query{Attributes: of("size", "3")}, "b", 1},
		{"", content.Query{Attributes: of("tag", "no")}, "", 0},
		{"", content.Query{Attributes: of("in", `" OR asia`)}, "", 0},
		{"", content.Query{Attributes: of("none", "x")}, "", 0},
	} {
		c.q.Sort = content.ByTitle
		p := search(t, tc, c.words, c.q)
		if got := strings.Join(idsOf(t, p.Items), " "); got != c.want || p.Total != c.total {
			t.Errorf("%q %+v finds %q of %d, want %q of %d", c.words, c.q, got, p.Total, c.want, c.total)
		}
	}
	got := search(t, tc, "", content.Query{Attributes: of("in", "europe"), Facets: []string{"in"}}).Facets["in"]
	if want := []content.FacetValue{{Value: "asia", Count: 1}, {Value: "europe", Count: 1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	first := search(t, tc, "", content.Query{Attributes: of("in", "asia"), Limit: 1})
	for _, stale := range []string{"x", first.Next + "!", "AAAA"} {
		if _, err := tc.Search(t.Context(), content.Query{Limit: 1, Cursor: stale}); err == nil || !strings.Contains(err.Error(), "start again without it") {
			t.Errorf("the cursor %q: %v", stale, err)
		}
	}
	if _, err := tc.Search(t.Context(), content.Query{Attributes: of("in", "europe"), Limit: 1, Cursor: first.Next}); err == nil || !strings.Contains(err.Error(), "another search: start again without it") {
		t.Errorf("a cursor of other attributes: %v", err)
	}
}

func TestFacets(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0,
		content.Item{ID: "a", Collection: "trees", Title: "elm", Tags: []string{"x", "y"}, Attributes: map[string]any{"size": 3.0, "in": []any{"asia", "europe"}, "tag": "no"}},
		content.Item{ID: "b", Collection: "trees", Title: "elm too", Tags: []string{"x"}, Attributes: map[string]any{"size": 3.0, "in": "asia", "deep": map[string]any{}}},
		content.Item{ID: "c", Collection: "birds", Title: "owl", Tags: []string{"z"}, Attributes: map[string]any{"size": 0.5, "rare": true}})
	put(t, tc, 7, content.Item{ID: "own", Collection: "trees", Title: "elm of seven", Tags: []string{"secret"}})
	type counts map[string][]content.FacetValue
	all := []string{"collection", "tag", "size", "in", "rare", "nothing"}
	for _, c := range []struct {
		q    string
		more content.Query
		want counts
	}{
		{"", content.Query{}, counts{"collection": {{Value: "trees", Count: 2}, {Value: "birds", Count: 1}}, "tag": {{Value: "x", Count: 2}, {Value: "y", Count: 1}, {Value: "z", Count: 1}},
			"size": {{Value: "3", Count: 2}, {Value: "0.5", Count: 1}}, "in": {{Value: "asia", Count: 2}, {Value: "europe", Count: 1}}, "rare": {{Value: "true", Count: 1}}, "nothing": {}}},
		{"elm", content.Query{Tenant: 7}, counts{"collection": {{Value: "trees", Count: 3}}, "tag": {{Value: "x", Count: 2}, {Value: "secret", Count: 1}, {Value: "y", Count: 1}},
			"size": {{Value: "3", Count: 2}}, "in": {{Value: "asia", Count: 2}, {Value: "europe", Count: 1}}, "rare": {}, "nothing": {}}},
		{"", content.Query{Tenant: 8, Tags: []string{"y"}}, counts{"collection": {{Value: "trees", Count: 1}}, "tag": {{Value: "x", Count: 1}, {Value: "y", Count: 1}},
			"size": {{Value: "3", Count: 1}}, "in": {{Value: "asia", Count: 1}, {Value: "europe", Count: 1}}, "rare": {}, "nothing": {}}},
	} {
		c.more.Facets = all
		if got := counts(search(t, tc, c.q, c.more).Facets); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q %+v:\n got %v\nwant %v", c.q, c.more, got, c.want)
		}
	}
	// Counts follow an item that changes.
	put(t, tc, 0, content.Item{ID: "a", Collection: "birds", Title: "elm"})
	got := search(t, tc, "", content.Query{Facets: []string{"collection", "in"}}).Facets
	if want := (counts{"collection": {{Value: "birds", Count: 2}, {Value: "trees", Count: 1}}, "in": {{Value: "asia", Count: 1}}}); !reflect.DeepEqual(counts(got), want) {
		t.Errorf("after the change: %v", got)
	}
}

func TestHighlight(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, content.Item{ID: "a", Title: "Crème & <brûlée>", Summary: "a crème, and 東京タワー"})
	for q, want := range map[string][2]string{
		"creme brul": {"<mark>Crème</mark> &amp; &lt;<mark>brûlée</mark>&gt;", "a <mark>crème</mark>, and 東京タワー"},
		"京タ":         {"Crème &amp; &lt;brûlée&gt;", "a crème, and 東<mark>京タ</mark>ワー"},
		"東京タワ":       {"Crème &amp; &lt;brûlée&gt;", "a crème, and <mark>東京タワ</mark>ー"},
	} {
		p := search(t, tc, q, content.Query{Highlight: true})
		if len(p.Items) != 1 {
			t.Errorf("%q finds %d items", q, len(p.Items))
			continue
		}
		var in struct {
			Title     string
			Highlight struct{ Title, Summary string }
		}
		if err := json.Unmarshal(p.Items[0], &in); err != nil {
			t.Fatal(err)
		}
		if in.Highlight.Title != want[0] || in.Highlight.Summary != want[1] || in.Title != "Crème & <brûlée>" {
			t.Errorf("%q: %+v", q, in)
		}
		if strings.ContainsAny(string(p.Items[0]), "<>&") {
			t.Errorf("not safe in a script: %s", p.Items[0])
		}
	}
	if p := search(t, tc, "creme", content.Query{}); strings.Contains(string(p.Items[0]), "highlight") {
		t.Error("highlighted without Highlight")
	}
}

func TestSuggest(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0,
		content.Item{ID: "1", Collection: "c", Title: "United States of America"},
		content.Item{ID: "2", Title: "United Kingdom"},
		content.Item{ID: "3", Title: "Reunited"},
		content.Item{ID: "4", Title: "Tanzania, United Republic of"},
		content.Item{ID: "5", Title: "東京タワー"},
		content.Item{ID: "6", Title: "Åland"})
	put(t, tc, 7, content.Item{ID: "7", Title: "Unit seven"})
	put(t, tc, 0, many("zebra", 30)...)
	for _, c := range []struct {
		tenant  uint32
		q, want string
	}{
		{0, "un", "2 1 4"}, {0, "unit", "2 1 4"}, {0, "UNITED", "2 1 4"}, {7, "uni", "7 2 1 4"}, {8, "uni", "2 1 4"},
		{0, "united s", "1"}, {0, "united states of am", "1"}, {0, "of united", "1 4"}, {0, "unit states", ""}, {0, "st u", ""},
		{0, "東", "5"}, {0, "東京タ", "5"}, {0, "タワー", "5"}, {0, "aland", "6"}, {0, "nothing", ""}, {0, "", ""}, {0, `" * %`, ""},
		{0, "zebra", "zebra0 zebra1 zebra2 zebra3 zebra4 zebra5 zebra6 zebra7"},
	} {
		got, err := tc.Suggest(t.Context(), c.tenant, c.q)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, s := range got {
			found = append(found, s.ID)
		}
		if strings.Join(found, " ") != c.want {
			t.Errorf("%d %q: %v, want %s", c.tenant, c.q, got, c.want)
		}
	}
	if got, _ := tc.Suggest(t.Context(), 0, "united states"); len(got) != 1 || got[0] != (content.Suggestion{Text: "United States of America", ID: "1", Collection: "c"}) {
		t.Errorf("%+v", got)
	}
}

func TestRelated(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, append(many("filler", 60),
		content.Item{ID: "france", Title: "France", Summary: "Baguettes and wine", Tags: []string{"europe"}},
		content.Item{ID: "italy", Title: "Italy", Summary: "Pasta and wine", Tags: []string{"europe"}},
		content.Item{ID: "spain", Title: "Spain", Summary: "Oranges", Tags: []string{"europe"}},
		content.Item{ID: "japan", Title: "Japan", Summary: "Noodles", Tags: []string{"asia"}})...)
	put(t, tc, 7, content.Item{ID: "own", Title: "Own wine", Tags: []string{"europe"}})
	for _, c := range []struct {
		tenant   uint32
		id, want string
	}{{0, "france", "italy spain"}, {7, "france", "italy own spain"}, {8, "france", "italy spain"}, {0, "japan", ""}} {
		items, err := tc.Related(t.Context(), c.tenant, c.id, 8)
		if got := strings.Join(idsOf(t, items), " "); err != nil || got != c.want && sorted(got) != sorted(c.want) {
			t.Errorf("%d %s: %q, %v", c.tenant, c.id, got, err)
		}
	}
	if items, err := tc.Related(t.Context(), 0, "france", 1); err != nil || fmt.Sprint(idsOf(t, items)) != "[italy]" {
		t.Errorf("one: %v, %v", idsOf(t, items), err)
	}
}

// TestRelatedByValues: items that have nothing in common but the value of an attribute are related.
func TestRelatedByValues(t *testing.T) {
	tc := newCorpus(t)
	items := many("filler", 60)
	for i := range items {
		items[i].Title, items[i].Collection = fmt.Sprint("x", i), ""
		items[i].Attributes = map[string]any{"pair": fmt.Sprint("p", i/2)}
	}
	put(t, tc, 0, items...)
	for id, want := range map[string]string{"filler52": "filler53", "filler2": "filler3"} {
		items, err := tc.Related(t.Context(), 0, id, 8)
		if got := strings.Join(idsOf(t, items), " "); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %s", id, got, err, want)
		}
	}
}

// FuzzSearch: no text is interpreted as syntax, in any part of a query, and none leads to an error.
func FuzzSearch(f *testing.F) {
	tc := newCorpus(f)
	put(f, tc, 0, append(many("oak", 20), content.Item{ID: "x", Collection: "c", Title: "東京 a\"b", Tags: []string{"t"}, Summary: "AND or NEAR"})...)
	for _, s := range []string{`"`, `oak*`, `a AND b`, `{title}: x`, `NEAR(a b)`, `-x`, `^x`, "東", "\x00", "ﷺ", "İ", "ｶﾞ", "\u200d\u200d", "½"} {
		f.Add(s, s, s, uint8(0))
	}
	f.Fuzz(func(t *testing.T, words, tag, facet string, sort uint8) {
		q := content.Query{Tenant: 1, Limit: 5, Sort: content.Sort(sort % 3), Facets: []string{facet}, Highlight: true}
		var err error
		if q.Words, err = content.Words(words); err != nil {
			return
		}
		if tag != "" {
			q.Tags = []string{tag}
		}
		p, err := tc.Search(t.Context(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		for _, item := range p.Items {
			if !json.Valid(item) || !utf8.Valid(item) {
				t.Fatalf("%+v: %s", q, item)
			}
		}
		if _, err := tc.Suggest(t.Context(), 1, words); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSuggestionsAreCached checks that equal suggestions are cached, once for all spellings, and
// apart for tenants that see other items and for other words.
func TestSuggestionsAreCached(t *testing.T) {
	c := newCorpus(t)
	put(t, c, 0, content.Item{ID: "a", Title: "Red apple", Collection: "c"})
	put(t, c, 7, content.Item{ID: "b", Title: "Red berry", Collection: "c"})
	of := func(tenant uint32, q string) (ids string) {
		t.Helper()
		for range 2 { // found, then cached
			found, err := c.Suggest(t.Context(), tenant, q)
			if err != nil {
				t.Fatal(err)
			}
			ids = ""
			for _, s := range found {
				ids += s.ID
			}
		}
		return ids
	}
	for _, s := range []struct {
		tenant uint32
		q      string
		want   string
		cached int
	}{{0, "red", "a", 1}, {7, "red", "ab", 2}, {8, "Red", "a", 2}, {0, "red ", "a", 2}, {7, "red b", "b", 3}, {7, "red berry", "b", 4}, {7, "blue", "", 5}} {
		if ids := of(s.tenant, s.q); ids != s.want || c.titles.Len() != s.cached {
			t.Errorf("tenant %d, %q: %q, %d cached; want %q, %d", s.tenant, s.q, ids, c.titles.Len(), s.want, s.cached)
		}
	}
	put(t, c, 0, content.Item{ID: "d", Title: "Red date", Collection: "c"})
	if ids := of(0, "red"); len(ids) != 2 {
		t.Errorf("after an import: %q", ids)
	}
}

func BenchmarkSuggest(b *testing.B) {
	c := newCorpus(b)
	var items []content.Item
	for n := range 2000 {
		items = append(items, content.Item{ID: fmt.Sprint("i", n), Title: fmt.Sprint("Red apple number ", n), Collection: "c"})
	}
	put(b, c, 0, items...)
	for _, cached := range []bool{true, false} {
		b.Run(fmt.Sprint("cached ", cached), func(b *testing.B) {
			for b.Loop() {
				if !cached {
					c.titles.Clear()
				}
				if found, err := c.Suggest(b.Context(), 0, "red app"); err != nil || len(found) == 0 {
					b.Fatal(found, err)
				}
			}
		})
	}
}
