package content_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
)

// published returns the items of a source at a time, without those that are left out.
func published(t testing.TB, src content.Source) (items []content.Item) {
	t.Helper()
	for it, err := range content.Read(context.Background(), src) {
		if left, ok := err.(content.LeftOut); ok {
			t.Log(left)
		} else if err != nil {
			t.Fatal(err)
		} else {
			items = append(items, it)
		}
	}
	return items
}

// TestMarkdownTitles: a title from a heading is what a reader of the page sees.
func TestMarkdownTitles(t *testing.T) {
	for source, want := range map[string]string{
		`# 5 \* 3 &lt; 20 &copy; 2024 <https://x.example/> ![alt](https://i.example/a.png) <b>raw</b>`: "5 * 3 < 20 © 2024 https://x.example/ alt raw",
		"Two line\nheading\n=======\n\nBody":            "Two line heading",
		"Two\\\nlines\n===":                             "Two lines",
		"# a\x00b":                                      "ab", // control characters are dropped
		"# `a & b` **bold** ~~old~~ [link](/x)":         "a & b bold old link",
		"# T <script>alert(1)</script><!-- c --> &amp;": "T &",
		"# Soup {#soup .x}":                             "Soup",
		"# Soup {brackets}":                             "Soup {brackets}",
		"# ![](a.png)\n\n## Second\n":                   "Second",
		"\ufeff\r\n# Carriage\r\nreturn":                "Carriage",
		"Old\rMac\r===\r\rtext":                         "Old Mac",
		"only text":                                     "leek soup",
	} {
		items, err := read(t, "2024-05-06-leek-soup.md", source)
		if err != nil || len(items) != 1 || items[0].Title != want {
			t.Errorf("%q: %+v, %v, want %q", source, items, err, want)
		}
	}
}

// TestMarkdownNames: names of files whose ids would be the same.
func TestMarkdownNames(t *testing.T) {
	dir := folder(t, map[string]string{
		"common/[.md": "# 1", "common/[[.md": "# 2", "common/!.md": "# 3", "common/..md": "# 4",
		"g.md": "# 5", "g++.md": "# 6",
		"a b.md": "# 7", "a!b.md": "# 8",
		"own id.md": "---\nid: mine\n---\n# 9", "own-id!.md": "# 10",
		"draft x.md": "---\ndraft: yes\n---\n# 11", "draft!x.md": "# 12",
		"x/y.md": "# 13", "x.y.md": "# 14",
	})
	want := map[string]string{
		"1": "common-8abc20c0f3", "2": "common-46ccbe9093", "3": "common-4495e1ba2c", "4": "common-54d370bf06",
		"5": "g", "6": "g-f51811b4f2", "7": "a-b-10ad72d813", "8": "a-b-ea7a48174a", "9": "mine", "10": "own-id",
		"12": "draft-x", "13": "x.y-84d15f1bd6", "14": "x.y-16816929c1",
	}
	got := map[string]string{}
	for _, it := range published(t, content.Source{Path: dir}) {
		got[it.Title] = it.ID
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestMarkdownSites imports small sites as their programs read them, at a fixed time.
func TestMarkdownSites(t *testing.T) {
	for site, want := range map[string][]string{
		"hugo": {
			`_index "Recipes" tags=[] 0001-01-01 0001-01-01 url="" "From the kitchen."`,
			`posts.bread "Bread" tags=[yeast] 2024-05-06 2024-05-09 url="" "Slow bread."`,
			`posts.leek-soup "Leek soup" tags=[soup vegetarian] 2024-05-06 2024-05-08 url="" "A soup & more."`,
			`posts.pie "Pie" tags=[] 2024-05-06 0001-01-01 url="https://recipes.example/pie" "Sweet."`,
		},
		"jekyll": {
			`_posts.2024-05-06-leek-soup "leek soup" tags=[classic soup] 2024-05-06 2024-05-08 url="" "Text."`,
			`_posts.2024-05-07-pie "Pie: a story" tags=[main dishes] 2024-05-07 0001-01-01 url="" "Text."`,
		},
		"docusaurus": {
			`intro "Intro" tags=[start docs] 0001-01-01 2024-05-08 url="" "Where to begin."`,
		},
		"obsidian": {
			`Leek-soup "Leek soup" tags=[soup food/warm 2024] 2024-05-06 2024-05-08 url="" "Text."`,
		},
	} {
		src := content.Source{Path: filepath.Join("testdata", "sites", site), Now: time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)}
		var got []string
		for _, it := range published(t, src) {
			got = append(got, fmt.Sprintf("%s %q tags=%v %s %s url=%q %q", it.ID, it.Title, it.Tags, it.PublishedAt.Format(time.DateOnly), it.UpdatedAt.Format(time.DateOnly), it.URL, it.Summary))
			t.Log(it.Attributes)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", site, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
}

// TestMarkdownExcludes: what is excluded is not read, and a folder without anything to import is an
// error.
func TestMarkdownExcludes(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.md": "# A", "drafts/b.md": "no", "x/drafts/c.md": "no", "x/d.draft.md": "no", "x/y/e.md": "# E", "x/z/f.md": "no",
		"node_modules/m/README.md": "# No", ".obsidian/t.md": "# No",
	})
	if err := os.Symlink("a.md", filepath.Join(dir, "link.md")); err != nil {
		t.Fatal(err)
	}
	src := content.Source{Path: dir, Exclude: []string{"drafts", "*.draft.md", "x/z/**", "link.*"}}
	if items := published(t, src); len(items) != 2 || items[0].ID != "a" || items[1].ID != "x.y.e" {
		t.Errorf("%+v", items)
	}
	for pattern, want := range map[string]string{
		"*":   dir + ": has no Markdown files: looked for names that end with .md, .markdown, .mkd or .mdown, in the folder and its subfolders (skipped: 4 excluded by --exclude, 2 hidden or node_modules)",
		"[":   `exclude "[": must be a pattern of names in the folder, such as drafts, *.draft.md or posts/**/old-*`,
		"./x": "",
	} {
		_, err := collect(t, content.Source{Path: dir, Exclude: []string{"link.md", "drafts", pattern}})
		if want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v\nwant %s", pattern, err, want)
		}
	}
	_, err := collect(t, content.Source{Path: folder(t, map[string]string{"x/a.txt": "x"})})
	if err == nil || !strings.HasSuffix(err.Error(), "has no Markdown files: looked for names that end with .md, .markdown, .mkd or .mdown, in the folder and its subfolders") {
		t.Error(err)
	}
}

