package content

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.abhg.dev/goldmark/frontmatter"
)

// frontMatter sets the item's fields from the front matter. A name that is not a field becomes an
// attribute, as in CSV.
func frontMatter(it *Item, source []byte, data *frontmatter.Data) error {
	if data == nil {
		return nil
	}
	var fields map[string]any
	if err := data.Decode(&fields); err != nil {
		return yamlError(err)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := setYAML(it, name, fields[name]); err != nil {
			return atLine{lineOf(source, name), err}
		}
	}
	return nil
}

func setYAML(it *Item, name string, v any) error {
	switch name {
	case "tags":
		return setTags(it, v)
	case "attributes":
		m, ok := jsonValue(v, maxDepth+1).(map[string]any)
		if !ok && v != nil {
			return errors.New("attributes: must be names with values")
		}
		for k, e := range m {
			it.attribute(k, e)
		}
		return nil
	}
	known, err := set(&Item{}, name, "")
	switch s := v.(type) {
	case nil:
	case string:
		if known {
			_, err = set(it, name, s)
		} else {
			it.attribute(name, s)
		}
	case time.Time: // YAML has dates
		return setYAML(it, name, s.UTC().Format(time.RFC3339Nano))
	default:
		if known {
			return fmt.Errorf("%s: must be text, not %v; put it in quotes", name, quote(fmt.Sprint(v)))
		}
		it.attribute(name, jsonValue(v, maxDepth+1))
	}
	return err
}

func setTags(it *Item, v any) error {
	list, ok := v.([]any)
	if !ok && v != nil {
		return errors.New("tags: must be a list of texts, such as [sweet, baked]")
	}
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return fmt.Errorf("tags: must be texts, not %s; put it in quotes", quote(fmt.Sprint(e)))
		}
		it.Tags = append(it.Tags, s)
	}
	return nil
}

// jsonValue converts a YAML value to that of encoding/json. A value that is too deep or can't be
// JSON is unchanged: Check reports it.
func jsonValue(v any, depth int) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case []any:
		for i := range v {
			if depth > 0 {
				v[i] = jsonValue(v[i], depth-1)
			}
		}
	case map[string]any:
		for k := range v {
			if depth > 0 {
				v[k] = jsonValue(v[k], depth-1)
			}
		}
	}
	return v
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// yamlError adds the line in the file to an error in the front matter, which begins on the second
// line.
func yamlError(err error) error {
	problem := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n ", ""), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatchIndex(problem); m != nil {
		n, _ := strconv.Atoi(problem[m[2]:m[3]]) // digits; 0 if there are too many
		line, problem = n+1, problem[:m[0]]+problem[m[1]:]
	}
	return atLine{line, fmt.Errorf("front matter: %s", problem)}
}

// lineOf returns the line on which the front matter names a field.
func lineOf(source []byte, name string) int {
	n := 0
	for l := range bytes.Lines(source) {
		n++
		if key, _, ok := bytes.Cut(l, []byte(":")); ok && string(bytes.Trim(key, ` "'`)) == name {
			return n
		}
	}
	return 1
}
