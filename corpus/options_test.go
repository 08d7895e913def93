package corpus

import (
	"fmt"
	"strings"
	"testing"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
	"stile.example/stile/corpus/build"
)

func ptr[T any](v T) *T { return &v }

// choose changes an owner's options, and imports items.
func choose(
	t testing.TB, c *testCorpus, owner uint32, ch options.Change, items ...content.Item,
) (r imports.Result) {
	t.Helper()
	err := c.update(t, owner, func(b *build.Builder) (err error) {
		r, err = b.Import(t.Context(), imports.Options{Tenant: owner, Options: ch}, itemsOf(items...))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func countries() []content.Item {
	return []content.Item{
		{ID: "us", Collection: "america", Title: "United States", Body: "<p>a country</p>", Attributes: map[string]any{"capital": "Washington D.C.", "codes": []any{"US", "USA"}, "area": 9.5}},
		{ID: "nl", Collection: "europe", Title: "Netherlands", Summary: "flat", Tags: []string{"small"}, Attributes: map[string]any{"capital": "Amsterdam", "codes": []any{"NL", "NLD"}, "names": map[string]any{"nl": "Nederland", "de": "Niederlande"}}},
		{ID: "ca", Collection: "america", Title: "Canada", Body: "<p>" + strings.Repeat("north of the USA, ", 30) + "</p>", Attributes: map[string]any{"capital": "Ottawa", "codes": []any{"CA", "CAN"}}},
		{ID: "hh", Collection: "europe", Title: "North Holland", Summary: "a province whose capital is not Amsterdam"},
	}
}

// TestSearchable: the texts of the chosen attributes are found, in lists and objects too, and an
// item with an exact one comes before those that mention it often.
func TestSearchable(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, append(countries(), many("filler", 40)...)...)
	if got := finds(t, tc, "ottawa", content.Query{}); got != "" {
		t.Errorf("before: %q", got)
	}
	r := choose(t, tc, 0, options.Change{Searchable: ptr([]string{"codes", "capital", "names", "area", "none"})})
	if r.IndexedAgain != 3 {
		t.Errorf("%+v", r)
	}
	for q, want := range map[string]string{
		"usa": "us ca", "ottawa": "ca", "amsterdam": "nl hh", "washington": "us", "niederlande": "nl", "9.5": "us filler9 filler5",
		"nld nl": "nl", "holland": "hh", "flat small": "nl",
	} {
		if got := finds(t, tc, q, content.Query{}); got != want {
			t.Errorf("%s finds %q, want %q", q, got, want)
		}
	}
	if got := finds(t, tc, "usa", content.Query{Collection: "america"}); got != "us ca" {
		t.Errorf("with a filter: %q", got)
	}
	choose(t, tc, 0, options.Change{}, content.Item{ID: "ca", Title: "Canada", Attributes: map[string]any{"codes": "CDN"}})
	if got := finds(t, tc, "cdn", content.Query{}) + "," + finds(t, tc, "ottawa", content.Query{}); got != "ca," {
		t.Errorf("after an update: %q", got)
	}
	choose(t, tc, 0, options.Change{Searchable: ptr([]string{})})
	if got := finds(t, tc, "cdn", content.Query{}); got != "" {
		t.Errorf("after clearing: %q", got)
	}
}

// TestSynonyms: equal names are found, of the owner that chose them only. They are neither
// highlighted nor suggested, and the text itself comes first.
func TestSynonyms(t *testing.T) {
	tc := newCorpus(t)
	choose(t, tc, 0, options.Change{Synonyms: ptr("holland,netherlands,the low countries\nusa,united states\n")}, countries()...)
	put(t, tc, 7, content.Item{ID: "own", Title: "Netherlands of seven"})
	for q, want := range map[string]string{
		"holland": "hh nl", "netherlands": "nl hh", "low countries": "nl hh", "united states": "us ca", "usa": "us ca", "hollan": "hh nl",
	} {
		if got := finds(t, tc, q, content.Query{}); got != want {
			t.Errorf("%s finds %q, want %q", q, got, want)
		}
	}
	if got := finds(t, tc, "holland", content.Query{Tenant: 7}); got != "hh nl" {
		t.Errorf("tenant 7: %q", got)
	}
	p := search(t, tc, "holland", content.Query{Highlight: true})
	if got := string(p.Items[1]); !strings.Contains(got, `"highlight":{"title":"Netherlands","summary":"flat"}`) {
		t.Error(got)
	}
	for q, want := range map[string]int{"holland": 1, "low": 0, "usa": 0, "neth": 1} {
		if got, err := tc.Suggest(t.Context(), 0, q); err != nil || len(got) != want {
			t.Errorf("%s: %+v, %v", q, got, err)
		}
	}
}

// TestURLOption: items without a URL get one, and follow a change of the option.
func TestURLOption(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, content.Item{ID: "old", Title: "Old"}, content.Item{ID: "has", Title: "Has", URL: "https://x.example/"})
	url := func(id string) string {
		whole, err := tc.Item(0, id)
		if err != nil {
			t.Fatal(err)
		}
		it, err := content.DecodeItem(whole)
		if err != nil {
			t.Fatal(err)
		}
		if list := search(t, tc, it.Title, content.Query{}).Items[0]; !strings.Contains(string(list), fmt.Sprintf("%q", it.URL)) && it.URL != "" {
			t.Errorf("%s in a list: %s", id, list)
		}
		return it.URL
	}
	check := func(want string) {
		t.Helper()
		if got := url("old") + " " + url("new") + " " + url("has"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	made := content.Item{ID: "new", Collection: "a b", Title: "New"}
	choose(t, tc, 0, options.Change{URL: ptr("https://p.example/{collection}/{id}")}, made)
	check("https://p.example//old https://p.example/a%20b/new https://x.example/")
	if r := choose(t, tc, 0, options.Change{}, made); r.Unchanged != 1 {
		t.Errorf("the same item again: %+v", r)
	}
	choose(t, tc, 0, options.Change{URL: ptr("https://q.example/?i={id}")})
	check("https://q.example/?i=old https://q.example/?i=new https://x.example/")
	choose(t, tc, 0, options.Change{URL: ptr("")})
	check("  https://x.example/")
}

// TestOptionsStay: options are kept for each owner, until a change or RemoveAll. An invalid one
// changes nothing.
func TestOptionsStay(t *testing.T) {
	tc := newCorpus(t)
	first := options.Change{Searchable: ptr([]string{"a"}), Labels: ptr("en: {facets: {a: A}}"), URL: ptr("https://p.example/{id}")}
	choose(t, tc, 0, first)
	choose(t, tc, 7, options.Change{Synonyms: ptr("a,b\n"), Labels: ptr("en: {facets: {a: Own}, collections: {n: N}}")})
	put(t, tc, 0, countries()...)
	check := func(owner uint32, want string) {
		t.Helper()
		o, err := tc.Options(t.Context(), owner)
		if got := fmt.Sprintf("%v %q %d %s", o.Searchable, o.Synonyms, len(o.Labels), o.URL); got != want || err != nil {
			t.Errorf("owner %d: %s, %v, want %s", owner, got, err, want)
		}
	}
	check(0, `[a] "" 1 https://p.example/{id}`)
	check(7, `[] "a,b\n" 1 `)
	check(8, `[] "" 0 `)
	for tenant, want := range map[uint32]string{
		0: `{"facets":{"a":"A"},"collections":{},"values":{}}`,
		7: `{"facets":{"a":"Own"},"collections":{"n":"N"},"values":{}}`,
		8: `{"facets":{"a":"A"},"collections":{},"values":{}}`,
	} {
		if got, err := tc.Labels(t.Context(), tenant, "de"); string(got) != want || err != nil {
			t.Errorf("tenant %d: %s, %v, want %s", tenant, got, err, want)
		}
	}
	n := tc.n
	err := tc.update(t, 0, func(b *build.Builder) error {
		_, err := b.Import(t.Context(), imports.Options{Options: options.Change{URL: ptr("nowhere")}}, itemsOf())
		return err
	})
	if err == nil || !strings.Contains(err.Error(), `url "nowhere"`) {
		t.Error(err)
	}
	if choose(t, tc, 0, first); tc.n != n {
		t.Error("options that are chosen already made a file")
	}
	if err := tc.update(t, 7, func(b *build.Builder) error { return b.RemoveAll(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	check(7, `[] "" 0 `)
	check(0, `[a] "" 1 https://p.example/{id}`)
}

// TestExportedItemsAreFoundAlike: items that are exported and imported elsewhere, with the same
// options, are found by the same searches.
func TestExportedItemsAreFoundAlike(t *testing.T) {
	tc, other := newCorpus(t), newCorpus(t)
	chosen := options.Change{Searchable: ptr([]string{"codes"}), Synonyms: ptr("holland,netherlands\n"), URL: ptr("https://p.example/{id}")}
	choose(t, tc, 0, chosen, countries()...)
	var items []content.Item
	for it, err := range tc.Export(t.Context(), content.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	choose(t, other, 0, chosen, items...)
	for _, q := range []string{"holland", "usa", "nl", "north", "amsterdam", "a", ""} {
		a, b := search(t, tc, q, content.Query{Sort: content.ByTitle}), search(t, other, q, content.Query{Sort: content.ByTitle})
		if fmt.Sprintf("%s", a.Items) != fmt.Sprintf("%s", b.Items) || a.Total != b.Total {
			t.Errorf("%s: %s, %s", q, a.Items, b.Items)
		}
	}
}
