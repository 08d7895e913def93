package objects_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"stile.example/stile/content/objects"
)

func reader(text string) *bufio.Reader {
	return bufio.NewReaderSize(strings.NewReader(text), 64<<10)
}

// split returns the objects of a text with their places, such as 2.3#1:{}.
func split(r *bufio.Reader) string {
	var out []string
	for o := range objects.Split(r, 20) {
		if o.Err != nil {
			out = append(out, fmt.Sprintf("%d: %v", o.Line, o.Err))
			continue
		}
		out = append(out, fmt.Sprintf("%d.%d#%d:%s", o.Line, o.Column, o.Number, o.JSON))
	}
	return strings.Join(out, " ")
}

func TestSplit(t *testing.T) {
	for text, want := range map[string]string{
		`[{"a":"]\"}"},{}]`:         `1.1#1:{"a":"]\"}"} 1.14#2:{}`,
		"\n[\n  {},\r\n  {}\n]\n\n": "3.2#1:{} 4.2#2:{}",
		"[{\n\"a\": 1\n}\n,{}]":     "1.1#1:{\n\"a\": 1\n} 4.1#2:{}",
		"[1,\"x\",null]":            `1.1#1:1 1.3#2:"x" 1.7#3:null`,
		"{\n\"a\":1}\n{\n\"a\":2}":  "1.0#1:{\n\"a\":1} 3.0#2:{\n\"a\":2}",
		"[]":                        "1: the list has no items",
		`{"items": []}`:             "1: the list has no items",
		"[{},]":                     "1.1#1:{} 1: an item is missing: there is a comma too many",
		"[{} {}]":                   `1.1#1:{} 1: item 1: must be followed by a comma or ], not by '{'`,
		"[{}\n":                     "1.1#1:{} 2: the list has no ] at its end; the file may be cut off",
		"[{},\n{\"a\":\n":           "1.1#1:{} 3: item 2: the value that begins on line 2 has no end; the file may be cut off",
		"[{}]\n{}":                  "1.1#1:{} 2: text follows the end of the list",
		"[{\"a\":\"x\n\"}]":         `2: item 1: a text has a line break in it: its closing quote may be on the line before; a line break is written as \n`,
		"[{\"a\":\"" + strings.Repeat("x", 20) + "\"},\n{}]":          "1: must be at most 20 bytes, not 28 2.0#2:{}",
		`{"total":2,"meta":{"a":[1]},"data":[{},{}],"next":null}`:     "1.36#1:{} 1.39#2:{}",
		"{\n \"title\": \"x\",\n \"items\": [\n  {}\n ]\n}":           "4.2#1:{}",
		`{"items":[{}],"data":[{}]}`:                                  `1.10#1:{} 1: member "data" is a second list of items; import each from a file of its own`,
		`{"items":[{}]`:                                               "1.10#1:{} 1: the object has no } at its end; the file may be cut off",
		`{"items":[{}],1}`:                                            "1.10#1:{} 1: invalid JSON: must be the name of a member, not '1'",
		`{"items":[{}],"a"}`:                                          `1.10#1:{} 1: invalid JSON: "a" must be followed by a colon`,
		`{"a":"` + strings.Repeat("x", 300) + `","items":[{}],"b":1}`: "1.317#1:{}",
	} {
		if objects.OnePerLine(reader(text)) {
			t.Errorf("%q is taken for lines", text)
		}
		if got := split(reader(text)); got != want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestOnePerLine(t *testing.T) {
	for _, text := range []string{
		"", "{}", "{}\n{}\n", "17", `{"id":"a"`, "{\"id\":\"a\"\n{\"id\":\"b\"}", `{"id":"a","items":[1]}`, `{"a":[{}]}`, "\n\n{\"a\":\"[\"}\n{}",
	} {
		if !objects.OnePerLine(reader(text)) {
			t.Errorf("%q is not taken for lines", text)
		}
	}
}

func TestSplitStops(t *testing.T) {
	gone := errors.New("cable pulled")
	r := bufio.NewReader(io.MultiReader(strings.NewReader("[{},{"), iotest.ErrReader(gone)))
	var last error
	for o := range objects.Split(r, 20) {
		last = o.Err
	}
	if !errors.Is(last, objects.ErrRead) || !errors.Is(last, gone) {
		t.Errorf("broken: %v", last)
	}
	for range objects.Split(reader("[{},{},{}"), 20) {
		break
	}
}