// TestMarkdownLeftOut: the error names the file, the line and the reason.
func TestMarkdownLeftOut(t *testing.T) {
	for source, want := range map[string]string{
		"---\ntitle: T\ndraft: true\n---":                                                 "x.md:3: left out: draft",
		"+++\ntitle = 'T'\n\ndraft = true\n+++":                                           "x.md:4: left out: draft",
		"{\n\"title\": \"T\",\n\"Draft\": true\n}":                                        "x.md:3: left out: Draft",
		"---\npublished: false\n---\n":                                                    "x.md:2: left out: published: false",
		"---\npublish: no\n---\n":                                                         "x.md:2: left out: publish: false",
		"---\nunlisted: true\n---\n":                                                      "x.md:2: left out: unlisted",
		"---\npublishDate: 2024-06-02\n---\n":                                             "x.md:2: left out: publishDate 2024-06-02T00:00:00Z is in the future",
		"---\nexpiryDate: 2024-05-31 10:00\n---\n":                                        "x.md:2: left out: expiryDate 2024-05-31T10:00:00Z has passed",
		"---\nheadless: true\n---\n":                                                      "x.md:2: left out: headless",
		"---\nbuild:\n  render: never\n---\n":                                             "x.md:2: left out: build: render: never",
		"+++\n[_build]\nrender = false\n+++\n":                                            "x.md:2: left out: _build: render: false",
		"---\nstatus: Draft\n---\n":                                                       "x.md:2: left out: status: draft",
		"---\nprivate: true\n---\n":                                                       "x.md:2: left out: private",
		"---\nvisibility: private\n---\n":                                                 "x.md:2: left out: visibility: private",
		"---\ndate: 2024-06-02\n---\n":                                                    "x.md:2: left out: date 2024-06-02T00:00:00Z is in the future",
		"+++\ndate = 2024-06-01T00:00:01Z\n+++\n":                                         "x.md:2: left out: date 2024-06-01T00:00:01Z is in the future",
		"---\ndraft: false\npublished: true\n---\n# T":                                    "",
		"---\ndate: 2024-06-02\npublishDate: 2024-05-01\n---\n# T":                        "",
		"---\nheadless: false\nbuild: {list: never}\nstatus: ripe\nprivate: no\n---\n# T": "",
		"---\nprivate: [x]\nvisibility: low\nbuild: 7\n---\n# T":                          "",
	} {
		_, err := content.DecodeMarkdown("x.md", source, time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC))
		left, _ := errors.AsType[content.LeftOut](err)
		if want != "" && left.Error() != want || want == "" && err != nil {
			t.Errorf("%q: got %v, want %s", source, err, want)
		}
	}
}

