package content_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"stile.example/stile/content"
)

// TestSkipInvalid: Read continues after an invalid item, and fails if no item is valid.
func TestSkipInvalid(t *testing.T) {
	read := func(text string) (out []string, last error) {
		src := content.Source{Path: "x.jsonl", Reader: strings.NewReader(text), SkipInvalid: true}
		for it, err := range content.Read(t.Context(), src) {
			last = err
			if _, single := err.(content.LineError); single || err == nil {
				out = append(out, strings.TrimSpace(fmt.Sprint(it.ID, " ", err)))
			}
		}
		return out, last
	}
	out, _ := read(`{"id":"a","title":"A"}` + strings.Repeat("\n{}", 30) + "\n" + `{"id":"a","title":"B"}` + "\n" + `{"id":"c","title":"C"}`)
	if len(out) != 33 || out[0] != "a <nil>" || out[1] != "x.jsonl:2: id is missing" || out[31] != `a x.jsonl:32: id "a" is repeated: x.jsonl:1 has it already` || out[32] != "c <nil>" {
		t.Errorf("%d: %q", len(out), out)
	}
	out, last := read("{}\n{}\n")
	var all content.LineErrors
	if len(out) != 2 || !errors.As(last, &all) || len(all) != 2 {
		t.Errorf("%q, %v", out, last)
	}
}
