package content_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stile.example/stile/content"
	_ "stile.example/stile/stiletest/repeatable"
)

// read imports a file with that name and text, and checks every item.
func read(t testing.TB, name, source string) ([]content.Item, error) {
	t.Helper()
	return collect(t, content.Source{Path: name, Reader: strings.NewReader(source)})
}

func collect(t testing.TB, src content.Source) (items []content.Item, err error) {
	t.Helper()
	for it, e := range content.Read(context.Background(), src) {
		if e != nil {
			return items, e
		}
		if e := content.Check(&it); e != nil {
			t.Fatalf("an item that Check refuses: %v\n%+v", e, it)
		}
		again := it
		if content.Clean(&again); !reflect.DeepEqual(again, it) {
			t.Fatalf("an item that is not clean:\n%+v\nclean it is\n%+v", it, again)
		}
		items = append(items, it)
	}
	return items, nil
}

// refuses checks that sources are refused with exactly these lines.
func refuses(t *testing.T, name string, table map[string]string) {
	t.Helper()
	for source, want := range table {
		_, err := read(t, name, source)
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", source[:min(len(source), 200)], err, want)
		}
	}
}

func TestReadCollectsFaults(t *testing.T) {
	src := `{"id":"a","title":"A"}` + "\n" + `{"id":"a","title":"B"}` + "\n\n" + `{"title":"C"}` + "\n" + `{"id":"d","title":"D"}`
	items, err := read(t, "x.jsonl", src)
	const want = "x.jsonl:2: id \"a\" is repeated: x.jsonl:1 has it already\nx.jsonl:4: id is missing"
	if len(items) != 1 || err == nil || err.Error() != want {
		t.Errorf("%d items, %v", len(items), err)
	}
	if line, ok := errors.AsType[content.LineError](err); !ok || line.Line != 2 || line.File != "x.jsonl" {
		t.Errorf("no LineError in %#v", err)
	}
}

func TestReadStopsAfterTwentyFaults(t *testing.T) {
	_, err := read(t, "x.jsonl", strings.Repeat("{}\n", 1000))
	faults, ok := errors.AsType[content.LineErrors](err)
	if !ok || len(faults) != 20 || !strings.HasSuffix(err.Error(), "x.jsonl:20: id is missing\nstopped after 20 errors; there may be more") {
		t.Errorf("%d faults: %v", len(faults), err)
	}
}

// A reader that is left early, is cancelled or fails leaves no goroutine behind, and does not
// pretend to be complete.
func TestReadEndsEarly(t *testing.T) {
	lines := strings.Repeat("\n", 100)
	for i := range 100 {
		lines += fmt.Sprintf(`{"id":"i%d","title":"T"}`+"\n", i)
	}
	for range content.Read(t.Context(), content.Source{Path: "x.jsonl", Reader: strings.NewReader(lines)}) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range content.Read(ctx, content.Source{Path: "x.jsonl", Reader: strings.NewReader(lines)}) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("cancelled: %v", last)
	}
	gone := errors.New("cable pulled")
	_, err := collect(t, content.Source{Path: "x.jsonl", Reader: &breaks{strings.NewReader(lines), gone}})
	if !errors.Is(err, gone) || err.Error() != "read x.jsonl: cable pulled" {
		t.Errorf("broken: %v", err)
	}
}

// breaks returns an error instead of io.EOF.
type breaks struct {
	r   *strings.Reader
	err error
}

func (b *breaks) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil {
		err = b.err
	}
	return n, err
}

