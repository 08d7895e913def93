package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
)

// paging is the part of a list's input that is about pages.
type paging struct {
	After string `json:"after"`
	Limit *int   `json:"limit"`
}

func (p paging) limit() (int, error) {
	if p.Limit == nil {
		return endpoint.DefaultLimit, nil
	}
	if *p.Limit < 1 || *p.Limit > endpoint.MaxLimit {
		return 0, problem.New(problem.BadRequest, fmt.Sprintf("parameter limit: must be from 1 to %d", endpoint.MaxLimit))
	}
	return *p.Limit, nil
}

// limitPage checks the limit of a call of an operation that pages itself, and sets the default.
func limitPage(call *operations.Call) error {
	var in struct {
		Limit *int `json:"limit"`
	}
	if err := json.Unmarshal(call.Input, &in); err != nil {
		return err
	}
	limit, err := paging{Limit: in.Limit}.limit()
	if err != nil {
		return err
	}
	call.Input, err = with(call.Input, map[string]any{"limit": limit})
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
	limit, err := p.limit()
	if err != nil {
		return nil, err
	}
	version, err := a.prepare(ctx, r, &call)
	if err != nil {
		return nil, err
	}
	rows, err := a.allRows(ctx, r.endpoint, call)
	if err != nil {
		return nil, err
	}
	body := envelope{Next: json.RawMessage("null")}
	rows = rowsAfter(rows, p.After)
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
	var names []string
	for _, f := range endpoint.FieldsOf(e.List.Row) {
		if slices.Contains(e.Route.Keys, f.Name) {
			names = append(names, f.GoName)
		}
	}
	rows := make([]row, v.Len())
	for i := range rows {
		rows[i].value = v.Index(i).Interface()
		for _, name := range names {
			rows[i].key = append(rows[i].key, fmt.Sprint(v.Index(i).FieldByName(name).Interface()))
		}
	}
	slices.SortStableFunc(rows, func(x, y row) int { return slices.Compare(x.key, y.key) })
	return rows, nil
}

// rowsAfter returns the rows after the one of a cursor, which need not exist any more.
func rowsAfter(rows []row, after string) []row {
	if after == "" {
		return rows
	}
	var key []string
	for part := range strings.SplitSeq(after, ",") {
		if text, err := url.QueryUnescape(part); err == nil {
			part = text
		}
		key = append(key, part)
	}
	i, _ := slices.BinarySearchFunc(rows, key, func(r row, k []string) int { return slices.Compare(r.key, k) })
	for i < len(rows) && slices.Equal(rows[i].key, key) {
		i++ // rows with equal keys are on one page, or are skipped together
	}
	return rows[i:]
}
