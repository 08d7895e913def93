package content_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/unicode"

	"stile.example/stile/content"
)

// TestCSVOfSpreadsheets reads what spreadsheets write under the name of CSV.
func TestCSVOfSpreadsheets(t *testing.T) {
	want := []content.Item{
		{ID: "a", Title: "Pie, big", Tags: []string{"x", "y"}, Attributes: map[string]any{"Course": "dessert"}, PublishedAt: time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC)},
		{ID: "b", Title: "Größe"},
	}
	const semicolons = "ID;Title; Tags ;Course;Published At\r\na;Pie, big;x|y;dessert;2024-05-06\r\nb;Größe;;;\r\n"
	tabs := strings.ReplaceAll(semicolons, ";", "\t")
	utf16 := func(e unicode.Endianness) string {
		s, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().String(tabs)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, text := range map[string]string{
		"semicolons":             semicolons,
		"a byte order mark":      "\ufeff" + semicolons,
		"sep=":                   "sep=;\r\n" + semicolons,
		"tabs":                   tabs,
		"Unicode text":           utf16(unicode.LittleEndian),
		"Unicode text, reversed": utf16(unicode.BigEndian),
		"carriage returns":       strings.ReplaceAll(semicolons, "\r\n", "\r"),
		"blank columns, rows":    "id,title,tags,Course,published_at,,\na,\"Pie, big\",x|y,dessert,2024-05-06,,\n,,,,,,\n \nb,Größe,,,,,\n,,,,,,\n",
		"short rows":             "id,title,tags,Course,PUBLISHED_AT\na,\"Pie, big\",x|y,dessert,2024-05-06\nb,Größe\n",
	} {
		for _, file := range []string{"x.csv", "x.txt", "stdin", "x.tsv"} {
			items, err := read(t, file, text)
			if err != nil || !reflect.DeepEqual(items, want) {
				t.Errorf("%s, %s: %v\n got %+v\nwant %+v", name, file, err, items, want)
			}
		}
	}
}

// TestJSONLists reads items that are not one on each line.
func TestJSONLists(t *testing.T) {
	for name, text := range map[string]string{
		"a list":            `[{"id":"a","title":"A"},{"id":"b","title":"B"}]`,
		"a pretty list":     "\ufeff[\r\n  {\r\n    \"id\": \"a\",\r\n    \"title\": \"A\"\r\n  },\r\n  {\r\n    \"id\": \"b\",\r\n    \"title\": \"B\"\r\n  }\r\n]\r\n",
		"one after another": "{\n  \"id\": \"a\",\n  \"title\": \"A\"\n}\n{\n  \"id\": \"b\",\n  \"title\": \"B\"\n}\n",
		"in an object":      `{"title":"All","total":2,"items":[{"id":"a","title":"A"},{"id":"b","title":"B"}],"next":null}`,
		"lines":             "{\"id\":\"a\",\"title\":\"A\"}\n\n{\"id\":\"b\",\"title\":\"B\"}",
	} {
		for _, file := range []string{"x.json", "x.jsonl", "x.txt", "stdin"} {
			items, err := read(t, file, text)
			if err != nil || len(items) != 2 || items[0].ID != "a" || items[1].Title != "B" {
				t.Errorf("%s, %s: %v, %+v", name, file, err, items)
			}
		}
	}
}

func TestJSONListsRefuse(t *testing.T) {
	refuses(t, "x.json", map[string]string{
		"[]": `x.json:1: the list has no items`,
		"[\n{\"id\":\"a\",\"title\":\"A\"},\n{\"id\":\"b\"},\n{\"id\":\"a\",\"title\":\"C\"}]": "x.json:3: item 2: title is missing\nx.json:4: item 3: id \"a\" is repeated: item 1 on x.json:2 has it already",
		"[\n  {\n    \"id\": \"a\",\n    \"n\": x\n  }\n]":                                     `x.json:4: item 1: invalid JSON: column 10: invalid character 'x' looking for beginning of value`,
		`[{"id":"a","title":"A"}, {"id":}]`:                                                    `x.json:1: item 2: invalid JSON: column 32: invalid character '}' looking for beginning of value`,
		"[\n{\"id\":\"a\",\"title\":\"A\"},\n{\"id\":\"b\"":                                    `x.json:3: item 2: the value that begins on line 3 has no end; the file may be cut off`,
		`{"id":"a","title":"A","attributes":{"n":NaN}}`:                                        `x.json:1: invalid JSON: column 41: JSON has no number NaN; write null, or leave the member out`,
		`{"id":"a","title":"A","attributes":{"n":-Infinity}}`:                                  `x.json:1: invalid JSON: column 42: JSON has no number Infinity; write null, or leave the member out`,
		`{"id":"a","title":"A","attributes":{"n":9007199254740993}}`:                           `x.json:1: attribute n: browsers round this number; write it as text`,
		`{"id":"a","title":"A","items":[{"id":"b"}]}`:                                          `x.json:1: member "items" is unknown: put it into attributes (known members: id, collection, title, summary, body, image, url, tags, attributes, published_at, updated_at)`,
	})
}
