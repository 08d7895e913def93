package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A source is a file that is read. Its kind says how.
type source struct {
	name string // from the root of the project, with slashes
	kind string
	text string
}

// kinds names the kind of a file by how its name ends.
var kinds = map[string]string{
	".md": "md", ".go": "go", ".mod": "mod",
	".ts": "ts", ".js": "js", ".mjs": "js", ".java": "comments", ".php": "comments",
	".html": "html", ".svg": "html", ".xml": "html", ".css": "css", ".sql": "sql", ".py": "py",
	".sh": "sh", ".yaml": "sh", ".yml": "sh", ".properties": "sh", "Makefile": "sh", ".gitignore": "sh",
}

// skipped are the directories that hold data, or what others wrote or a program generated.
var skipped = []string{".git", "node_modules", "testdata", "rapid", "target", "venv", "shots"}

// skippedPaths are those with an ordinary name.
var skippedPaths = []string{"bin", "data", "widgets/dist", "static/demo/media"}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.\r?$`)

// sources reads the files of the project whose path begins with the prefix.
func sources(t *testing.T, prefix string) []source {
	t.Helper()
	var all []source
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains(skipped, d.Name()) || slices.Contains(skippedPaths, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !strings.HasPrefix(name, strings.TrimPrefix(prefix, "./")) {
			return nil
		}
		file, err := readSource(root, name)
		if err == nil && file.kind != "" && !generated.MatchString(file.text) {
			all = append(all, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("no file begins with %q", prefix)
	}
	return all
}

// readSource reads a file if its kind is known. A script without an extension is known by its
// first line.
func readSource(root fs.FS, name string) (source, error) {
	kind := kinds[path.Ext(name)]
	if path.Ext(name) == "" {
		kind = kinds[path.Base(name)]
	}
	if kind == "" && path.Ext(name) != "" {
		return source{}, nil
	}
	text, err := fs.ReadFile(root, name)
	if kind == "" && strings.HasPrefix(string(text), "#!") {
		kind = "sh"
	}
	return source{name, kind, string(text)}, err
}

// passagesOf returns what people read in a file.
func passagesOf(file source) []passage {
	switch file.kind {
	case "md":
		return markdown(file.text)
	case "go":
		return goPassages(file)
	case "mod":
		return lineComments(file.text, slashComment)
	case "ts", "js":
		return script(file.text, 1, true)
	case "comments":
		return script(file.text, 1, false)
	case "html":
		return page(file.text)
	case "css":
		return blocks(file.text, 1, cssComment)
	case "sql":
		return append(blocks(file.text, 1, cssComment), lineComments(file.text, sqlComment)...)
	case "py":
		return append(blocks(file.text, 1, docString), lineComments(file.text, hashComment)...)
	}
	return lineComments(file.text, hashComment)
}

var (
	fence    = regexp.MustCompile("^[\\s>]*(```|~~~)")
	emphasis = regexp.MustCompile(`\*+`)
	quoted   = regexp.MustCompile(`^(\s*>)+`)
)

// markdown returns paragraphs, items of lists, headings and cells of tables, without code.
func markdown(text string) []passage {
	var all []passage
	var prose []line
	inFence := false
	for i, l := range strings.Split(text, "\n") {
		row := strings.TrimSpace(l)
		switch {
		case fence.MatchString(l):
			inFence = !inFence
			prose = append(prose, line{})
		case inFence:
		case strings.HasPrefix(row, "|"):
			prose = append(prose, line{})
			all = append(all, cells(i+1, row)...)
		default:
			mark := blockStart.FindString(l)
			l = mark + emphasis.ReplaceAllString(l[len(mark):], "")
			prose = append(prose, line{number: i + 1, text: quoted.ReplaceAllString(l, "")})
		}
	}
	return append(all, paragraphs(prose)...)
}

func cells(number int, row string) []passage {
	var all []passage
	for cell := range strings.SplitSeq(blank(codeSpan, row), "|") {
		cell = emphasis.ReplaceAllString(cell, "")
		all = append(all, passage{lines: []line{{number: number, text: cell}}, isTable: true})
	}
	return all
}

// goPassages returns the comments and string literals of a Go file, whatever its build tags.
func goPassages(file source) []passage {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file.name, file.text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		panic(err)
	}
	var all []passage
	for _, group := range f.Comments {
		all = append(all, goComment(set, group)...)
	}
	g := goStrings{set: set}
	ast.Inspect(f, g.visit)
	return append(all, g.found...)
}

func goComment(set *token.FileSet, group *ast.CommentGroup) []passage {
	var lines []line
	for _, c := range group.List {
		if !directive.MatchString(c.Text) {
			lines = append(lines, split(set.Position(c.Pos()).Line, c.Text)...)
		}
	}
	return comment(lines)
}

// commentMarks are what begins or ends a line of a comment, in all languages.
var commentMarks = regexp.MustCompile(`^\s*(//+|/\*+|\*/|\*|#+|--+)(\s|$)|^\s*(//+|/\*+)|\*/\s*$`)

