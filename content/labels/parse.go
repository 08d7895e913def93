package labels

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"golang.org/x/text/unicode/norm"
)

// Limits of a file.
const (
	MaxFile      = 64 << 10 // bytes
	maxLanguages = 32
	maxName      = 128 // bytes, as in a query
	maxLabel     = 200 // characters
	maxNesting   = 64  // brackets, or lists in one line
)

// Parse reads a YAML file. Its languages are its first level; below one, facets and collections map
// names to labels, and values does that for each facet. An error names the file and the line.
func Parse(file, text string) (Labels, error) {
	switch {
	case len(text) > MaxFile:
		return nil, fmt.Errorf("%s: must be at most %d bytes, not %d", file, MaxFile, len(text))
	case !utf8.ValidString(text):
		return nil, fmt.Errorf("%s: must be UTF-8", file)
	}
	if line := tooNested(text); line > 0 {
		return nil, fmt.Errorf("%s:%d: must not be nested more than %d deep", file, line, maxNesting)
	}
	doc, err := parser.ParseBytes([]byte(strings.TrimPrefix(text, "\ufeff")), 0, parser.AllowDuplicateMapKey())
	if e, ok := errors.AsType[*yaml.SyntaxError](err); ok && e.Token != nil && e.Token.Position != nil {
		return nil, fmt.Errorf("%s:%d: invalid YAML: %s", file, e.Token.Position.Line, e.Message)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: invalid YAML: %w", file, err)
	}
	var labels Labels
	for i, d := range doc.Docs {
		if d.Body == nil {
			continue
		}
		if i > 0 {
			return nil, at(file, d.Body, "must not be a second document: a file of labels has one")
		}
		if labels, err = languages(file, d.Body); err != nil {
			return nil, err
		}
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("%s: must have a language at least, such as en, with facets, collections or values below it", file)
	}
	return labels, nil
}

// tooNested returns the first line with too deep a nesting, or 0. The parser of YAML has no limit,
// and takes memory by the square of the depth: 5 GB for 60 KB of brackets.
func tooNested(text string) int {
	open, n := 0, 0
	for line := range strings.Lines(text) {
		n++
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			if open > maxNesting {
				return n
			}
		}
		if strings.Count(line, "- ") > maxNesting {
			return n
		}
	}
	return 0
}

func languages(file string, node ast.Node) (all Labels, err error) {
	err = entries(file, node, func(key string, n, value ast.Node) (err error) {
		of := Language{Language: key}
		switch {
		case !IsLanguage(key):
			return at(file, n, fmt.Sprintf("%q must be a language, such as en or pt-BR", key))
		case len(all) == maxLanguages:
			return at(file, n, fmt.Sprintf("must have at most %d languages", maxLanguages))
		case slices.ContainsFunc(all, func(l Language) bool { return strings.EqualFold(l.Language, key) }):
			return at(file, n, fmt.Sprintf("language %q is repeated", key))
		}
		err = entries(file, value, func(key string, n, value ast.Node) (err error) {
			switch key {
			case "facets":
				of.Facets, err = names(file, value)
			case "collections":
				of.Collections, err = names(file, value)
			case "values":
				of.Values, err = values(file, value)
			default:
				err = at(file, n, fmt.Sprintf("%q is unknown: must be facets, collections or values", key))
			}
			return err
		})
		all = append(all, of)
		return err
	})
	return all, err
}

func values(file string, node ast.Node) (map[string]Names, error) {
	of := map[string]Names{}
	err := entries(file, node, func(facet string, n, value ast.Node) (err error) {
		if facet == "collection" {
			return at(file, n, "the labels of collections must be below collections, not below values")
		}
		of[facet], err = names(file, value)
		return err
	})
	return of, err
}

func names(file string, node ast.Node) (all Names, err error) {
	err = entries(file, node, func(key string, n, value ast.Node) error {
		label, ok := textOf(value)
		label = norm.NFC.String(strings.Join(strings.Fields(label), " "))
		switch {
		case !ok:
			return at(file, value, fmt.Sprintf("the label of %q must be a text", key))
		case label == "":
			return at(file, n, fmt.Sprintf("the label of %q is empty: write one, or remove the line", key))
		case utf8.RuneCountInString(label) > maxLabel:
			return at(file, value, fmt.Sprintf("the label of %q must be at most %d characters", key, maxLabel))
		case strings.ContainsFunc(label, unicode.IsControl):
			return at(file, value, fmt.Sprintf("the label of %q must not have control characters", key))
		}
		all = append(all, Name{key, label})
		return nil
	})
	return all, err
}

// entries calls fn for each entry of a mapping, with the name, its node and its value.
func entries(file string, node ast.Node, fn func(key string, n, value ast.Node) error) error {
	var all []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		all = n.Values
	case *ast.MappingValueNode: // a mapping with one entry
		all = []*ast.MappingValueNode{n}
	case *ast.NullNode: // nothing below the name
	default:
		return at(file, node, "must be names, each with a colon after it")
	}
	seen := map[string]bool{}
	for _, v := range all {
		key, ok := textOf(v.Key)
		key = norm.NFC.String(key)
		switch {
		case !ok || key == "":
			return at(file, v.Key, "must be a name")
		case len(key) > maxName || strings.ContainsFunc(key, unicode.IsControl):
			return at(file, v.Key, fmt.Sprintf("a name must be at most %d bytes without control characters", maxName))
		case seen[key]:
			return at(file, v.Key, fmt.Sprintf("%q is repeated", key))
		}
		seen[key] = true
		if err := fn(key, v.Key, v.Value); err != nil {
			return err
		}
	}
	return nil
}

// textOf returns the text of a scalar, as it is written: 007 and no are texts here.
func textOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func at(file string, n ast.Node, problem string) error {
	return fmt.Errorf("%s:%d: %s", file, n.GetToken().Position.Line, problem)
}
