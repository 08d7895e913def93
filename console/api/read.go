package api

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
)

// query returns the parameters of the operation. The format is a parameter of the API.
func (r *request) query() url.Values {
	q := r.URL.Query()
	if !r.endpoint.HasOwnFormat() {
		q.Del("format")
	}
	return q
}

// format returns the format of the response: by the parameter format, else by the header Accept.
func (r *request) format() (string, error) {
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		return "", problem.New(problem.BadRequest, "the query is not escaped correctly")
	}
	if r.endpoint.Stream == operations.ItemsIn {
		return endpoint.JSON, nil // there, the parameter is about the body
	}
	has := []string{endpoint.JSON}
	if r.endpoint.IsPage() {
		has = append(has, endpoint.CSV, endpoint.NDJSON)
	}
	asked, given := r.URL.Query()["format"]
	given = given && !r.endpoint.HasOwnFormat()
	switch {
	case given && (len(asked) != 1 || !slices.Contains(has, asked[0])):
		return "", problem.New(problem.BadRequest, "parameter format: must be "+strings.Join(has, ", or ")+", once")
	case given:
		return asked[0], nil
	case r.endpoint.Stream == operations.BytesOut:
		return endpoint.JSON, nil // it has one type only, which is sent whatever is asked for
	}
	return accepted(r.Header.Values("Accept"), has)
}

// accepted returns the first of the formats that a client prefers (RFC 9110 §12.5.1).
func accepted(lines, has []string) (string, error) {
	if len(lines) == 0 {
		return has[0], nil
	}
	best, bestQuality := "", 0.0
	for _, format := range has {
		if q := quality(lines, endpoint.Types[format]); q > bestQuality {
			best, bestQuality = format, q
		}
	}
	if best == "" {
		var types []string
		for _, format := range has {
			types = append(types, endpoint.Types[format])
		}
		return "", problem.New(problem.NotAcceptable, "The resource is available as "+strings.Join(types, ", ")+".")
	}
	return best, nil
}

// quality returns how much a client wants a type: the quality of the narrowest range that has it.
func quality(lines []string, kind string) (q float64) {
	narrowest := 0
	major, _, _ := strings.Cut(kind, "/")
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			media, params, err := mime.ParseMediaType(strings.TrimSpace(part))
			if err != nil {
				continue
			}
			width := map[string]int{"*/*": 1, major + "/*": 2, kind: 3}[media]
			if width <= narrowest {
				continue
			}
			narrowest, q = width, 1
			if text, given := params["q"]; given {
				if q, err = strconv.ParseFloat(text, 64); err != nil || q < 0 || q > 1 {
					q = 0
				}
			}
		}
	}
	return q
}

// body reads the JSON body of a request; nil if it has none.
func (r *request) body() ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, maxBody))
	if err != nil {
		return nil, unread(err)
	}
	switch {
	case len(body) == 0:
		return nil, nil
	case !r.endpoint.HasBody():
		return nil, problem.New(problem.BadRequest, "the request must not have a body")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != endpoint.Types[endpoint.JSON] {
		return nil, problem.New(problem.UnsupportedType, "the header Content-Type must be application/json")
	}
	return body, nil
}

// unread returns the error for a body that can't be read: the client is the cause.
func unread(err error) error {
	e := problem.Of(err)
	if e.Code == problem.Internal {
		e = problem.New(problem.BadRequest, "the body can't be read to its end")
		e.Cause = err
	}
	return e
}

// prepare reads the headers about versions and dry runs into a call. version gets the version of
// what the call reads or has changed.
func (a *API) prepare(ctx context.Context, r *request, call *operations.Call) (version *string, err error) {
	version = new(string)
	if !r.endpoint.Changes() {
		if r.endpoint.IsVersioned() {
			*version, err = r.endpoint.Version(ctx, a.Dir, *call)
		}
		return version, err
	}
	// to ignore it would make a change that was not wanted
	if len(r.Header.Values("If-None-Match")) > 0 {
		return nil, problem.New(problem.BadRequest, "If-None-Match: is for a GET; a change takes If-Match")
	}
	call.Version = version
	call.DryRun = r.prefers("dry-run")
	if call.DryRun && !r.endpoint.HasPreview() {
		return nil, problem.New(problem.BadRequest, fmt.Sprintf("Prefer: %s can't say what it would do without doing it. Nothing was changed.", r.endpoint.Name))
	}
	call.IfVersion, err = versionsIn(r.Header.Values("If-Match"))
	if err == nil && len(call.IfVersion) > 0 && !r.endpoint.IsVersioned() {
		err = problem.New(problem.BadRequest, "If-Match: what the request changes has no version")
	}
	return version, err
}

// prefers reports whether a request has a preference (RFC 7240).
func (r *request) prefers(name string) bool {
	for _, line := range r.Header.Values("Prefer") {
		for part := range strings.SplitSeq(line, ",") {
			token, _, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(token), name) {
				return true
			}
		}
	}
	return false
}

// versionsIn returns the versions in the lines of If-Match. A weak one never matches.
func versionsIn(lines []string) (versions []string, err error) {
	malformed := problem.New(problem.BadRequest, `the header If-Match must have * or versions in quotes, as the header ETag has them`)
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			part = strings.TrimSpace(part)
			tag := strings.TrimPrefix(part, "W/")
			switch {
			case part == operations.AnyVersion:
				versions = append(versions, part)
			case len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"':
				return nil, malformed
			case tag == part:
				version, _, _ := strings.Cut(tag[1:len(tag)-1], ".") // see tag
				versions = append(versions, version)
			default:
				versions = append(versions, "weak") // versions are longer
			}
		}
	}
	return versions, nil
}
