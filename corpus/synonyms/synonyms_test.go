package synonyms

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stile.example/stile/corpus/words"
	_ "stile.example/stile/stiletest/repeatable"
)

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\nholland\n":                     `s.csv:2: "holland" has no other name`,
		"# c\n\na,A,Á\n":                     `s.csv:3: "a" has no other name`,
		"a,b,c,d,e,f,g,h,i\n":                "s.csv:1: the line has 9 names, at most 8 are allowed: remove some",
		"a,b,c,d,e\na,f,g,h,i\n":             `s.csv:2: "a" has 9 equal names with those on lines above`,
		"a,\xff\n":                           "s.csv:1: must be UTF-8",
		"a,???\n":                            `s.csv:1: "???" has no letters or digits`,
		"a,\"b\n":                            "s.csv:1: invalid CSV",
		"a,b\x07\n":                          "s.csv:1: a name must not have control characters",
		strings.Repeat("x", 65) + ",b":       "s.csv:1: a name must be at most 64 characters, not 65",
		strings.Repeat("a,b\n", maxGroups+1): fmt.Sprintf("s.csv:%d: the file has more than 100000 groups", maxGroups+1),
		strings.Repeat("#", MaxFile+1):       "s.csv: must be at most 4194304 bytes",
	} {
		if _, err := Parse("s.csv", text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
	g, err := Parse("s.csv", "\ufeff# names\n\n  Holland , Netherlands,\"the  Netherlands\"\n , \n\"#1\",one\n")
	if want := "[[Holland Netherlands the Netherlands] [#1 one]]"; err != nil || fmt.Sprint([][]string(g)) != want {
		t.Errorf("%v, %v, want %s", g, err, want)
	}
	again, err := Parse("s.csv", g.String())
	if err != nil || len(again) != 2 || again.String() != Groups(again).String() {
		t.Errorf("%v, %v", again, err)
	}
}

// TestExpand: the missing names of a group are added once, and those of other groups only if the
// text itself contains one of them.
func TestExpand(t *testing.T) {
	g, err := Parse("s.csv", strings.Join([]string{
		"holland,netherlands,the netherlands", "usa,united states,us", "us,we", "日本,nippon,japan",
		"猫,cat", "東京 都,tokyo-to",
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := New(g)
	for text, want := range map[string]string{
		"":                                "",
		"nothing here":                    "nothing here",
		"Holland":                         "holland | netherlands | the netherlands",
		"The Netherlands and holland":     "the netherlands and holland",
		"North Holland, Holland, Holland": "north holland holland holland | netherlands | the netherlands",
		"united, states":                  "united states | usa | us",
		"united kingdom states":           "united kingdom states",
		"USA":                             "usa | united states | us", // not we
		"us":                              "us | usa | united states | we",
		"日本は島国":                           "日本 本は は島 島国 国 | nippon | japan",
		"Nippon":                          "nippon | 日本 本 | japan",
		"吾輩は猫である":                         "吾輩 輩は は猫 猫で であ ある る | cat",
		"hollands":                        "hollands",
		"東京 都":                            "東京 京 都 | tokyo to",
	} {
		got := strings.ReplaceAll(e.Expand(words.Join(text)), Separator, "|")
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"Holland": "[netherlands the netherlands]", "North Holland": "[]", "日本": "[nippon japan]", "猫": "[cat]", "": "[]",
	} {
		if got := fmt.Sprint(e.Equal(words.Join(text))); got != want {
			t.Errorf("%s equals %s, want %s", text, got, want)
		}
	}
	if got := (*Expander)(nil).Expand("usa"); got != "usa" {
		t.Error(got)
	}
}

// TestAddedIsBounded: a text of very many names gets a bounded number of others.
func TestAddedIsBounded(t *testing.T) {
	var csv, text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&csv, "a%d,b%d,c%d\n", i, i, i)
		fmt.Fprintf(&text, "a%d ", i)
	}
	g, err := Parse("s.csv", csv.String())
	if err != nil {
		t.Fatal(err)
	}
	got := New(g).Expand(strings.TrimSpace(text.String()))
	if n := strings.Count(got, Separator); n != maxAdded {
		t.Errorf("%d names were added, want %d", n, maxAdded)
	}
}

// TestExpandLaw: a name that equals one in the text is in the result exactly once if it was not in
// the text, and the text itself stays its start.
func TestExpandLaw(t *testing.T) {
	word := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
	line := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(word, 1, 2).Draw(t, "name"), " ")
	})
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(line, 2, 4, func(s string) string { return s }).Draw(t, "names")
		text := strings.Join(rapid.SliceOfN(word, 1, 6).Draw(t, "text"), " ")
		g, err := Parse("s.csv", strings.Join(names, ",")+"\n")
		if err != nil {
			t.Fatal(err)
		}
		got := New(g).Expand(text)
		in := func(of, name string) int { return strings.Count(" "+of+" ", " "+name+" ") }
		any := false
		for _, name := range names {
			any = any || in(text, name) > 0
		}
		added, ok := strings.CutPrefix(got, text)
		if !ok {
			t.Fatalf("%q does not begin with %q", got, text)
		}
		parts := strings.Split(added, " "+Separator+" ")
		for _, name := range names {
			n := len(slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return s != name }))
			if want := any && in(text, name) == 0; want != (n == 1) || n > 1 {
				t.Errorf("%q with %q: %s was added %d times", text, names, name, n)
			}
		}
	})
}
