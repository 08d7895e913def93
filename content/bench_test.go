package content_test

import (
	"fmt"
	"strings"
	"testing"

	"stile.example/stile/content"
)

// BenchmarkImport reads, sanitises, checks and encodes items like those of WordNet: everything in
// an import except the store.
func BenchmarkImport(b *testing.B) {
	var src strings.Builder
	for i := range b.N {
		fmt.Fprintf(&src, `{"id":"n-%08d","collection":"noun","title":"physical entity","summary":"an entity that has physical existence",`+
			`"body":"<p>an entity that has physical existence</p><h3>Kinds</h3><ul><li><a href=\"https://example.org/wiki/thing\">thing</a></li>`+
			`<li><a href=\"https://example.org/wiki/object\">object</a></li><li><a href=\"https://example.org/wiki/matter\">matter</a></li></ul>",`+
			`"url":"https://example.org/wiki/physical_entity","tags":["noun.Tops"],"attributes":{"hypernyms":["n-00001740"],"synonyms":0}}`+"\n", i)
	}
	b.SetBytes(int64(src.Len() / b.N))
	b.ReportAllocs()
	b.ResetTimer()
	for it, err := range content.Read(b.Context(), content.Source{Path: "x.jsonl", Reader: strings.NewReader(src.String())}) {
		if err != nil {
			b.Fatal(err)
		}
		content.EncodeItem(it)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
}
