package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// goPassages returns the comments and string literals of a Go file, whatever its build tags.
func goPassages(file source) []passage {
	set := token.NewFileSet()
	const mode = parser.ParseComments | parser.SkipObjectResolution
	f, err := parser.ParseFile(set, file.name, file.text, mode)
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