// comment returns the paragraphs of a comment, without its marks.
func comment(lines []line) []passage {
	for i := range lines {
		lines[i].text = commentMarks.ReplaceAllString(lines[i].text, "")
	}
	return paragraphs(lines)
}

// goStrings collects the string literals of a Go file. Those that + joins are one passage.
type goStrings struct {
	set   *token.FileSet
	found []passage
}

func (g *goStrings) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.ADD {
			g.found = append(g.found, literal(g.add(nil, n))...)
			return false
		}
	case *ast.BasicLit:
		g.found = append(g.found, literal(g.add(nil, n))...)
	}
	return true
}

// add appends the text of an expression to the lines of the literal that it is a part of.
func (g *goStrings) add(lines []line, e ast.Expr) []line {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return g.add(lines, e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return g.add(g.add(lines, e.X), e.Y)
		}
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return g.addLiteral(lines, e)
		}
		return lines
	}
	ast.Inspect(e, g.visit)
	return glue(lines, g.set.Position(e.Pos()).Line, unknown)
}

func (g *goStrings) addLiteral(lines []line, e *ast.BasicLit) []line {
	number := g.set.Position(e.Pos()).Line
	if raw, isRaw := strings.CutPrefix(e.Value, "`"); isRaw {
		return glueLines(lines, number, strings.TrimSuffix(raw, "`"), asIs)
	}
	text, err := strconv.Unquote(e.Value)
	if err != nil {
		panic(err)
	}
	return glue(lines, number, text)
}

var (
	cssComment   = regexp.MustCompile(`(?s)/\*.*?\*/`)
	docString    = regexp.MustCompile(`(?s)""".*?"""`)
	hashComment  = regexp.MustCompile(`(?:^|\s)#+(?:\s|$)`)
	slashComment = regexp.MustCompile(`(?:^|\s)//(?:\s|$)`)
	sqlComment   = regexp.MustCompile(`(?:^|\s)--(?:\s|$)`)
)

// blocks returns comments that may be longer than a line.
func blocks(text string, number int, re *regexp.Regexp) []passage {
	var all []passage
	for _, at := range re.FindAllStringIndex(text, -1) {
		block := strings.Trim(text[at[0]:at[1]], `"`)
		all = append(all, comment(split(number+lineNumber(text, at[0])-1, block))...)
	}
	return all
}

// lineComments returns comments that end with their line. Those with nothing before them are
// joined with the next.
func lineComments(text string, re *regexp.Regexp) []passage {
	var all []passage
	var group []line
	for i, l := range strings.Split(text, "\n") {
		at := re.FindStringIndex(l)
		isWhole := at != nil && strings.TrimSpace(l[:at[0]]) == ""
		if !isWhole {
			all = append(all, paragraphs(group)...)
			group = nil
		}
		switch {
		case isWhole:
			group = append(group, line{number: i + 1, text: l[at[1]:]})
		case at != nil && strings.Count(l[:at[0]], `"`)%2 == 0 && strings.Count(l[:at[0]], "'")%2 == 0:
			all = append(all, paragraphs([]line{{number: i + 1, text: l[at[1]:]}})...)
		}
	}
	return append(all, paragraphs(group)...)
}

var (
	inline = strings.Fields("a abbr b cite em i mark q small span strong sub sup time u wbr")
	code   = strings.Fields("code kbd pre samp var script style")
	spoken = strings.Fields("alt aria-label content placeholder title")
)

// page returns the text, comments and spoken attributes of HTML, SVG or XML, and what people read
// in its scripts and styles.
func page(text string) []passage {
	var all []passage
	var lines []line
	number, inside := 1, ""
	z := html.NewTokenizer(strings.NewReader(text))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		raw, tok := string(z.Raw()), z.Token()
		switch {
		case kind == html.CommentToken:
			all = append(all, paragraphs(split(number, tok.Data))...)
		case kind == html.TextToken:
			all = append(all, embedded(inside, raw, number)...)
			if !slices.Contains(code, inside) {
				lines = glueLines(lines, number, tok.Data, asIs)
			}
		case slices.Contains(code, tok.Data):
			inside = ""
			if kind == html.StartTagToken {
				inside = tok.Data
			}
			lines = glue(lines, number, unknown)
		case !slices.Contains(inline, tok.Data):
			all = append(all, paragraphs(lines)...)
			lines = nil
		}
		for _, a := range tok.Attr {
			if slices.Contains(spoken, a.Key) {
				all = append(all, literal(split(number, a.Val))...)
			}
		}
		number += strings.Count(raw, "\n")
	}
	return append(all, paragraphs(lines)...)
}

// embedded returns what people read in a script or style element.
func embedded(element, text string, number int) []passage {
	switch element {
	case "script":
		return script(text, number, true)
	case "style":
		return blocks(text, number, cssComment)
	}
	return nil
}
