package statements

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// title is the first line of a statement's text. A change of the text needs another number.
const title = "stile statement 1\n"

// Text returns the text that is signed: a title, and a JSON object with a line for each field,
// price and row.
func (s *Statement) Text() string {
	var b strings.Builder
	b.WriteString(title)
	field := func(name string, v any) { b.WriteString(`"` + name + `":` + CompactJSON(v) + ",\n") }
	b.WriteString("{\n")
	field("tenant", s.Tenant)
	field("name", s.Name)
	field("month", s.Month)
	field("number", s.Number)
	field("closed_at", s.ClosedAt)
	field("currency", s.Currency)
	field("calls", s.Calls)
	field("records", s.Records)
	field("amount", s.Amount)
	field("lines", s.Lines)
	field("root", s.Root)
	field("previous", s.Previous)
	b.WriteString(`"prices":`)
	list(&b, s.Prices)
	b.WriteString(",\n\"rows\":")
	list(&b, s.Rows)
	b.WriteString("\n}\n")
	return b.String()
}

// ParseName returns the name in the beginning of a statement's text, up to the line of its month.
func ParseName(start string) (name string, err error) {
	_, line, ok := strings.Cut(start, "\n\"name\":")
	if line, _, _ = strings.Cut(line, ",\n"); !ok || json.Unmarshal([]byte(line), &name) != nil {
		return "", errors.New("the statement is not written as stile writes it")
	}
	return name, nil
}

// list writes an array with one line for each of its values.
func list[T any](b *strings.Builder, values []T) {
	b.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + CompactJSON(v))
	}
	b.WriteByte(']')
}

// CompactJSON returns a value as JSON on one line. json.Marshal writes <, > and & as escapes, so
// the text may be in a page.
func CompactJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // impossible: the values are numbers, texts and times
	}
	return string(text)
}

// ParseText reads the text of a statement. It accepts only the one spelling that [Statement.Text]
// writes.
func ParseText(text string) (Statement, error) {
	var s Statement
	body, ok := strings.CutPrefix(text, title)
	if !ok {
		return s, fmt.Errorf("is not a statement of a known version: it must begin with %q", strings.TrimSpace(title))
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Statement{}, fmt.Errorf("the statement can't be read: %w", err)
	}
	if s.Text() != text {
		return Statement{}, errors.New("the statement is not written as stile writes it")
	}
	return s, nil
}

// Hash returns the hash of a statement's text, which the next statement contains.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
