package objects_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"stile.example/stile/content/objects"
)

// FuzzSplit checks sizes and lines. Readers of objects check their content.
// Of a text that encoding/json reads as a list of objects, all are found, and they are equal.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{`[{"a":1},{"b":"}"}]`, `{"items":[{"a":"\""}],"x":[1]}`, "{\n}\n{\n}", `[{"a":[{}]}`, "[\n\n]", `[1,{}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		const maxLen = 200
		var found []json.RawMessage
		var failed error
		line := 0
		for o := range objects.Split(bufio.NewReader(bytes.NewReader(source)), maxLen) {
			if o.Err != nil {
				var long objects.TooLong
				if failed = o.Err; errors.As(o.Err, &long) && long.Length <= maxLen {
					t.Errorf("%q: %v", source, o.Err)
				}
				continue
			}
			found = append(found, bytes.Clone(o.JSON))
			if len(o.JSON) == 0 || len(o.JSON) > maxLen || o.Line < line {
				t.Fatalf("%q: %+v", source, o)
			}
			line = o.Line
		}
		var want []map[string]json.RawMessage
		if len(source) > maxLen || json.Unmarshal(source, &want) != nil || len(want) == 0 || bytes.Contains(source, []byte("null")) {
			return
		}
		if failed != nil || len(found) != len(want) {
			t.Fatalf("%q: %d objects, %v, want %d", source, len(found), failed, len(want))
		}
		for i := range want {
			var got map[string]json.RawMessage
			if err := json.Unmarshal(found[i], &got); err != nil || len(got) != len(want[i]) {
				t.Errorf("%q: %s, %v", source, found[i], err)
			}
		}
	})
}