func TestReadTellsFormats(t *testing.T) {
	for source, name := range map[string]string{
		`{"id":"a","title":"T"}`:               "x.jsonl",
		"\ufeff" + `{"id":"a","title":"T"}`:    "x.ndjson",
		` {"id":"a","title":"T"}`:              "stdin",
		"id,title\na,T":                        "x.CSV",
		"title,id\r\nT,a\r\n":                  "stdin",
		"---\nid: a\ntitle: T\n---\n":          "stdin",
		"# T":                                  "a.md",
		"\ufeff# T":                            "dir/a.markdown",
		rss(`<guid>a</guid><title>T</title>`):  "x.rss",
		rss(`<guid>a</guid><title>T </title>`): "stdin",
		`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"a","title":"T","content_text":"x"}]}`: "feed.json",
	} {
		items, err := read(t, name, source)
		if err != nil || len(items) != 1 || !strings.HasPrefix(items[0].ID, "a") || items[0].Title != "T" {
			t.Errorf("%s %q: %+v, %v", name, source, items, err)
		}
	}
	_, err := read(t, "stdin", "hello")
	if err == nil || err.Error() != "stdin: unknown format; name it (--format jsonl, csv, markdown or feed)" {
		t.Errorf("no format: %v", err)
	}
}

func TestReadFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.jsonl")
	source := strings.Repeat("\n", 1000) + `{"id":"a","title":"T"}`
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	var last content.Progress
	items, err := collect(t, content.Source{Path: file, Collection: "C", Progress: func(r content.Progress) { last = r }})
	size := int64(len(source))
	if err != nil || len(items) != 1 || items[0].Collection != "C" || last != (content.Progress{Items: 1, Bytes: size, Size: size}) {
		t.Errorf("%+v, %v, %+v", items, err, last)
	}
	if _, err := collect(t, content.Source{Path: file + "2"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Exported items can be imported, and are the same items.
func TestExportRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		it := anItem(rt)
		content.Clean(&it)
		if err := content.Check(&it); err != nil {
			rt.Skip(err)
		}
		var out strings.Builder
		if err := content.Export(&out, func(yield func(content.Item, error) bool) { yield(it, nil) }); err != nil {
			rt.Fatal(err)
		}
		back, err := read(t, "x.jsonl", out.String())
		if err != nil || len(back) != 1 {
			rt.Fatalf("%v\n%s", err, out.String())
		}
		equal(rt, back[0], it)
		_, whole := content.EncodeItem(it)
		decoded, err := content.DecodeItem(whole)
		if err != nil {
			rt.Fatal(err)
		}
		equal(rt, decoded, it)
	})
}

// equal compares items in the form of responses.
func equal(t *rapid.T, got, want content.Item) {
	_, g := content.EncodeItem(got)
	_, w := content.EncodeItem(want)
	if string(g) != string(w) {
		t.Fatalf("got\n%s\nwant\n%s", g, w)
	}
}

func anItem(t *rapid.T) content.Item {
	html := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"<p>", "</p>", "<b>", "&lt;", "&amp;", "<a href=\"https://a/?b&c\">", "<", ">", "\u2028", "<br/>", "&#1;"})), 0, 12)
	text := func(label string) string { return strings.Join(html.Draw(t, label), "") }
	url := rapid.SampledFrom([]string{"", "http://a/", "https://example.org/ä?q=<&>", " https://b/ "})
	value := rapid.OneOf(rapid.Float64Range(-1e9, 1e9).AsAny(), rapid.String().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil))
	return content.Item{
		ID: rapid.StringMatching(`[A-Za-z0-9._-]{1,128}`).Draw(t, "id"), Title: rapid.String().Draw(t, "title") + "t",
		Collection: text("collection"), Summary: text("summary"), Body: text("body"),
		Image: url.Draw(t, "image"), URL: url.Draw(t, "url"),
		Tags:        rapid.SliceOfN(rapid.String(), 0, 5).Draw(t, "tags"),
		Attributes:  rapid.MapOfN(rapid.StringMatching(`[\p{L} ]{1,20}`), value, 0, 5).Draw(t, "attributes"),
		PublishedAt: time.Unix(rapid.Int64Range(-1e10, 1e11).Draw(t, "published"), 5e8),
	}
}

