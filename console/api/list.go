package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/operations"
)

// paging is the part of a list's input that is about pages. Package endpoint has checked it.
type paging struct {
	After string `json:"after"`
	Limit int    `json:"limit"`
}

// limitPage sets the default of the limit of a call of an operation that pages itself.
func limitPage(e endpoint.Endpoint, call *operations.Call) error {
	var in struct {
		Limit int `json:"limit"`
	}
	if err := json.Unmarshal(call.Input, &in); err != nil || in.Limit > 0 {
		return err
	}
	_, usual := e.Limits()
	input, err := with(call.Input, map[string]any{"limit": usual})
	call.Input = input
	return err
}

// with returns an input with other values of fields. A nil removes the field.
func with(input json.RawMessage, values map[string]any) (json.RawMessage, error) {
	var in map[string]any
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	for name, value := range values {
		if in[name] = value; value == nil {
			delete(in, name)
		}
	}
	return json.Marshal(in)
}

// page runs an operation whose result is all rows, and returns one page of them.
func (a *API) page(ctx context.Context, r *request, call operations.Call) (*response, error) {
	var p paging
	if err := json.Unmarshal(call.Input, &p); err != nil {
		return nil, err
	}
	_, usual := r.endpoint.Limits()
	limit := cmp.Or(p.Limit, usual)
	version, err := a.prepare(ctx, r, &call)
	if err != nil {
		return nil, err
	}
	rows, err := a.allRows(ctx, r.endpoint, call)
	if err != nil {
		return nil, err
	}
	body := envelope{Next: json.RawMessage("null")}
	if rows, err = rowsAfter(rows, r.endpoint.Route.Keys, p.After); err != nil {
		return nil, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		body.Next, _ = json.Marshal(rows[limit-1].cursor()) // text can always be encoded
	}
	data := make([]any, len(rows))
	for i, row := range rows {
		data[i] = row.value
	}
	body.Data = data
	res := &response{status: r.endpoint.Route.Status, header: map[string][]string{}}
	if err := res.encode(body); err != nil {
		return nil, err
	}
	res.tag(r, *version)
	return res, nil
}

// row is a row of a result, with the values of the fields that identify it.
type row struct {
	value any
	key   []string
}

// cursor returns the value of the parameter after for the rows after this one.
func (r row) cursor() string {
	parts := make([]string, len(r.key))
	for i, k := range r.key {
		parts[i] = url.QueryEscape(k)
	}
	return strings.Join(parts, ",")
}

// allRows returns the rows of a result that is a slice, in the order of their keys.
func (a *API) allRows(ctx context.Context, e endpoint.Endpoint, call operations.Call) ([]row, error) {
	input, err := with(call.Input, map[string]any{"after": nil, "limit": nil})
	if err != nil {
		return nil, err
	}
	call.Input = input
	result, err := e.Run(ctx, a.Dir, call)
	if err != nil {
		return nil, err
	}
	v := reflect.ValueOf(result)
	fields, keys := endpoint.FieldsOf(e.List.Row), e.Route.Keys
	names := make([]string, len(keys)) // in Go
	for i, key := range keys {
		names[i] = fields[slices.IndexFunc(fields, func(f endpoint.Field) bool { return f.Name == strings.TrimPrefix(key, "-") })].GoName
	}
	rows := make([]row, v.Len())
	for i := range rows {
		rows[i].value = v.Index(i).Interface()
		for _, name := range names {
			rows[i].key = append(rows[i].key, keyText(v.Index(i).FieldByName(name).Interface()))
		}
	}
	slices.SortStableFunc(rows, func(x, y row) int { return compareKeys(keys, x.key, y.key) })
	return rows, nil
}

// keyText returns the value of a key as text: a time so that later ones are greater.
func keyText(value any) string {
	if at, ok := value.(time.Time); ok {
		return at.UTC().Format("2006-01-02T15:04:05.000000000Z")
	}
	return fmt.Sprint(value)
}

// compareKeys compares the keys of two rows. Numbers without a sign are compared as numbers.
func compareKeys(keys, x, y []string) int {
	isNumber := func(text string) bool {
		return text != "" && strings.Trim(text, "0123456789") == ""
	}
	for i, key := range keys {
		c := strings.Compare(x[i], y[i])
		if isNumber(x[i]) && isNumber(y[i]) {
			c = cmp.Or(cmp.Compare(len(x[i]), len(y[i])), c)
		}
		if strings.HasPrefix(key, "-") {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// rowsAfter returns the rows after the one of a cursor, which need not exist any more.
func rowsAfter(rows []row, keys []string, after string) ([]row, error) {
	if after == "" {
		return rows, nil
	}
	var key []string
	for part := range strings.SplitSeq(after, ",") {
		text, err := url.QueryUnescape(part)
		if err != nil {
			return nil, endpoint.ErrAfter
		}
		key = append(key, text)
	}
	if len(key) != len(keys) {
		return nil, endpoint.ErrAfter
	}
	i, found := slices.BinarySearchFunc(rows, key, func(r row, k []string) int { return compareKeys(keys, r.key, k) })
	for found && i < len(rows) && slices.Equal(rows[i].key, key) {
		i++ // rows with equal keys are on one page, or are skipped together
	}
	return rows[i:], nil
}
