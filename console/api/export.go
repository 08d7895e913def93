package api

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/usage"
)

// progress is how long a client may take for one write or read of a stream.
const progress = 10 * time.Second

// export writes all rows of a list as a file. The audit log has who got it.
func (a *API) export(r *request, format string) error {
	for _, name := range []string{"after", "limit"} {
		if r.URL.Query().Has(name) {
			return problem.New(problem.BadRequest, "parameter "+name+": an export has all rows; leave it out")
		}
	}
	out := &stream{r: r, kind: endpoint.Types[format], file: r.endpoint.Name + "." + format}
	out.record = func() error { return r.endpoint.RecordExport(r.Context(), a.Dir, r.actor, format, r.input) }
	w := newRowWriter(out, format, r.endpoint.List.Row)
	err := a.eachPage(r, func(rows reflect.Value) error {
		for i := range rows.Len() {
			if err := w.write(rows.Index(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = w.flush()
	}
	return err
}

// eachPage calls fn with the pages of a list, one after another: slices of rows. It calls fn at
// least once.
func (a *API) eachPage(r *request, fn func(rows reflect.Value) error) error {
	call := operations.Call{Actor: r.actor, Input: r.input}
	l := r.endpoint.List
	if l.Next == "" {
		parts := []json.RawMessage{r.input}
		if r.endpoint.Name == "usage" {
			var err error
			if parts, err = a.months(r); err != nil {
				return err
			}
		}
		return a.eachPart(r, parts, fn)
	}
	for after := ""; ; {
		values := map[string]any{"limit": endpoint.MaxLimit}
		if after != "" {
			values["after"] = cursorValue(r.endpoint, after)
		}
		input, err := with(r.input, values)
		if err != nil {
			return err
		}
		call.Input = input
		result, err := r.endpoint.Run(r.Context(), a.Dir, call)
		if err != nil {
			return err
		}
		v := reflect.ValueOf(result)
		for _, f := range endpoint.FieldsOf(v.Type()) {
			switch f.Name {
			case l.Rows:
				err = fn(v.FieldByName(f.GoName))
			case l.Next:
				after = cursor(v.FieldByName(f.GoName))
			}
			if err != nil {
				return err
			}
		}
		if after == "" {
			return nil
		}
	}
}

// eachPart calls fn with the results of a list without pages, for one input after the other. A name
// is unknown only if no part knows it.
func (a *API) eachPart(r *request, parts []json.RawMessage, fn func(rows reflect.Value) error) error {
	var unknown error
	isKnown := false
	for _, input := range parts {
		result, err := r.endpoint.Run(r.Context(), a.Dir, operations.Call{Actor: r.actor, Input: input})
		switch {
		case failure.KindOf(err) == failure.NotFound:
			unknown = err
			continue
		case err != nil:
			return err
		}
		isKnown = true
		if err := fn(reflect.ValueOf(result)); err != nil {
			return err
		}
	}
	if !isKnown {
		return unknown
	}
	return nil
}

// months returns the input of the operation usage once for each month of its period, so that an
// export needs the memory of one month. An invalid period is one part: the operation refuses it.
func (a *API) months(r *request) (parts []json.RawMessage, err error) {
	var q struct{ From, To string }
	if err := json.Unmarshal(r.input, &q); err != nil {
		return nil, err
	}
	whole := []json.RawMessage{r.input}
	first := a.Dir.Now().UTC()
	last := first
	if q.From != "" {
		if first, err = time.Parse(time.DateOnly, q.From); err != nil {
			return whole, nil
		}
	} else if day, found, err := a.Dir.Statements.Store.FirstUsage(r.Context()); err != nil {
		return nil, err
	} else if found {
		first = time.Unix(int64(day)*86400, 0).UTC()
	}
	if q.To != "" {
		if last, err = time.Parse(time.DateOnly, q.To); err != nil {
			return whole, nil
		}
	}
	first, last = monthOf(first), monthOf(last)
	if !first.Before(last) || last.Sub(first) > maxMonths {
		return whole, nil
	}
	for month := first; !month.After(last); month = month.AddDate(0, 1, 0) {
		from, to := usage.Day(month), usage.Day(month.AddDate(0, 1, -1))
		if month.Equal(first) {
			from = q.From
		}
		if month.Equal(last) {
			to = q.To
		}
		part, err := with(r.input, map[string]any{"from": from, "to": to})
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// maxMonths is how long a period may be to be read by month: each month reads the tenants again.
const maxMonths = 50 * 365 * 24 * time.Hour

func monthOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// cursorValue returns a cursor as the input has it: as text or a number.
func cursorValue(e endpoint.Endpoint, after string) any {
	for _, f := range e.Query {
		if f.Name == "after" && endpoint.KindOf(f.Type) == endpoint.Integer {
			return json.Number(after)
		}
	}
	return after
}

// stream is the body of a response that is written while it is produced. Its status is sent with
// the first byte, so an error before it is an ordinary error.
type stream struct {
	r          *request
	kind, file string
	record     func() error // is called before the first byte; nil: nothing is
}

func (s *stream) Write(p []byte) (int, error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	s.r.until(time.Now().Add(progress))
	return s.r.w.Write(p)
}

func (s *stream) begin() error {
	if s.r.began {
		return nil
	}
	if s.record != nil {
		if err := s.record(); err != nil {
			return err
		}
	}
	s.r.began = true
	head := s.r.w.Header()
	head.Set("Content-Type", s.kind)
	head.Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(s.file, " ", "-")+`"`)
	s.r.w.WriteHeader(http.StatusOK)
	return nil
}

// copyBytes sends the bytes that an operation writes.
func (a *API) copyBytes(r *request) error {
	kind, file := r.endpoint.BytesType(r.ownFormat())
	if _, err := a.prepare(r.Context(), r, &operations.Call{Input: r.input}); err != nil {
		return err
	}
	r.until(time.Now().Add(time.Hour)) // the first bytes may take long
	out := &stream{r: r, kind: kind, file: file}
	if !r.endpoint.Changes() { // a change is recorded anyway
		out.record = func() error {
			return r.endpoint.RecordExport(r.Context(), a.Dir, r.actor, cmp.Or(r.ownFormat(), file), r.input)
		}
	}
	buffered := bufio.NewWriterSize(out, 64<<10)
	_, err := r.endpoint.Run(r.Context(), a.Dir, operations.Call{Actor: r.actor, Input: r.input, Out: buffered})
	if err == nil {
		err = errors.Join(buffered.Flush(), out.begin()) // there may be no bytes
	}
	return err
}

// ownFormat returns the parameter format if it is the operation's own.
func (r *request) ownFormat() string {
	if !r.endpoint.HasOwnFormat() {
		return ""
	}
	return r.URL.Query().Get("format")
}

// rowWriter writes rows as CSV or NDJSON.
type rowWriter struct {
	out    *stream
	buffer *bufio.Writer
	csv    *csv.Writer // nil: NDJSON
	fields []endpoint.Field
}

func newRowWriter(out *stream, format string, row reflect.Type) *rowWriter {
	w := &rowWriter{out: out, buffer: bufio.NewWriterSize(out, 64<<10), fields: endpoint.FieldsOf(row)}
	if format == endpoint.CSV {
		w.csv = csv.NewWriter(w.buffer)
		names := make([]string, len(w.fields))
		for i, f := range w.fields {
			names[i] = f.Name
		}
		_ = w.csv.Write(names) // flush returns its error
	}
	return w
}

func (w *rowWriter) write(row reflect.Value) error {
	if w.csv == nil {
		line, err := json.Marshal(row.Interface())
		if err == nil {
			_, err = w.buffer.Write(append(line, '\n'))
		}
		return err
	}
	cells := make([]string, len(w.fields))
	for i, f := range w.fields {
		value, err := json.Marshal(row.FieldByName(f.GoName).Interface())
		if err != nil {
			return err
		}
		cells[i] = cell(value)
	}
	return w.csv.Write(cells)
}

func (w *rowWriter) flush() error {
	if w.csv != nil {
		w.csv.Flush()
		if err := w.csv.Error(); err != nil {
			return err
		}
	}
	return errors.Join(w.buffer.Flush(), w.out.begin()) // there may be no rows
}

// cell returns a JSON value as the cell of a spreadsheet.
func cell(value json.RawMessage) string {
	var text string
	switch {
	case bytes.Equal(value, []byte("null")):
		return ""
	case json.Unmarshal(value, &text) != nil:
		return string(value) // a number, true, false, an array or an object
	}
	return usage.QuoteFormula(text)
}
