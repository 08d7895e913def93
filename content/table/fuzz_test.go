package table_test

import (
	"bufio"
	"bytes"
	"testing"

	"stile.example/stile/content/table"
)

// FuzzNext checks that lines ascend, that no row has more than its source, and that no blank row is
// returned.
func FuzzNext(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "sep=;\na;b\r1;2", "\"a\nb\",c\n\n\n,,\nx", "a\tb\n\"", "a,\"b\"\"c\"\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		rows := table.New(bufio.NewReader(bytes.NewReader(source)), 1000)
		last, length := 0, 0
		for {
			cells, line, err := rows.Next()
			if err != nil {
				return
			}
			if line <= last {
				t.Fatalf("%q: line %d after line %d", source, line, last)
			}
			last = line
			blank := true
			for _, c := range cells {
				length += len(c)
				blank = blank && len(bytes.TrimSpace([]byte(c))) == 0
			}
			if blank {
				t.Errorf("%q: a blank row in line %d", source, line)
			}
			if length > len(source) {
				t.Fatalf("%q: %d bytes in cells", source, length)
			}
		}
	})
}