// S24: input that is too large is refused without being held in memory.
func TestS24HugeImports(t *testing.T) {
	tail := "\n" + `{"id":"a","title":"A"}`
	list := "[" + strings.Repeat("{},", 5<<20) + "{}]" // 15 MB
	for name, c := range map[string]struct {
		file, source, want string
		most               uint64 // MB
	}{
		"a list on one line":   {"x.jsonl", list + tail, "x.jsonl:1: item 1: id is missing\nx.jsonl:1: item 2: id is missing\n", 12},
		"a list in a list":     {"x.json", "[" + list + "]", fmt.Sprintf("x.json:1: item 1: must be at most 1048576 bytes, not %d", len(list)), 12},
		"an object, not ended": {"x.json", "[{\"id\":\"" + strings.Repeat("x", 15<<20), "x.json:1: item 1: a text has no closing quote", 12},
		"members in front":     {"x.json", `{"a":[` + strings.Repeat("1,", 30<<10) + "1]," + `"items":[{}],"b":` + list + "}", "x.json:1: item 1: id is missing", 12},
		"a list in an item":    {"x.jsonl", `{"id":"a","title":"A","attributes":{"x":` + list[:900<<10+1] + "{}]}}", "x.jsonl:1: attributes: must be at most 65536 bytes as JSON, not 921610", 12},
		"tags without end":     {"x.jsonl", `{"id":"a","title":"A","tags":[` + strings.Repeat(`"",`, 300<<10) + `""]}`, "", 100},
		"depth":                {"x.jsonl", `{"id":"a","title":"A","attributes":{"x":` + strings.Repeat("[", 500<<10) + strings.Repeat("]", 500<<10) + "}}", "x.jsonl:1: invalid JSON: column 10039: invalid character '[' exceeded max depth", 100},
		"a quote left open":    {"x.csv", "id,title\na,A\n\"" + strings.Repeat("x\n", 8<<20), "x.csv:3: record has more than 1048576 bytes or 100000 separators; a closing quote may be missing", 100},
		"a CSV line":           {"x.csv", "id,title\n" + strings.Repeat(",", 16<<20), "x.csv:2: record has more than 1048576 bytes or 100000 separators; a closing quote may be missing", 40},
		"a Markdown file":      {"x.md", "# T\n" + strings.Repeat("x", 15<<20), "x.md:1: file: must be at most 409600 bytes", 100},
		"Markdown quotes":      {"x.md", "# T\n" + strings.Repeat(">", 400<<10-10), "x.md:2: quotes and lists: must be less than 50 deep", 100},
		"Markdown lists":       {"x.md", "# T\n" + strings.Repeat("- 1) ", 80<<10-10), "x.md:2: quotes and lists: must be less than 50 deep", 100},
		"Markdown links":       {"x.md", "# T\n" + strings.Repeat("[a](", 100<<10-10), "x.md:1: file: must have at most 20000 brackets", 100},
		"Markdown brackets":    {"x.md", "# T\n" + strings.Repeat("[", 19_000), "x.md:1: brackets: must not be more than 1000", 100},
		"Markdown links apart": {"x.md", "# T\n" + strings.Repeat(strings.Repeat("[a](", 999)+"\n", 20), "", 100},
		"Markdown references":  {"x.md", "# T\n\n[a]: /" + strings.Repeat("u", 100_000) + "\n\n" + strings.Repeat("[a] ", 9000), `x.md:1: links: must have at most 1048576 bytes of URLs and titles, with those that references repeat, such as "/uuu`, 100},
		"Markdown titles":      {"x.md", "# T\n\n[a]: /u '" + strings.Repeat("t", 100_000) + "'\n\n" + strings.Repeat("![a] ", 9000), "x.md:1: links: must have at most 1048576 bytes", 100},
		"Markdown headings":    {"x.md", "# T " + strings.Repeat("[a] ", 9000) + "\n\n[a]: /" + strings.Repeat("u", 100_000), "x.md:1: links: must have at most 1048576 bytes", 100},
		"a long text in YAML":  {"x.md", "---\na: &a " + strings.Repeat("x", 60_000) + "\nb: [" + strings.Repeat("*a,", 9000) + "]\n---\n# T", "x.md:3: front matter: must have at most 1048576 bytes", 100},
		"a feed's base":        {"x.xml", "<feed xml:base='http://h/" + strings.Repeat("a", 20_000) + "/'>" + strings.Repeat("<entry><link href='x'/></entry>", 20_000) + "</feed>", "x.xml:1: invalid feed: xml:base: must be at most 2048 bytes", 100},
		"a feed's links":       {"x.xml", "<feed xml:base='http://h/" + strings.Repeat("a", 2000) + "/'><entry><id>1</id><title>t</title><content type='html'>" + strings.Repeat("&lt;a href=x&gt;y", 50_000) + "</content></entry></feed>", "x.xml:1: body: must be at most 409600 bytes of HTML", 100},
		"YAML that multiplies": {"x.md", bomb, "x.md:2: front matter: must have at most 20000 values", 100},
		"HTML, nested":         {"x.jsonl", `{"id":"a","title":"A","body":"` + strings.Repeat("<b>", 300<<10) + `"}`, "x.jsonl:1: body: must be at most", 100},
		"a feed":               {"x.xml", "<rss><channel>" + strings.Repeat("x", 33<<20), "x.xml:1: feed: must be at most 16 MiB", 100},
		"entries":              {"x.xml", "<rss><channel>" + strings.Repeat("<item/>", 1<<20), "x.xml:1: feed: must have at most 100000 elements", 100},
		"elements":             {"x.xml", "<rss><channel><item>" + strings.Repeat("<x:a>", 99_000), "x.xml:1: invalid feed: XML syntax error", 100},
		"JSON entries":         {"x.xml", `{"version":"https://jsonfeed.org/version/1.1","items":[` + strings.Repeat("{},", 99_000) + "{}]}", "x.xml:1: id is missing", 100},
	} {
		t.Run(name, func(t *testing.T) {
			grown := grows(func() {
				_, err := read(t, c.file, c.source)
				if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("got %.200v\nwant %s", err, c.want)
				}
			})
			if t.Logf("%d bytes of input, heap grew by at most %d MB", len(c.source), grown>>20); grown > c.most<<20 {
				t.Errorf("heap grew by %d MB, and may by %d", grown>>20, c.most)
			}
		})
	}
}

