package socket

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stile.example/stile/content"
	_ "stile.example/stile/stiletest/repeatable"
)

// TestItemsArriveAsSent checks that items are received as they were sent.
func TestItemsArriveAsSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) content.Item {
			it := content.Item{ID: rapid.StringMatching(`[a-z0-9._-]{1,9}`).Draw(t, "id"), Title: "T" + rapid.String().Draw(t, "title"), Collection: "c"}
			content.Clean(&it)
			return it
		}), 0, 5).Draw(t, "items")
		r, w := io.Pipe()
		go func() {
			w.CloseWithError(sendItems(w, func(yield func(content.Item, error) bool) {
				for _, it := range items {
					if !yield(it, nil) {
						return
					}
				}
			}, nil))
		}()
		n := 0
		for it, err := range receiveItems(r) {
			if err != nil || it.ID != items[n].ID || it.Title != items[n].Title {
				t.Fatalf("item %d: %+v, %v; sent %+v", n, it, err, items[n])
			}
			n++
		}
		if n != len(items) {
			t.Fatalf("%d of %d arrived", n, len(items))
		}
	})
}

// FuzzReceive checks that, for any input, received items are valid, and that a stream without its
// last line is an error.
func FuzzReceive(f *testing.F) {
	f.Add(twoItems + `{"end":2}` + "\n")
	f.Add(twoItems) // cut off
	f.Add(twoItems + unread + "\n")
	f.Add(`{"end":0}`)
	f.Add("\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		n, ended := 0, true
		for it, err := range receiveItems(strings.NewReader(text)) {
			if err != nil {
				ended = false
			} else if n++; content.Check(&it) != nil {
				t.Errorf("%+v", it)
			}
		}
		if ended && !strings.Contains(text, fmt.Sprintf(`{"end":%d}`, n)) {
			t.Error("a stream that was cut off is accepted")
		}
	})
}

const twoItems = `{"id":"a","collection":"c","title":"Anna","tags":["x"],"attributes":{"n":9007199254740991,"f":1.50}}
{"id":"b","collection":"c","title":"Berta","body":"<p>Text <script>x</script></p>"}
`
