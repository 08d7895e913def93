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

// maxFile bounds the settings file: no honest one comes near.
const maxFile = 256 << 10

// readFile reads a YAML file; "" is none.
func readFile(name string) ([]given, Faults) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, Faults{{Where: name, Problem: err.Error()}}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, Faults{{Where: name, Problem: err.Error()}}
	}
	return parseYAML(name, text)
}

// parseYAML flattens a document into dotted names with the lines they are on.
func parseYAML(name string, text []byte) ([]given, Faults) {
	switch {
	case len(text) > maxFile:
		return nil, Faults{{Where: name, Problem: fmt.Sprintf("is larger than %d KiB", maxFile>>10)}}
	case !utf8.Valid(text):
		return nil, Faults{{Where: name, Problem: "is not UTF-8"}}
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // we name them ourselves
	if err != nil {
		return nil, Faults{syntax(name, err)}
	}
	w := walker{file: name, seen: map[string]int{}}
	for n, doc := range file.Docs {
		switch {
		case n > 0 && doc.Body != nil:
			w.fault(doc.Body, "", "a second document; a settings file has one")
		case doc.Body != nil:
			w.walk("", doc.Body)
		}
	}
	return w.all, w.faults
}

// syntax is the fault of a text that is no YAML.
func syntax(name string, err error) Problem {
	f := Problem{Where: name, Problem: "is no YAML: " + err.Error()}
	var se *yaml.SyntaxError
	if errors.As(err, &se) {
		f.Problem = "is no YAML: " + se.Message
		if se.Token != nil && se.Token.Position != nil {
			f.Where = fmt.Sprintf("%s:%d", name, se.Token.Position.Line)
		}
	}
	return f
}

// walker collects the values of a document, or of a mapping in a list of it.
type walker struct {
	file   string
	inside string         // the name of that mapping, such as "issuers[2].", or ""
	seen   map[string]int // line of each name
	all    []given
	faults Faults
}

func (w *walker) walk(name string, node ast.Node) {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			w.member(name, v)
		}
	case *ast.MappingValueNode: // a mapping of one
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
		w.fault(n, name, "anchors, aliases and tags are not allowed here")
	default:
		w.add(given{name: name, where: w.at(n), texts: []string{text(n)}}, n)
	}
}

// block collects the values of one mapping in a list.
func (w *walker) block(name string, node ast.Node) []given {
	b := walker{file: w.file, inside: w.inside + name, seen: map[string]int{}}
	b.walk("", node)
	w.faults = append(w.faults, b.faults...)
	return b.all
}

func (w *walker) member(parent string, v *ast.MappingValueNode) {
	name := text(v.Key)
	if parent != "" {
		name = parent + "." + name
	}
	if section(name) { // under a name that no value has
		if line, twice := w.seen[name+"."]; twice {
			w.fault(v.Key, name, fmt.Sprintf("stands twice; first on line %d", line))
		}
		w.seen[name+"."] = line(v.Key)
	}
	w.walk(name, v.Value)
}

// add keeps a value, unless the same name has one.
func (w *walker) add(g given, n ast.Node) {
	if g.name == "" {
		w.fault(n, "", "is no mapping of settings, such as `listen: \":8080\"`")
		return
	}
	if line, twice := w.seen[g.name]; twice {
		w.fault(n, g.name, fmt.Sprintf("stands twice; first on line %d", line))
		return
	}
	w.seen[g.name] = line(n)
	w.all = append(w.all, g)
}

func (w *walker) fault(n ast.Node, key, problem string) {
	w.faults = append(w.faults, Problem{Where: w.at(n), Key: w.inside + key, Problem: problem})
}

func (w *walker) at(n ast.Node) string { return fmt.Sprintf("%s:%d", w.file, line(n)) }

func line(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}

// text is a scalar as it was written, without its quotes.
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
