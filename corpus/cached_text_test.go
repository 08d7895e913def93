package corpus

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"
	"weak"

	"stile.example/stile/content"
)

// TestCachesKeepNoRequest checks that nothing in a cache is a part of the text that a query came
// in: a request has up to 8 KiB, and the caches count a few bytes of it.
func TestCachesKeepNoRequest(t *testing.T) {
	tc := newCorpus(t)
	put(t, tc, 0, content.Item{ID: "one", Title: "Recipe alfa", Tags: []string{"a"}, Attributes: map[string]any{"n": 3}})
	for name, query := range map[string]func(text func(string) string){
		"item": func(text func(string) string) {
			if _, err := tc.Item(0, text("one")); err != nil {
				t.Error(err)
			}
		},
		"ignored word": func(text func(string) string) {
			if p := search(t, tc, text("recipe a b c d e f g h i"), content.Query{}); len(p.Ignored) == 0 {
				t.Error("no word is ignored")
			}
		},
		"corrected word": func(text func(string) string) {
			if p := search(t, tc, text("recipie"), content.Query{}); len(p.Corrected) == 0 {
				t.Error("no word is corrected")
			}
		},
		"names": func(text func(string) string) {
			p := search(t, tc, "", content.Query{Facets: []string{text("tag")}, Ends: []string{text("n")}, Collection: text("none")})
			if len(p.Facets) != 1 || len(p.Ends) != 1 {
				t.Errorf("%+v", p)
			}
		},
		"names without matches": func(text func(string) string) {
			if p := search(t, tc, text("nowhere"), content.Query{Facets: []string{text("tag")}}); len(p.Facets) != 1 {
				t.Errorf("%+v", p)
			}
		},
	} {
		var requests []weak.Pointer[byte]
		query(func(part string) string {
			request := strings.Repeat(" ", 8<<10) + part
			requests = append(requests, weak.Make(unsafe.StringData(request)))
			return request[8<<10:]
		})
		runtime.GC()
		for _, r := range requests {
			if r.Value() != nil {
				t.Errorf("%s: a cache keeps the request", name)
			}
		}
	}
	runtime.KeepAlive(tc)
}
