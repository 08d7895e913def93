package frontmatter_test

import (
	"bytes"
	"testing"
	"time"

	"stile.example/stile/content/frontmatter"
)

// FuzzRead checks that the text of a page is the end of its source, and that no fields are read in
// a way that stops the program.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"---\ntitle: a\ntags: [x, y]\n---\ntext", "+++\ntitle = 'a'\n[extra]\nb = 1\n+++\ntext", "{\"title\":\"a\"}\n\ntext", "---\n", "---\na: &a [*a]\n---\n", "---\ndate: 2026-13-40\n---"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		fields, text, err := frontmatter.Read(source)
		if err != nil {
			return
		}
		if !bytes.HasSuffix(source, text) {
			t.Errorf("%q: the text %q is not the end", source, text)
		}
		page, err := frontmatter.PageOf(fields, text, time.Unix(1_700_000_000, 0))
		if err == nil && (page.Published.Year() < 0 || page.Published.Year() > 9999) {
			t.Errorf("%q: published %v", source, page.Published)
		}
	})
}
