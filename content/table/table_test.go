package table_test

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"stile.example/stile/content/table"
)

// rows returns the rows of a table with their lines, such as 2:a|b.
func rows(text string) string {
	t := table.New(bufio.NewReaderSize(strings.NewReader(text), 64<<10), 1<<20)
	var out []string
	for {
		cells, line, err := t.Next()
		if err == io.EOF {
			return strings.Join(out, " ")
		}
		if err != nil {
			return strings.Join(append(out, fmt.Sprintf("%d:%v", line, err)), " ")
		}
		out = append(out, fmt.Sprintf("%d:%s", line, strings.Join(cells, "|")))
	}
}

func TestTables(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "",
		"id,title\na,A":                         "1:id|title 2:a|A",
		"id;title\na;A, b":                      "1:id|title 2:a|A, b",
		"id\ttitle\na\tA, b;c":                  "1:id|title 2:a|A, b;c",
		"\"a;b;c;d\",id,title\n":                "1:a;b;c;d|id|title",
		"sep=;\r\nid;title,x\r\na;A\r\n":        "2:id|title,x 3:a|A",
		"\"sep=,\"\nid,title\na,A":              "2:id|title 3:a|A",
		"sep=;\nid;title\na;\"A":                "2:id|title 3:invalid CSV: line 3, column 5: extraneous or missing \" in quoted-field",
		"id,title,,\na,A,,\n,,,\n \t,,,\nb,B,,": "1:id|title 2:a|A 5:b|B",
		"id,title,x\na,A\nb,,1":                 "1:id|title|x 2:a|A 3:b||1",
		"id,title\rb,\"B\rC\"\rd,D\r":           "1:id|title 2:b|B\nC 4:d|D",
		"id,title\r\nb,\"B\r\nC\"\r\nd,D":       "1:id|title 2:b|B\nC 4:d|D",
		"\r\n\nid,title\n\na,A":                 "3:id|title 5:a|A",
	} {
		if got := rows(text); got != want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
}
