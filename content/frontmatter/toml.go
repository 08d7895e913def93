package frontmatter

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// decodeTOML decodes a block whose lines are those of the file.
func decodeTOML(source []byte) ([]Field, error) {
	var all map[string]any
	begin := lineAt(source, len(source)-len(bytes.TrimLeft(source, "\n")))
	if err := toml.Unmarshal(source, &all); err != nil {
		line := begin
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ = e.Position()
		}
		return nil, errorAt(line, "front matter: invalid TOML: %s", strings.TrimPrefix(err.Error(), "toml: "))
	}
	fields, lines := make([]Field, 0, len(all)), tomlLines(source)
	for name, v := range all {
		fields = append(fields, Field{name, fromTOML(v), cmp.Or(lines[name], begin)})
	}
	slices.SortFunc(fields, func(a, b Field) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Name, b.Name))
	})
	return fields, nil
}

// tomlName matches a key, the first part of one, or a table, at the start of a line.
var tomlName = regexp.MustCompile(`(?m)^[ \t]*\[{0,2}[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*[=.\]]`)

// tomlLines returns the first line of each name.
func tomlLines(source []byte) map[string]int {
	lines := map[string]int{}
	line, from := 1, 0
	for _, m := range tomlName.FindAllSubmatchIndex(source, -1) {
		line += bytes.Count(source[from:m[0]], []byte("\n"))
		from = m[0]
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				name := string(source[m[i]:m[i+1]])
				lines[name] = cmp.Or(lines[name], line)
			}
		}
	}
	return lines
}

func fromTOML(v any) any {
	switch v := v.(type) {
	case string:
		return Scalar{v, v}
	case bool:
		return Scalar{strconv.FormatBool(v), v}
	case int64:
		return integer(v)
	case float64:
		return Scalar{strconv.FormatFloat(v, 'g', -1, 64), v}
	case time.Time:
		return Scalar{v.Format(time.RFC3339Nano), v}
	case toml.LocalDate:
		return Scalar{v.String(), v.AsTime(time.UTC)}
	case toml.LocalDateTime:
		return Scalar{v.String(), v.AsTime(time.UTC)}
	case []any, map[string]any:
		return inside(v, fromTOML)
	}
	text := fmt.Sprint(v) // a time of day
	return Scalar{text, text}
}

func integer(n int64) Scalar { return Scalar{strconv.FormatInt(n, 10), float64(n)} }
