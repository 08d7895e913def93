package audit

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestDifference(t *testing.T) {
	for _, c := range []struct {
		before, after string
		want          []FieldChange
	}{
		{`{"a":1,"b":"x","c":[1]}`, `{"a":1,"b":"y","d":null}`, []FieldChange{{"b", "x", "y"}, {"c", "[1]", ""}, {"d", "", ""}}},
		{``, `{"a":{"b":1}}`, []FieldChange{{"a", "", `{"b":1}`}}},
		{``, `{"a":["\u003cb\u003e \u0026 \\u003c"]}`, []FieldChange{{"a", "", `["<b> & \\u003c"]`}}},
		{`{"a":1}`, ``, []FieldChange{{"a", "1", ""}}},
		{`[1]`, `[2]`, []FieldChange{{"", "[1]", "[2]"}}},
		{`[1]`, `[1]`, nil},
		{``, ``, nil},
	} {
		if got := Difference(json.RawMessage(c.before), json.RawMessage(c.after)); !slices.Equal(got, c.want) {
			t.Errorf("%s → %s: %q", c.before, c.after, got)
		}
	}
}