// TestMarkdownCosts: what would take minutes or gigabytes is refused with its line, in time.
func TestMarkdownCosts(t *testing.T) {
	table := func(columns, rows int) string {
		return "|" + strings.Repeat("a|", columns) + "\n|" + strings.Repeat("-|", columns) + "\n" + strings.Repeat("|x\n", rows)
	}
	for _, c := range []struct{ name, source, want string }{
		{"a wide and long table", table(3000, 3000), "69: tables: must have at most 200000 cells, rows times columns"},
		{"in a quote", "> " + strings.ReplaceAll(table(3000, 3000), "\n", "\n> "), "69: tables: "},
		{"each row begins a table", strings.Repeat("|-|\n", 3000), "633: tables: "},
		{"after front matter", "---\ntitle: T\n---\n" + table(3000, 3000), "72: tables: "},
		{"emphasis", strings.Repeat("*a_ ", 90_000), "1: text: must have at most 10000 signs of emphasis (* _ ~) without an empty line in between"},
		{"emphasis on lines", strings.Repeat("**a__\n", 60_000), "5001: text: "},
		{"a long table", table(5, 3000), ""},
		{"a wide table", table(500, 100), ""},
		{"many words in italics", strings.Repeat("*a* _b_ and\n\n", 25_000), ""},
	} {
		_, err := content.DecodeMarkdown("x.md", c.source, time.Time{})
		got := ""
		if err != nil {
			got = fmt.Sprint(content.LineOf(err), ": ", err)
		}
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestMarkdownTextIsKept: no name in front matter replaces the text of the file.
func TestMarkdownTextIsKept(t *testing.T) {
	for name, isAttribute := range map[string]bool{"body": true, "text": true, "content": true, "Body": true, "summary": false, "description": false} {
		items, err := read(t, "x.md", "---\ntitle: T\n"+name+": Short.\n---\nThe whole text.\n")
		if err != nil || len(items) != 1 || items[0].Body != "<p>The whole text.</p>" {
			t.Errorf("%s: %+v, %v", name, items, err)
		} else if _, found := items[0].Attributes[name]; found != isAttribute {
			t.Errorf("%s: attributes %v", name, items[0].Attributes)
		}
	}
	items, err := read(t, "x.md", "---\ntitle: T\nbody: <b>Short</b>\n---\n \n")
	if err != nil || len(items) != 1 || items[0].Body != "<b>Short</b>" || items[0].Attributes != nil {
		t.Errorf("a file without text: %+v, %v", items, err)
	}
}

// TestMarkdownHiddenNames: pages whose names or folders keep them from being published.
func TestMarkdownHiddenNames(t *testing.T) {
	dir := folder(t, map[string]string{
		"_posts/2099-01-01-x.md": "later", "_posts/2024-01-01-y.md": "now", "_posts/2099-01-01-z.md": "---\ndate: 2024-01-01\n---\nnow",
		"_includes/a.md": "part", "x/_layouts/b.md": "part", "_data/c.md": "part", "_sass/d.md": "part", "_drafts/e.md": "draft",
	})
	var got []string
	for it, err := range content.Read(t.Context(), content.Source{Path: dir, Now: time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)}) {
		if err != nil {
			got = append(got, strings.TrimPrefix(err.Error(), dir+"/"))
		} else {
			got = append(got, it.ID)
		}
	}
	want := []string{
		"_data/c.md: left out: it is in _data, which Jekyll does not publish", "_drafts/e.md: left out: draft: it is in _drafts",
		"_includes/a.md: left out: it is in _includes, which Jekyll does not publish", "_posts.2024-01-01-y",
		"_posts/2099-01-01-x.md: left out: the date in its name is in the future", "_posts.2099-01-01-z",
		"_sass/d.md: left out: it is in _sass, which Jekyll does not publish", "x/_layouts/b.md: left out: it is in _layouts, which Jekyll does not publish",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestMarkdownShown: what a program does not show is removed, and no other text is.
func TestMarkdownShown(t *testing.T) {
	for source, want := range map[string]string{
		"A %%secret%% b": "<p>A  b</p>",
		"A %%hidden\nsecond%% B\n\n- item %%multi\n  line%%":                      "<p>A  B</p>\n<ul>\n<li>item</li>\n</ul>",
		"A\n\n%%\nsecret\n\n`%%` secret\n%%\n\nB":                                 "<p>A</p>\n<p>B</p>",
		"100%% of %%i and %%j":                                                    "<p>100%% of %%i and %%j</p>",
		"`%%a%%` and\n\n    %%b%%\n\n~~~\n%%c%%\n~~~":                             "<p><code>%%a%%</code> and</p>\n<pre><code>%%b%%\n</code></pre>\n<pre><code>%%c%%\n</code></pre>",
		"{% highlight ruby linenos %}\nputs *1*\n\n~~~\n{% endhighlight %}\nText": "<pre><code>puts *1*\n\n~~~\n</code></pre>\n<p>Text</p>",
		"{{< highlight go \"linenos=table\" >}}\nx := 1\n{{< /highlight >}}":      "<pre><code>x := 1\n</code></pre>",
		"{{% highlight go %}}\n<a>\n{{% /highlight %}}":                           "<pre><code>&lt;a&gt;\n</code></pre>",
		"{% highlight %}x{% endhighlight %}":                                      "<p>x</p>",
		"{{< note title=\"x > y\" >}}\nKept.\n{{< /note >}}\n{{% b %}}":           "<p>Kept.</p>",
		"{{</* note */>}} {{ page.title }}":                                       "<p>{{&lt;/* note */&gt;}} {{ page.title }}</p>",
		"A {% if x %}b{% endif %}{%- raw -%}c{% endraw %}":                        "<p>A bc</p>",
		"A{% comment %}secret\n\n    x\n{% endcomment %}b":                        "<p>Ab</p>",
		"`{% if %}` `{{< x >}}` `{: .x}`":                                         "<p><code>{% if %}</code> <code>{{&lt; x &gt;}}</code> <code>{: .x}</code></p>",
		"A\n{: .note #x}\n\n*b*{: .c} {:ok, 1}\n\n- c\n{:toc}":                    "<p>A</p>\n<p><em>b</em> {:ok, 1}</p>\n<ul>\n<li>c</li>\n</ul>",
		"{% a\n\nText, 5 %}":                                                      "<p>{% a</p>\n<p>Text, 5 %}</p>",
	} {
		items, err := read(t, "x.md", "---\ntitle: T\n---\n"+source)
		if err != nil || len(items) != 1 || items[0].Body != want {
			t.Errorf("%q: %v\n got %+v\nwant %q", source, err, items, want)
		}
	}
	_, err := content.DecodeMarkdown("x.md", "---\ntitle: T\n---\nA\n\n%% secret\n\nB", time.Time{})
	if err == nil || content.LineOf(err) != 6 || err.Error() != "comment %%: is never closed: add %% after it" {
		t.Error(content.LineOf(err), err)
	}
}

// TestMarkdownEndings: other endings of Markdown are read, and other dialects listed.
func TestMarkdownEndings(t *testing.T) {
	files := map[string]string{"b.mdx": "# No", "c.rst": "No", "d.ADOC": "= No", "e.qmd": "# No", "f.txt": "no"}
	_, err := collect(t, content.Source{Path: folder(t, files)})
	if err == nil || !strings.HasSuffix(err.Error(), " (skipped: 4 not Markdown as stile reads it, such as .mdx)") {
		t.Error(err)
	}
	files["a.mkd"], files["A.mdown"], files["b.md"] = "# A", "# B", "# C"
	dir := folder(t, files)
	var got []string
	for it, err := range content.Read(t.Context(), content.Source{Path: dir}) {
		if err != nil {
			got = append(got, strings.TrimPrefix(err.Error(), dir+"/"))
		} else {
			got = append(got, it.ID)
		}
	}
	why := ": left out: not Markdown as stile reads it: "
	want := []string{"A", "a", "b", "b.mdx" + why + ".mdx", "c.rst" + why + ".rst", "d.ADOC" + why + ".ADOC", "e.qmd" + why + ".qmd"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestMarkdownWithoutText: a page without text has the title of its file, and an empty one stops
// nothing.
func TestMarkdownWithoutText(t *testing.T) {
	dir := folder(t, map[string]string{
		"empty.md": "", "blank.md": " \n\n", "nothing.md": "---\n---\n", "only-fields.md": "---\nminutes: 5\n---\n",
		"soups/_index.md": "---\nweight: 5\n---\n", "index.md": "---\nid: start\n---", "README.md": "Text",
	})
	var got []string
	for it, err := range content.Read(t.Context(), content.Source{Path: dir}) {
		if err != nil {
			got = append(got, strings.TrimPrefix(err.Error(), dir+"/"))
		} else {
			got = append(got, it.ID+" "+it.Title)
		}
	}
	want := []string{
		"README README", "blank.md: left out: it has no text", "empty.md: left out: it has no text", "start index",
		"nothing.md: left out: it has no text", "only-fields only fields", "soups._index soups",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
