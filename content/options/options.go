// Package options defines what a publisher chooses at import for the items of one owner: which
// attributes are searched, which names are equal, how facets are labelled, and where items without
// a URL lead. It is pure.
package options

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"stile.example/stile/content/labels"
	"stile.example/stile/corpus/synonyms"
)

// Options is what was chosen for an owner. The zero value chooses nothing.
type Options struct {
	Searchable []string      // names of attributes whose texts are searched
	Synonyms   string        // groups of equal names, as [synonyms.Groups.String] returns them
	Labels     labels.Labels // nil for none
	URL        string        // the URL of items without one, with placeholders; see [URLOf]
}

// Change changes options. A nil field keeps the option, an empty one clears it.
type Change struct {
	Searchable *[]string `json:"searchable,omitempty"` // names of attributes
	Synonyms   *string   `json:"synonyms,omitempty"`   // the text of a CSV file
	Labels     *string   `json:"labels,omitempty"`     // the text of a YAML file
	URL        *string   `json:"url,omitempty"`
}

// IsEmpty reports whether the change keeps all options.
func (c Change) IsEmpty() bool { return c == Change{} }

// Apply returns the changed options, or an error if an option is invalid.
func (c Change) Apply(o Options) (_ Options, err error) {
	if c.Searchable != nil {
		if o.Searchable, err = checkNames(*c.Searchable); err != nil {
			return o, err
		}
	}
	if c.Synonyms != nil {
		groups, err := synonyms.Parse("synonyms", *c.Synonyms)
		if err != nil {
			return o, err
		}
		o.Synonyms = groups.String()
	}
	if c.Labels != nil {
		o.Labels = nil
		if strings.TrimSpace(*c.Labels) != "" {
			if o.Labels, err = labels.Parse("labels", *c.Labels); err != nil {
				return o, err
			}
		}
	}
	if c.URL != nil {
		if o.URL = *c.URL; o.URL != "" {
			err = checkURL(o.URL)
		}
	}
	return o, err
}

// IndexesDifferently reports whether items are found by other words than with the options before.
func (o Options) IndexesDifferently(before Options) bool {
	return !slices.Equal(o.Searchable, before.Searchable) || o.Synonyms != before.Synonyms
}

// Equal reports whether two owners have chosen the same.
func (o Options) Equal(other Options) bool {
	a, _ := json.Marshal(o.Labels) // labels can always be encoded
	b, _ := json.Marshal(other.Labels)
	return !o.IndexesDifferently(other) && string(a) == string(b) && o.URL == other.URL
}

const (
	maxNames = 16
	maxName  = 64 // characters, as in package content
)

// checkNames returns names of attributes in their Unicode normal form.
func checkNames(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		name = norm.NFC.String(strings.TrimSpace(name))
		switch {
		case name == "":
			return nil, fmt.Errorf("searchable: a name is empty; separate the names of attributes by single commas")
		case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
			return nil, fmt.Errorf("searchable %q: must be UTF-8 without control characters", name)
		case utf8.RuneCountInString(name) > maxName:
			return nil, fmt.Errorf("searchable: a name must be at most %d characters", maxName)
		case len(out) == maxNames:
			return nil, fmt.Errorf("searchable: must be at most %d attributes", maxNames)
		case slices.Contains(out, name):
			return nil, fmt.Errorf("searchable %q: is repeated", name)
		}
		out = append(out, name)
	}
	return out, nil
}
