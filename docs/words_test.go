package docs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestEveryWord finds, for each pattern of the list, an example that it matches.
func TestEveryWord(t *testing.T) {
	text, err := os.ReadFile("testdata/examples.txt")
	if err != nil {
		t.Fatal(err)
	}
	matched := map[string]bool{}
	list := readWords(t, "testdata/words.txt")
	for number, example := range strings.Split(string(text), "\n") {
		if example == "" || strings.HasPrefix(example, "#") {
			continue
		}
		found := list.check("examples.txt", passage{lines: split(number+1, example)})
		if len(found) == 0 {
			t.Errorf("examples.txt:%d: nothing is found in %q", number+1, example)
		}
		for _, f := range found {
			for _, w := range list.words {
				matched[w.text] = matched[w.text] || strings.Contains(f.advice, "("+w.text+")")
			}
		}
	}
	for _, w := range list.words {
		if !matched[w.text] {
			t.Errorf("no example in examples.txt is matched by %s", w.text)
		}
	}
}

// fooBar is the word list of findingCases.
const fooBar = "\\bfoo bar\\b => baz\n^Quux => start otherwise\n\nnot foo bar\n"

// findingCases are files of each kind, and the lines that have a finding.
var findingCases = []struct {
	name, kind, text string
	lines            []int
}{
	{"a paragraph", "md", "one\nfoo bar", []int{2}},
	{"joined lines", "md", "one foo\nbar two", []int{1}},
	{"two paragraphs", "md", "foo\n\nbar", nil},
	{"two items", "md", "- foo\n- bar\n- **Quux**", []int{3}},
	{"any case", "md", "# Foo Bar", []int{1}},
	{"a removed phrase", "md", "this is not foo bar", nil},
	{"a code span", "md", "the word `foo bar` and ``foo ` bar``", nil},
	{"a code span over lines", "md", "the word `foo\nbar` and\nfoo bar", []int{3}},
	{"a fence", "md", "```\nfoo bar\n```\nfoo bar", []int{4}},
	{"a table", "md", "| foo | bar |\n|---|---|\n| foo bar | Quux |", []int{3, 3}},
	{"emphasis", "md", "**foo** bar", []int{1}},

	{"a Go comment", "go", "package a\n\n// one foo\n// bar\nvar x int //foo bar", []int{3, 5}},
	{"a block comment", "go", "package a\n\n/*\n * foo\n * bar\n */", []int{4}},
	{"a directive", "go", "package a\n\n//go:generate foo bar\nvar x int", nil},
	{"a build tag", "go", "//go:build never\n\npackage a\n\n// foo bar", []int{5}},
	{"strings", "go", "package a\n\nvar x = f(`quux`, \"a foo bar\",\n`one\nfoo\nbar`)", []int{3, 5}},
	{"a string without a space", "go", "package a\n\nvar x = \"Quux\"", nil},
	{"joined strings", "go", "package a\n\nvar x = \"a foo \" +\n\"bar\" + f(\"foo bar\")", []int{3, 4}},
	{"strings around a variable", "go", "package a\n\nvar x = \"foo \" + y + \"bar\"", nil},
	{"lines of a string", "go", "package a\n\nvar x = \"one foo\\nbar\\n\\nfoo\\n\" + \"bar\"", []int{3, 3}},
	{"code in a raw string", "go", "package a\n\nvar x = `a ` + \"`\" + `foo bar` + \"`\"", nil},

	{"script comments", "ts", "/**\n * foo\n * bar\n */\n// foo\n// bar\nx() // foo\n// bar", []int{2, 5}},
	{"script strings", "js", "x = 'a foo bar'; y = \"a foo \" +\n'bar'; z = 'Quux'", []int{1, 1}},
	{"an escaped quote", "js", `x = 'it\'s foo bar'`, []int{1}},
	{"a template", "js", "x = `one ${f('a foo bar', {a: `Quux`})} foo\nbar`", []int{1, 1}},
	{"around an expression", "js", "x = `foo ${y} bar`", nil},
	{"regular expressions", "js", "x = /['\"`/]/ // foo bar\ny = a / b // foo bar\nz = f(/\"/, 'foo bar')", []int{1, 2, 3}},
	{"quotes in them", "js", "x = /`/, foo bar\ny = /[/']/, foo bar // Quux", []int{2}},
	{"code", "js", "x = foo /bar/ 2; foo: for (bar of foo bar) {}", nil},
	{"strings of Java", "comments", "x = \"foo bar\"; // foo bar", []int{1}},

	{"a page", "html", "<p>foo\n<b>bar</b></p>\n<p>foo</p><p>bar</p><p title='a foo bar'>", []int{1, 3}},
	{"code in a page", "html", "<p>foo <code>foo bar</code> bar<pre>foo bar</pre>", nil},
	{"comments in a page", "html", "<!-- foo\nbar -->\n<style>\n/* foo bar */</style><script>\n\n// foo bar\n</script>", []int{1, 4, 6}},
	{"CSS", "css", ".foo bar {}\n/* foo\nbar */", []int{2}},
	{"SQL", "sql", "SELECT foo bar\n-- foo\n-- bar\nx, -- foo bar", []int{2, 4}},
	{"Python", "py", "\"\"\"A foo\nbar.\"\"\"\nx = '# foo bar' # foo bar", []int{1, 3}},
	{"Makefile", "sh", "foo bar\n# foo\n# bar\nfoo: bar ## foo bar", []int{2, 4}},
	{"a story", "sh", "# foo\n# bar\ncall foo bar #1 foo bar -> admit", []int{1}},
}

