package corpus

import (
	"strings"
	"testing"

	"stile.example/stile/content"
	"stile.example/stile/content/options"
	"stile.example/stile/static"
)

// TestDemoFindsWhatIsMeant searches the demo corpus, with the options that `stile serve --demo`
// chooses. Each line is a query and the items that come first, with the reason.
func TestDemoFindsWhatIsMeant(t *testing.T) {
	tc := newCorpus(t)
	load(t, tc, 0, content.Read(t.Context(), content.Source{
		Path: "corpus.jsonl", Reader: static.DemoCorpus("https://api.example"), Format: content.JSONL,
	}))
	choose(t, tc, 0, options.Change{Searchable: ptr(static.DemoSearchable()), Synonyms: ptr(static.DemoSynonyms())})
	for _, line := range strings.Split(strings.TrimSpace(`
USA: united-states (iso3)
de: germany (iso2, although de is in many bodies)
.nl: netherlands (tld)
holland: netherlands (synonym of the whole title, before Caribbean Netherlands)
Nippon: japan (synonym of the title)
nihon: japan (synonym of the title)
uk: united-kingdom (synonym of the title)
great britain: united-kingdom (synonym of the title)
burma: myanmar (synonym of the title)
ivory coast: cote-d-ivoire (synonym of the title)
turkey: turkiye (synonym of the title)
japan: japan (title)
Ottawa: canada (capital, before countries that mention it)
Deutschland: germany (name in its own language)
日本: japan (name in its own language)
Kabul: afghanistan (capital)
`), "\n") {
		q, rest, _ := strings.Cut(line, ": ")
		want, why, _ := strings.Cut(rest, " (")
		got := idsOf(t, search(t, tc, q, content.Query{Limit: 3}).Items)
		if len(got) == 0 || got[0] != want {
			t.Errorf("%s finds %q, want %s first (%s", q, got, want, why)
		}
	}
}
