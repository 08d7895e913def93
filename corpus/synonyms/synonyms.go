// Package synonyms reads groups of equal names, such as holland and netherlands, and adds the names
// that are missing to the words of a text when an item is indexed. It is pure.
package synonyms

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"stile.example/stile/corpus/words"
)

// Limits of a file.
const (
	MaxFile   = 4 << 20 // bytes
	maxGroups = 100_000
	maxNames  = 8  // equal names, of a line and of a name on all lines
	maxName   = 64 // characters
)

// Groups are groups of equal names, as they are written.
type Groups [][]string

// Parse reads a CSV file. Each line is a group of equal names, such as
// `holland,netherlands,the netherlands`. Empty lines and lines that begin with # are skipped. An
// error names the file and the line.
func Parse(file, text string) (Groups, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if len(text) > MaxFile {
		return nil, fmt.Errorf("%s: must be at most %d bytes, not %d", file, MaxFile, len(text))
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = '#', -1, true
	p := parser{equal: map[string][]string{}}
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return p.groups, nil
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, fmt.Errorf("%s:%d: invalid CSV: column %d: %w", file, e.Line, e.Column, e.Err)
		}
		if err == nil {
			err = p.add(cells)
		}
		if err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		}
	}
}

// parser collects the groups of a file.
type parser struct {
	groups Groups
	equal  map[string][]string // of each folded name, the folded names that equal it
}

func (p *parser) add(cells []string) error {
	names, folded, err := namesIn(cells)
	switch {
	case err != nil || len(names) == 0:
		return err
	case len(names) == 1:
		return fmt.Errorf("%q has no other name: a line needs at least two different names, such as holland,netherlands", names[0])
	case len(names) > maxNames:
		return fmt.Errorf("the line has %d names, at most %d are allowed: remove some", len(names), maxNames)
	case len(p.groups) == maxGroups:
		return fmt.Errorf("the file has more than %d groups: remove some", maxGroups)
	}
	for i, name := range folded {
		p.equal[name] = union(p.equal[name], folded)
		if n := len(p.equal[name]); n > maxNames {
			return fmt.Errorf("%q has %d equal names with those on lines above, at most %d are allowed: remove some", names[i], n, maxNames)
		}
	}
	p.groups = append(p.groups, names)
	return nil
}

// namesIn returns the different names of a line, as written and folded.
func namesIn(cells []string) (names, folded []string, err error) {
	for _, cell := range cells {
		if !utf8.ValidString(cell) {
			return nil, nil, errors.New("must be UTF-8")
		}
		name := norm.NFC.String(strings.Join(strings.Fields(cell), " "))
		fold := words.Join(name)
		switch {
		case name == "":
			continue
		case utf8.RuneCountInString(name) > maxName:
			return nil, nil, fmt.Errorf("a name must be at most %d characters, not %d", maxName, utf8.RuneCountInString(name))
		case strings.ContainsFunc(name, unicode.IsControl):
			return nil, nil, errors.New("a name must not have control characters")
		case fold == "":
			return nil, nil, fmt.Errorf("%q has no letters or digits, so it can't be found: remove it", name)
		}
		if !slices.Contains(folded, fold) {
			names, folded = append(names, name), append(folded, fold)
		}
	}
	return names, folded, nil
}

// union appends those of more that are not in list.
func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// String returns the groups as a CSV file that [Parse] reads.
func (g Groups) String() string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, names := range g {
		if strings.HasPrefix(names[0], "#") {
			names = append(slices.Clone(names[1:]), names[0]) // a line must not begin like a comment
		}
		w.Write(names) // a buffer has no errors
	}
	w.Flush()
	return b.String()
}
