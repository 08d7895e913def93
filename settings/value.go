package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// value is the type of a setting: how its text is parsed, and where the result is stored.
type value struct {
	typeName string // for people: "number", "duration", "list"
	allowed  string
	list     bool
	// parse parses the texts and stores the result. The text that it returns is the same for equal
	// values, however they were written.
	parse   func(s *Settings, texts []string) (string, error)
	issuers bool // it is the list of issuers, which readIssuers parses
	hide    bool // it may contain a password
}

// shown returns a value as it was written, without the password that it may contain. parsed is the
// text that parse returned.
func (v value) shown(parsed string, texts []string) string {
	if v.hide {
		shown, _, _ := strings.Cut(parsed, " ")
		return shown
	}
	return strings.Join(texts, ", ")
}

// take parses a given value. A list may also be one text with commas, as in the environment, in
// flags and on the command line.
func (v value) take(s *Settings, g given) (string, error) {
	switch {
	case v.issuers:
		return readIssuers(s, g)
	case v.list && !g.list && len(g.texts) == 1:
		return v.parse(s, splitList(g.texts[0]))
	case v.list || len(g.texts) == 1 && !g.list:
		return v.parse(s, g.texts)
	case g.list:
		return "", errors.New("must be one value, not a list")
	}
	return "", errors.New("has no value")
}

func splitList(text string) (items []string) {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// kind says how one text becomes a T.
type kind[T any] struct {
	name, allowed string
	parse         func(string) (T, error)
}

// one is the type of a setting with one value. If field is nil, the value is checked but not
// stored.
func one[T any](field func(*Settings) *T, of kind[T]) value {
	return value{typeName: of.name, allowed: of.allowed, parse: func(s *Settings, texts []string) (string, error) {
		v, err := of.parse(texts[0])
		if err == nil && field != nil {
			*field(s) = v
		}
		return fmt.Sprint(v), err
	}}
}

// many is the type of a setting with up to limit values.
func many[T any](field func(*Settings) *[]T, of kind[T], limit int) value {
	return list(field, of, 0, limit, fmt.Sprintf("up to %d of: %s", limit, of.allowed))
}

// some is the type of a setting with at least one value.
func some[T any](field func(*Settings) *[]T, of kind[T], limit int) value {
	return list(field, of, 1, limit, fmt.Sprintf("1 to %d of: %s", limit, of.allowed))
}

func list[T any](field func(*Settings) *[]T, of kind[T], least, limit int, allowed string) value {
	return value{typeName: "list", allowed: allowed, list: true, parse: func(s *Settings, texts []string) (string, error) {
		if len(texts) < least {
			return "", errors.New("must not be empty")
		}
		if len(texts) > limit {
			return "", fmt.Errorf("has %d values", len(texts))
		}
		all := make([]T, 0, len(texts))
		for _, text := range texts {
			v, err := of.parse(text)
			if err != nil {
				return "", err
			}
			all = append(all, v)
		}
		if field != nil {
			*field(s) = slices.Clip(all)
		}
		return fmt.Sprint(all), nil
	}}
}
