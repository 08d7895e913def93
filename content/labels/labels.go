// Package labels reads the display names of facets, collections and values in several languages,
// and chooses those that a page needs. The order of the names in the file is their order on the
// page. It is pure.
package labels

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Labels is a file of labels: the languages in its order, none twice.
type Labels []Language

// Language is the labels in one language.
type Language struct {
	Language    string           `json:"language"` // BCP 47, as written
	Facets      Names            `json:"facets,omitempty"`
	Collections Names            `json:"collections,omitempty"`
	Values      map[string]Names `json:"values,omitempty"` // by facet
}

// Names are names with their labels, in order. As JSON they are an object in this order.
type Names []Name

// Name is a facet, a collection or a value, with its label.
type Name struct{ Name, Label string }

var tagForm = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// maxTag is the maximum length of a language tag.
const maxTag = 35

// IsLanguage reports whether s has the form of a language tag, such as de or pt-BR. Underscores are
// accepted for hyphens.
func IsLanguage(s string) bool {
	return len(s) <= maxTag && tagForm.MatchString(strings.ReplaceAll(s, "_", "-"))
}

// In returns the labels in a language. If there are none, it returns those in a language that it is
// a variant of (de for de-AT), else those in the first language of the file.
func (l Labels) In(language string) (of Language, ok bool) {
	if len(l) == 0 {
		return of, false
	}
	for tag := strings.ReplaceAll(language, "_", "-"); tag != ""; {
		i := slices.IndexFunc(l, func(one Language) bool { return strings.EqualFold(one.Language, tag) })
		if i >= 0 {
			return l[i], true
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return l[0], true
}

// With returns the labels with others over them: the label of a name that both have is the other's,
// and its place stays. New names follow.
func (of Language) With(over Language) Language {
	values := map[string]Names{}
	for facet, names := range of.Values {
		values[facet] = names
	}
	for facet, names := range over.Values {
		values[facet] = values[facet].with(names)
	}
	return Language{
		Facets: of.Facets.with(over.Facets), Collections: of.Collections.with(over.Collections), Values: values,
	}
}

func (n Names) with(over Names) Names {
	out := slices.Clone(n)
	at := map[string]int{}
	for i, one := range n {
		at[one.Name] = i
	}
	for _, one := range over {
		if i, ok := at[one.Name]; ok {
			out[i].Label = one.Label
		} else {
			out = append(out, one)
		}
	}
	return out
}

// Size returns about how many bytes the labels take in memory.
func (l Labels) Size() (n int) {
	size := func(names Names) {
		for _, one := range names {
			n += len(one.Name) + len(one.Label) + 32
		}
	}
	for _, of := range l {
		size(of.Facets)
		size(of.Collections)
		for facet, names := range of.Values {
			n += len(facet) + 64
			size(names)
		}
	}
	return n
}

// Encode returns the labels as the API responds with them. They are safe inside a script.
func (of Language) Encode() ([]byte, error) {
	values := of.Values
	if values == nil {
		values = map[string]Names{}
	}
	return json.Marshal(struct {
		Facets      Names            `json:"facets"`
		Collections Names            `json:"collections"`
		Values      map[string]Names `json:"values"`
	}{of.Facets, of.Collections, values})
}

// MarshalJSON returns an object in the order of the names.
func (n Names) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, s := range []string{one.Name, one.Label} {
			text, err := json.Marshal(s)
			if err != nil {
				return nil, err
			}
			b.Write(text)
			if j == 0 {
				b.WriteByte(':')
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads an object and keeps its order.
func (n *Names) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(err, errors.New("labels: must be an object"))
	}
	*n = nil
	for d.More() {
		var one Name
		key, err := d.Token()
		if err == nil {
			one.Name = fmt.Sprint(key)
			err = d.Decode(&one.Label)
		}
		if err != nil {
			return err
		}
		*n = append(*n, one)
	}
	return nil
}
