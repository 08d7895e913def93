package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile is the maximum size of the settings file. Real ones are far smaller.
const maxFile = 256 << 10

// readFile reads a YAML file. The name "" stands for a missing file.
func readFile(name string) ([]given, Problems) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, Problems{{Where: name, Problem: err.Error()}}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, Problems{{Where: name, Problem: err.Error()}}
	}
	return parseYAML(name, text)
}

// parseYAML flattens a document into dotted names, with the line of each.
func parseYAML(name string, text []byte) ([]given, Problems) {
	switch {
	case len(text) > maxFile:
		return nil, Problems{{Where: name, Problem: fmt.Sprintf("is larger than %d KiB", maxFile>>10)}}
	case !utf8.Valid(text):
		return nil, Problems{{Where: name, Problem: "is not UTF-8"}}
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // add reports duplicates
	if err != nil {
		return nil, Problems{syntax(name, err)}
	}
	w := walker{file: name, seen: map[string]int{}}
	for n, doc := range file.Docs {
		switch {
		case n > 0 && doc.Body != nil:
			w.report(doc.Body, "", "must not be a second document: a settings file has one")
		case doc.Body != nil:
			w.walk("", doc.Body)
		}
	}
	return w.all, w.problems
}

// syntax returns the problem of a text that can't be parsed as YAML.
func syntax(name string, err error) Problem {
	f := Problem{Where: name, Problem: "invalid YAML: " + err.Error()}
	var se *yaml.SyntaxError
	if errors.As(err, &se) {
		f.Problem = "invalid YAML: " + se.Message
		if se.Token != nil && se.Token.Position != nil {
			f.Where = fmt.Sprintf("%s:%d", name, se.Token.Position.Line)
		}
	}
	return f
}

// walker collects the values of a document, or of a mapping within a list of the document.
type walker struct {
	file     string
	inside   string         // the name of that mapping, such as "issuers[2].", or ""
	seen     map[string]int // line of each name
	all      []given
	problems Problems
}

func (w *walker) walk(name string, node ast.Node) {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			w.member(name, v)
		}
	case *ast.MappingValueNode: // a mapping with one entry
		w.member(name, n)
	case *ast.SequenceNode:
		g := given{name: name, where: w.at(n), list: true}
		for i, v := range n.Values {
			if _, mapping := v.(ast.MapNode); mapping && blocks(name) {
				g.blocks = append(g.blocks, w.block(fmt.Sprintf("%s[%d].", name, i+1), v))
			}
			g.texts = append(g.texts, text(v))
		}
		w.add(g, n)
	case *ast.NullNode:
		if !section(name) {
			w.add(given{name: name, where: w.at(n)}, n)
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		w.report(n, name, "must not contain anchors, aliases or tags")
	default:
		w.add(given{name: name, where: w.at(n), texts: []string{text(n)}}, n)
	}
}

// block collects the values of one mapping in a list.
func (w *walker) block(name string, node ast.Node) []given {
	b := walker{file: w.file, inside: w.inside + name, seen: map[string]int{}}
	b.walk("", node)
	w.problems = append(w.problems, b.problems...)
	return b.all
}

func (w *walker) member(parent string, v *ast.MappingValueNode) {
	name := text(v.Key)
	if parent != "" {
		name = parent + "." + name
	}
	if section(name) { // sections have no value, so add does not see them
		if line, twice := w.seen[name+"."]; twice {
			w.report(v.Key, name, fmt.Sprintf("is set twice; first on line %d", line))
		}
		w.seen[name+"."] = line(v.Key)
	}
	w.walk(name, v.Value)
}

// add appends a value, unless the name has one already.
func (w *walker) add(g given, n ast.Node) {
	if g.name == "" {
		w.report(n, "", "must be a mapping of settings, such as `listen: \":8080\"`")
		return
	}
	if line, twice := w.seen[g.name]; twice {
		w.report(n, g.name, fmt.Sprintf("is set twice; first on line %d", line))
		return
	}
	w.seen[g.name] = line(n)
	w.all = append(w.all, g)
}

func (w *walker) report(n ast.Node, key, problem string) {
	w.problems = append(w.problems, Problem{Where: w.at(n), Key: w.inside + key, Problem: problem})
}

func (w *walker) at(n ast.Node) string { return fmt.Sprintf("%s:%d", w.file, line(n)) }

func line(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}

// text returns a scalar as it was written, without its quotes.
func text(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value
	}
	return strings.TrimSpace(n.String())
}
