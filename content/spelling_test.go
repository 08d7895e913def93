package content_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"stile.example/stile/content"
)

// TestSpellingsAreOne: names in two Unicode spellings, or with characters that nobody sees, are one
// name when they are imported.
func TestSpellingsAreOne(t *testing.T) {
	nfd := norm.NFD.String
	lines := []string{
		`{"id":"a","collection":"für Gäste","title":"One","tags":["Café"],"attributes":{"Größe":"groß é"}}`,
		`{"id":"\ufeffb","collection":"` + nfd("für Gäste") + `\u200b","title":"One","tags":["` + nfd("Café") + `","Café","Ca\u00adfé"],"attributes":{"` + nfd("Größe") + `":"` + nfd("groß é") + `"}}`,
	}
	items, err := collect(t, content.Source{Path: "x.jsonl", Reader: strings.NewReader(strings.Join(lines, "\n"))})
	if err != nil || len(items) != 2 {
		t.Fatal(items, err)
	}
	b := items[1]
	if b.ID = "a"; !reflect.DeepEqual(items[0], b) {
		t.Errorf("%+q, want %+q", b, items[0])
	}
}

// TestSpellingsKeepJoiners: a joiner that shapes a name is not lost.
func TestSpellingsKeepJoiners(t *testing.T) {
	it := content.Item{ID: "a", Title: "x", Collection: "می\u200cخواهم\u200e", Tags: []string{"\ufeff👩\u200d🍳", "👩🍳"}}
	content.Clean(&it)
	if it.Collection != "می\u200cخواهم" || !slices.Equal(it.Tags, []string{"👩\u200d🍳"}) {
		t.Errorf("%+q", it)
	}
}

func TestSpellingsRefused(t *testing.T) {
	for want, src := range map[string]content.Source{
		`attribute "Größe": is repeated in another Unicode spelling; keep one of them`: {Path: "x.jsonl", Reader: strings.NewReader(`{"id":"a","title":"b","attributes":{"Größe":1,"` + norm.NFD.String("Größe") + `":2}}`)},
		`column "Größe" is repeated`: {Path: "x.csv", Reader: strings.NewReader("id,title,Größe," + norm.NFD.String("Größe") + "\n")},
		`id "a" is repeated`:         {Path: "x.jsonl", Reader: strings.NewReader(`{"id":"a","title":"b"}` + "\n" + `{"id":"a\u200d","title":"b"}`)},
		"title is missing":           {Path: "x.jsonl", Reader: strings.NewReader(`{"id":"a","title":"\u200b \u3164"}`)},
	} {
		if _, err := collect(t, src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestSpellingsOfFiles: the id and the collection of a file are the same in both spellings of its
// name. Each spelling is in a folder of its own, since some systems can't have both in one.
func TestSpellingsOfFiles(t *testing.T) {
	var got [][]content.Item
	for _, spelling := range []func(string) string{norm.NFC.String, norm.NFD.String} {
		dir := folder(t, map[string]string{spelling("für Gäste/Crème 한국 ガ.md"): "# x", spelling("für Gäste/Öl\u00ad.md"): "# y"})
		items, err := collect(t, content.Source{Path: dir})
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(items, func(a, b content.Item) int { return strings.Compare(a.Title, b.Title) })
		got = append(got, items)
	}
	if !reflect.DeepEqual(got[0], got[1]) || len(got[0]) != 2 || got[0][0].Collection != "für Gäste" || got[0][1].ID != "fur-Gaste.Ol" {
		t.Errorf("%+v\n%+v", got[0], got[1])
	}
}