const bomb = "---\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
	"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n---\n# T"

// S24: a million items are read in bounded memory.
func TestS24MillionItems(t *testing.T) {
	n, count := million, 0
	grown := grows(func() {
		for _, err := range content.Read(t.Context(), content.Source{Path: "x.jsonl", Reader: &endless{n: n}}) {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
	})
	if t.Logf("%d items, heap grew by at most %d MB", count, grown>>20); count != n || grown > 100<<20 {
		t.Errorf("%d items of %d, heap grew by %d MB", count, n, grown>>20)
	}
}

// endless returns n lines, made as they are read.
type endless struct {
	n, i int
	rest string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		if e.i == e.n {
			return 0, io.EOF
		}
		e.i++
		e.rest = fmt.Sprintf(`{"id":"item-%d","title":"Item"}`+"\n", e.i)
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// grows returns by how many bytes the heap grew at most while f ran.
func grows(f func()) uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, m.HeapAlloc
	done, measured := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(measured)
		for {
			select {
			case <-done:
				return
			default:
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
				runtime.Gosched()
			}
		}
	}()
	f()
	close(done)
	<-measured
	return most - before
}

// rss returns a feed with one entry.
func rss(item string) string {
	return "<?xml version=\"1.0\"?>\n<rss version=\"2.0\"><channel><title>F</title><link>https://feed.example/blog/</link>\n<item>" + item + "</item>\n</channel></rss>"
}
