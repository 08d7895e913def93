package frontmatter

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Limits of YAML. An alias repeats what it names: a text of 60 kB, repeated 9,000 times in 30 kB,
// is 540 MB.
const (
	maxNesting = 128
	maxNodes   = 20_000
	maxTexts   = 1 << 20 // bytes of names and values, with those that aliases repeat
)

// decodeYAML decodes a block whose lines are those of the file. The parser is not that of the
// settings, which reads a name after an empty list entry (-) as a part of that entry.
func decodeYAML(source []byte) ([]Field, error) {
	var doc yaml.Node
	err := yaml.Unmarshal(source, &doc)
	if err != nil {
		return nil, yamlError(source, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	var d yamlDecoder
	return d.pairs(doc.Content[0])
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// yamlError returns an error with its line: the first one with which the block can't be read. The
// parser's own line is often that of an outer list or object, or the one before.
func yamlError(source []byte, err error) error {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	line, _ := strconv.Atoi(m[1]) // 0 if there is none
	if lines := bytes.SplitAfter(source, []byte("\n")); len(source) < 16<<10 && len(lines) < 500 {
		for line = len(lines); line > 1; line-- {
			if yaml.Unmarshal(bytes.Join(lines[:line-1], nil), new(yaml.Node)) == nil {
				break
			}
		}
	}
	return errorAt(max(line, 1), "front matter: invalid YAML: %s; put a text with signs such as : or @ in quotes", strings.TrimPrefix(err.Error(), m[0]))
}

type yamlDecoder struct {
	nodes, depth int
	texts        int // bytes
	alias        int // line of the alias that is being followed, or 0
}

// pairs returns the names and values of an object, in their order.
func (d *yamlDecoder) pairs(n *yaml.Node) (fields []Field, err error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, errorAt(n.Line, "front matter: must be names with values, such as title: Leek soup; if the line --- before it is a rule, write *** instead")
	}
	var merged []any
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		f := Field{Line: key.Line}
		if f.Value, err = d.value(n.Content[i+1]); err != nil {
			return nil, err
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, f.Value)
			continue
		}
		name, err := d.value(key)
		s, ok := name.(Scalar)
		if err != nil || !ok {
			return nil, errorAt(f.Line, "front matter: a name must be a text; put it in quotes")
		}
		f.Name = s.Text
		fields = append(fields, f)
	}
	return merge(fields, n.Line, merged), nil
}

// merge adds the names of objects that are not there, as << does.
func merge(fields []Field, line int, objects []any) []Field {
	for _, v := range objects {
		switch v := v.(type) {
		case []any:
			fields = merge(fields, line, v)
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				if !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == name }) {
					fields = append(fields, Field{name, v[name], line})
				}
			}
		}
	}
	return fields
}

func (d *yamlDecoder) value(n *yaml.Node) (any, error) {
	d.nodes++
	d.depth++
	defer func() { d.depth-- }()
	if d.nodes > maxNodes || d.depth > maxNesting {
		return nil, errorAt(n.Line, "front matter: must have at most %d values, and be at most %d deep", maxNodes, maxNesting)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return d.follow(n)
	case yaml.SequenceNode:
		return d.list(n)
	case yaml.MappingNode:
		return d.object(n)
	}
	if d.texts += len(n.Value); d.texts > maxTexts {
		return nil, errorAt(cmp.Or(d.alias, n.Line), "front matter: must have at most %d bytes, with the texts that aliases (*name) repeat", maxTexts)
	}
	return yamlScalar(n), nil
}

// follow returns the value that an alias repeats.
func (d *yamlDecoder) follow(n *yaml.Node) (any, error) {
	if d.alias == 0 { // else the line of the outer alias is the one to correct
		d.alias = n.Line
		defer func() { d.alias = 0 }()
	}
	return d.value(n.Alias)
}

func (d *yamlDecoder) list(n *yaml.Node) (any, error) {
	list := make([]any, 0, len(n.Content))
	for _, e := range n.Content {
		v, err := d.value(e)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (d *yamlDecoder) object(n *yaml.Node) (any, error) {
	fields, err := d.pairs(n)
	if err != nil {
		return nil, err
	}
	object := make(map[string]any, len(fields))
	for _, f := range fields {
		if _, repeated := object[f.Name]; repeated {
			return nil, errorAt(f.Line, "front matter: %s is repeated", quote(f.Name))
		}
		object[f.Name] = f.Value
	}
	return object, nil
}

func yamlScalar(n *yaml.Node) any {
	var v any
	if n.ShortTag() == "!!null" {
		return nil
	}
	if err := n.Decode(&v); err != nil { // a tag that does not fit, such as !!int x
		return Scalar{n.Value, n.Value}
	}
	switch x := v.(type) {
	case int:
		return Scalar{n.Value, float64(x)}
	case int64:
		return Scalar{n.Value, float64(x)}
	case uint64:
		return Scalar{n.Value, float64(x)}
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return Scalar{n.Value, n.Value}
		}
		return Scalar{n.Value, x}
	case bool:
		return Scalar{n.Value, x}
	case time.Time:
		return Scalar{n.Value, x}
	}
	return Scalar{n.Value, n.Value}
}
