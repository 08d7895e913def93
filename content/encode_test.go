package content_test

import (
	"bytes"
	"testing"

	"stile.example/stile/content"
)

func TestEncodeItem(t *testing.T) {
	list, whole := content.EncodeItem(good())
	const first = `{"id":"apple-pie_1.0","collection":"Desserts","title":"Apple pie","summary":"A pie.",`
	const body = `"body":"\u003cp\u003eA \u003cb\u003epie\u003c/b\u003e.\u003c/p\u003e",`
	const rest = `"image":"https://example.org/pie.png","url":"http://example.org/pie?a=1\u0026b=2","tags":["sweet","baked"],` +
		`"attributes":{"from":["GB",null],"minutes":90,"per":{"slice":12.5},"vegan":false},"published_at":"2024-05-06T07:08:09Z","updated_at":null}`
	if string(list) != first+rest {
		t.Errorf("list:\n%s\nwant\n%s", list, first+rest)
	}
	if string(whole) != first+body+rest {
		t.Errorf("alone:\n%s\nwant\n%s", whole, first+body+rest)
	}
	_, whole = content.EncodeItem(content.Item{ID: "x", Title: "X"})
	const bare = `{"id":"x","collection":"","title":"X","summary":"","body":"","image":null,"url":null,"tags":[],"attributes":{},"published_at":null,"updated_at":null}`
	if string(whole) != bare {
		t.Errorf("bare:\n%s\nwant\n%s", whole, bare)
	}
}

// TestS20 checks that no content of an item ends a script around it.
func TestS20EncodedItemsAreSafeInScripts(t *testing.T) {
	const hostile = "</script><!--\u2028\u2029&<"
	it := good()
	it.Title, it.Summary, it.Body, it.Collection, it.Tags = hostile, hostile, hostile, hostile, []string{hostile}
	it.URL, it.Image = "http://a/"+hostile, "http://a/"+hostile
	it.Attributes = map[string]any{hostile: []any{hostile}}
	list, whole := content.EncodeItem(it)
	for _, b := range [][]byte{list, whole} {
		if bytes.ContainsAny(b, "<>&\u2028\u2029") {
			t.Errorf("not escaped: %s", b)
		}
	}
}
