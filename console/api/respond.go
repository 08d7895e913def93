package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
)

// response is a response that is complete before it is sent.
type response struct {
	status int
	header http.Header
	body   []byte
}

// envelope is the body of a success.
type envelope struct {
	Data any             `json:"data"`
	Next json.RawMessage `json:"next,omitempty"` // of a list: text or null
	Meta map[string]any  `json:"meta,omitempty"` // of a list
}

// respond returns the response to a success.
func (a *API) respond(r *request, result any, dry bool, version *string) (*response, error) {
	if u, ok := result.(interface{ Undone() bool }); ok && u.Undone() {
		return nil, unconfirmed(result)
	}
	res := &response{status: r.endpoint.Route.Status, header: http.Header{}}
	body := envelope{Data: result}
	switch {
	case dry:
		res.status = http.StatusOK
		res.header.Set("Preference-Applied", "dry-run")
	case r.endpoint.List != nil:
		body = listed(*r.endpoint.List, result)
	}
	if err := res.encode(body); err != nil {
		return nil, err
	}
	res.tag(r, *version)
	return res, nil
}

// tag sets the header ETag. A response to a read has more than can be changed, such as the calls of
// this month, so its ETag has a part of its own, after a dot: If-Match ignores that part. If the
// client has the same already, the response becomes a 304.
func (res *response) tag(r *request, version string) {
	switch {
	case version == "":
		return
	case r.endpoint.Changes():
		res.header.Set("ETag", `"`+version+`"`)
		return
	}
	sum := sha256.Sum256(res.body)
	tag := `"` + version + "." + base64.RawURLEncoding.EncodeToString(sum[:9]) + `"`
	res.header.Set("ETag", tag)
	for _, line := range r.Header.Values("If-None-Match") {
		for part := range strings.SplitSeq(line, ",") {
			if seen := strings.TrimPrefix(strings.TrimSpace(part), "W/"); seen == tag || seen == operations.AnyVersion {
				res.status, res.body = http.StatusNotModified, nil
				res.header.Del("Content-Type")
			}
		}
	}
}

func (res *response) encode(body any) (err error) {
	res.header.Set("Content-Type", endpoint.Types[endpoint.JSON])
	if res.body, err = json.Marshal(body); err != nil {
		return fmt.Errorf("write the response: %w", err)
	}
	res.body = append(res.body, '\n')
	return nil
}

// unconfirmed returns the error for a change that was not made because it must be confirmed.
func unconfirmed(result any) error {
	e := problem.New(problem.Unconfirmed, problem.InfoOf(problem.Unconfirmed).Help)
	for _, f := range endpoint.FieldsOf(reflect.TypeOf(result)) {
		if f.Name == "unconfirmed" {
			e.Unconfirmed = reflect.ValueOf(result).FieldByName(f.GoName).Interface()
		}
	}
	return e
}

// listed returns the body of a list.
func listed(l endpoint.List, result any) envelope {
	v := reflect.ValueOf(result)
	if l.Rows == "" {
		return envelope{Data: rowsOf(v), Next: json.RawMessage("null")}
	}
	body := envelope{Next: json.RawMessage("null")}
	for _, f := range endpoint.FieldsOf(v.Type()) {
		field := v.FieldByName(f.GoName)
		switch f.Name {
		case l.Rows:
			body.Data = rowsOf(field)
		case l.Next:
			if next := cursor(field); next != "" {
				body.Next, _ = json.Marshal(next) // text can always be encoded
			}
		default:
			if body.Meta == nil {
				body.Meta = map[string]any{}
			}
			body.Meta[f.Name] = field.Interface()
		}
	}
	return body
}

// rowsOf returns a slice, which is never null in JSON.
func rowsOf(v reflect.Value) any {
	if v.IsNil() {
		return []any{}
	}
	return v.Interface()
}

// cursor returns the value for the parameter after; "" if there is no next page.
func cursor(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	return fmt.Sprint(reflect.Indirect(v).Interface())
}

// send sends a response.
func (r *request) send(res *response) error {
	head := r.w.Header()
	for name, values := range res.header {
		head[name] = values
	}
	if res.status != http.StatusNotModified {
		head.Set("Content-Length", strconv.Itoa(len(res.body)))
	}
	r.began = true
	r.w.WriteHeader(res.status)
	_, _ = r.w.Write(res.body) // an error means that the client is gone
	return nil
}

// fail sends an error, and logs it under its reference. The path may contain a token, so the log
// has the route instead.
func (a *API) fail(r *request, err error) {
	e := problem.Of(err)
	a.logError(r, e)
	if r.began { // the client must not take what it has for all
		panic(http.ErrAbortHandler)
	}
	res, err := refusal(e)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if r.ContentLength > maxBody {
		res.header.Set("Connection", "close") // the rest of the body is not worth reading
	}
	_ = r.send(res)
}

// refusal returns the response that sends an error.
func refusal(e *problem.Error) (*response, error) {
	res := &response{status: e.Status, header: e.Header}
	if e.RetryAfter != nil {
		res.header.Set("Retry-After", strconv.Itoa(*e.RetryAfter))
	}
	return res, res.encode(map[string]any{"error": e.Problem})
}

func (a *API) logError(r *request, e *problem.Error) {
	level := slog.LevelInfo
	switch {
	case r.Context().Err() != nil && errors.Is(e, context.Canceled):
		level = slog.LevelDebug // the client is gone
	case r.quiet || e.Code == problem.TooManyRequests:
		level = slog.LevelDebug
	case e.Status >= 500:
		level = slog.LevelError
	}
	attrs := []slog.Attr{slog.String("ref", e.Ref), slog.String("code", string(e.Code)), slog.String("method", r.Method),
		slog.String("operation", r.endpoint.Name), slog.String("admin", r.actor.Name), slog.String("address", a.Dir.ShowAddress(r.address))}
	switch {
	case e.Cause != nil:
		attrs = append(attrs, slog.String("err", e.Cause.Error()))
	default:
		attrs = append(attrs, slog.String("err", e.Detail))
	}
	a.log.LogAttrs(context.WithoutCancel(r.Context()), level, "admin API: refused", attrs...)
}