func TestFindings(t *testing.T) {
	list := parseWords(fooBar)
	for _, c := range findingCases {
		var lines []int
		for _, p := range passagesOf(source{c.name, c.kind, c.text}) {
			for _, f := range list.check(c.name, p) {
				lines = append(lines, f.line)
			}
		}
		if slices.Sort(lines); !slices.Equal(lines, c.lines) {
			t.Errorf("%s: findings in lines %v, want %v\n%s", c.name, lines, c.lines, c.text)
		}
	}
}

// TestStoriesAreRead checks that the comments of the stories are read, although other test data
// is skipped.
func TestStoriesAreRead(t *testing.T) {
	for _, dir := range stories {
		for _, file := range sources(t, dir+"/") {
			if len(passagesOf(file)) == 0 {
				t.Errorf("%s: no comment is read", file.name)
			}
		}
	}
}

// TestFindingAdvises checks the text of a finding.
func TestFindingAdvises(t *testing.T) {
	list := parseWords("foo (bar|baz) => quux")
	found := list.check("a.md", passage{lines: split(7, "one.\nFoo baz")})
	if len(found) != 1 {
		t.Fatalf("%d findings, want 1", len(found))
	}
	got := fmt.Sprintf("%s:%d: %s", found[0].file, found[0].line, found[0].advice)
	if want := `a.md:8: "Foo baz" (foo (bar|baz)): write quux`; got != want {
		t.Errorf("the finding is %s, want %s", got, want)
	}
}

// TestTooWide checks which lines of 101 columns are too wide.
func TestTooWide(t *testing.T) {
	long := strings.Repeat("ä ", 50) + "ä"
	for _, c := range []struct {
		name, kind, text string
		want             int
	}{
		{"prose", "md", long, 1},
		{"100 columns", "md", long[2:], 0},
		{"a table", "md", "| " + long, 0},
		{"a fence", "md", "```\n" + long + "\n```", 0},
		{"a URL", "md", "https://acme.example/ " + long, 0},
		{"a heading", "md", "# " + long, 1},
		{"a heading with a link", "md", "# [" + long + "](a.md)", 0},
		{"links", "md", "- [" + long + "](a.md), [" + long + "](b.md)", 0},
		{"a link in prose", "md", "See [a](a.md) " + long, 1},
		{"a word", "md", "- `" + strings.ReplaceAll(long, " ", "-") + "`", 0},
		{"a Go comment", "go", "package a\n\n// " + long, 1},
		{"a directive", "go", "package a\n\n//go:generate " + long + "\nvar x int", 0},
		{"a string", "go", "package a\n\nvar x = `" + long + "`", 0},
		{"a script's comment", "ts", "/**\n * " + long + "\n */", 1},
		{"a script's code", "ts", "x(" + strings.ReplaceAll(long, " ", ", ") + ")", 0},
		{"SQL", "sql", "-- " + long, 1},
		{"a page", "html", "<p>" + long, 0},
	} {
		if got := len(tooWide(source{c.name, c.kind, c.text})); got != c.want {
			t.Errorf("%s: %d lines are too wide, want %d", c.name, got, c.want)
		}
	}
}
