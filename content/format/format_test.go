package format_test

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"stile.example/stile/content/format"
)

func TestGuess(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a.json", "{\"id\":1}\n{\"id\":2}", format.JSON},
		{"a.json", ` [{"id":1}]`, format.JSON},
		{"a.json", `{"version":"https:\/\/jsonfeed.org\/version\/1.1"}`, format.Feed},
		{"a.jsonl", "<?xml version='1.0'?><rss>", format.Feed},
		{"a.csv", `{"id":"a"}`, format.JSON},
		{"a.csv", "x", format.CSV},
		{"a.tsv", "id\ttitle", format.CSV},
		{"a.txt", "ID;Title\r1;2", format.CSV},
		{"a.txt", "sep=;\r\nID;Title", format.CSV},
		{"a.txt", "<rss>", format.Feed},
		{"a.txt", "+++\nid='a'\n+++", format.Markdown},
		{"a.xml", `{"id":"a"}`, format.Feed},
		{"a.rdf", "", format.Feed},
		{"a.MD", "[a](b)", format.Markdown},
		{"a.markdown", "<p>a</p>", format.Markdown},
		{"-", "", format.JSON},
		{"-", "\n\n{}", format.JSON},
		{"-", "hello", format.Unknown},
		{"a.docx", "PK\x03\x04", format.Unknown},
	} {
		if got := format.Guess(c.name, bufio.NewReader(strings.NewReader(c.text))); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

func TestUTF8(t *testing.T) {
	const text = "id,Größe €😀\r\n"
	for name, e := range map[string]unicode.Endianness{"little": unicode.LittleEndian, "big": unicode.BigEndian} {
		for mark, policy := range map[string]unicode.BOMPolicy{"with": unicode.UseBOM, "without": unicode.IgnoreBOM} {
			in, err := unicode.UTF16(e, policy).NewEncoder().String(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := utf8Of(t, in); got != text {
				t.Errorf("%s endian, %s mark: %q", name, mark, got)
			}
		}
	}
	for _, in := range []string{"", "a", "ab", text} {
		if utf8Of(t, in) != in || utf8Of(t, "\ufeff"+in) != in {
			t.Errorf("%q is not kept", in)
		}
	}
}

func utf8Of(t *testing.T, in string) string {
	t.Helper()
	out, err := io.ReadAll(format.UTF8(bufio.NewReader(strings.NewReader(in))))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
