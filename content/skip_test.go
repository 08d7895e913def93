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

// TestSkipInvalidNeverLosesTheRest: if the next item can't be found after an error, Read fails.
func TestSkipInvalidNeverLosesTheRest(t *testing.T) {
	object := func(i int) string { return fmt.Sprintf("{\"id\":\"i%d\",\"title\":\"T\"}", i) }
	var list, rows, stream []string
	for i := range 1000 {
		list, rows = append(list, object(i)), append(rows, fmt.Sprintf("i%d,T", i))
		stream = append(stream, strings.ReplaceAll(object(i), ",", ",\n"))
	}
	all := "[\n" + strings.Join(list, ",\n") + "\n]"
	for name, text := range map[string]string{
		"comma.json":     strings.Replace(all, "},\n"+object(10), "}\n"+object(10), 1),
		"brace.json":     strings.Replace(all, object(10), strings.TrimSuffix(object(10), "}"), 1),
		"quote.json":     strings.Replace(all, object(10), strings.TrimSuffix(object(10), "\"}")+"}", 1),
		"end.json":       strings.Replace(all, object(9)+",", object(9)+"],", 1),
		"cut.json":       all[:len(all)-10],
		"wrapper.json":   strings.Replace("{\"items\":"+all+"}", "},\n"+object(10), "}\n"+object(10), 1),
		"stream.json":    strings.Replace(strings.Join(stream, "\n"), "i10\"", "i10", 1),
		"open.csv":       "id,title\n" + strings.Replace(strings.Join(rows, "\n"), "i10,", "i10,\"", 1),
		"bare.csv":       "id,title\n" + strings.Replace(strings.Join(rows, "\n"), "i10,T", "i10,T\"", 1),
		"long.csv":       "id,title\n" + strings.Join(rows[:10], "\n") + "\ni10,\"" + strings.Repeat("x\n", 1<<20),
		"semicolons.csv": "id;title\n" + strings.ReplaceAll(strings.Replace(strings.Join(rows, "\n"), "i10,", "i10,\"", 1), ",", ";"),
	} {
		for _, skip := range []bool{false, true} {
			src := content.Source{Path: name, Reader: strings.NewReader(text), SkipInvalid: skip}
			var last error
			for _, err := range content.Read(t.Context(), src) {
				last = err
			}
			if _, ok := errors.AsType[content.CutOffError](last); !ok {
				t.Errorf("%s, skip %v: %v", name, skip, last)
			}
		}
	}
}
