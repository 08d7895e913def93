package frame

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"stile.example/stile/console/caller"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// Request is a request for a page, by a caller who may see it.
type Request struct {
	*http.Request
	Caller  caller.Caller
	Title   string  // of the page
	Section string  // id
	Crumbs  []Crumb // between the section and the title
	// Refresh says that the script fetches the page again while it is visible, and replaces the
	// elements that have data-live and an id.
	Refresh bool

	frame *Frame
	flash *Flash
}

// Crumb is a link above a page's title.
type Crumb struct{ Text, Href string }

// Do performs an operation as the caller of a request. It is the only source of what pages show. If
// O is not the operation's own type, the output is converted by its JSON: a page may read only what
// it shows.
func Do[I, O any](r *Request, operation string, in I) (out O, err error) {
	return DoSeen[I, O](r, Values{}, operation, in)
}

// versionField is the hidden field that has the version of what a form changes, as it was shown.
const versionField = "version"

var errSeen = failure.New(failure.Stale, "this was changed since the form was opened, so nothing was changed; look at it in another tab, then send the form again to replace that change")

// Seen returns the hidden field by which [DoSeen] knows what a form that changes something showed.
func Seen[I any](r *Request, operation string, in I) (Field, error) {
	field := Field{Name: versionField, Kind: "hidden"}
	o, found := operations.Find(operation)
	if r.frame.instead[operation] != nil || !found || !o.IsVersioned() {
		return field, nil
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return field, fmt.Errorf("%s: write the input: %w", operation, err)
	}
	field.Value, err = o.Version(r.Context(), r.frame.dir, operations.Call{Actor: r.Caller.Actor, Input: raw})
	return field, err
}

// DoSeen is [Do] for a form that has the field of [Seen]. If somebody else has changed what the
// form showed, nothing is changed, and the form is shown again with what was typed. Sending that
// replaces the change.
func DoSeen[I, O any](r *Request, v Values, operation string, in I) (out O, err error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("%s: write the input: %w", operation, err)
	}
	result, err := r.frame.operate(r.Context(), r.Caller.Actor, operation, raw, v.Get(versionField))
	if failure.KindOf(err) == failure.Stale && v.Has(versionField) {
		return out, errSeen
	}
	if err != nil {
		return out, err
	}
	if same, ok := result.(O); ok {
		return same, nil
	}
	if raw, err = json.Marshal(result); err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		return out, fmt.Errorf("%s: read the output: %w", operation, err)
	}
	return out, nil
}

// operate performs an operation on the data directory, if what it changes has the version, or any
// version for "".
func (f *Frame) operate(ctx context.Context, by operations.Actor, name string, in json.RawMessage, version string) (any, error) {
	if instead := f.instead[name]; instead != nil {
		return instead(in)
	}
	o, ok := operations.Find(name)
	if !ok {
		return nil, fmt.Errorf("%s: no such operation", name)
	}
	call := operations.Call{Actor: by, Input: in}
	if version != "" {
		call.IfVersion = []string{version}
	}
	return o.Run(ctx, f.dir, call)
}

// Instead replaces an operation, for tests: pages can be shown with any data, and before the
// operation exists.
func (f *Frame) Instead(operation string, fn func(in json.RawMessage) (any, error)) {
	f.instead[operation] = fn
}

// In returns the request with another context, for work that continues after the response.
func (r *Request) In(ctx context.Context) *Request {
	other := *r
	other.Request = r.WithContext(ctx)
	return &other
}

// Can reports whether the caller's role includes a role.
func (r *Request) Can(role operations.Role) bool { return r.Caller.Role.Includes(role) }

// May reports whether the caller may call an operation.
func (r *Request) May(operation string) bool {
	if r.frame.instead[operation] != nil {
		return true
	}
	o, ok := operations.Find(operation)
	return ok && r.Can(o.Role)
}

// Now returns the time.
func (r *Request) Now() time.Time { return r.frame.now() }

// PublicURL returns the URL of the server's public listener, without a trailing slash.
func (r *Request) PublicURL() string { return r.frame.publicURL }

// Query returns a parameter of the page's URL.
func (r *Request) Query(name string) string { return r.URL.Query().Get(name) }

// Crumb adds a link above the page's title.
func (r *Request) Crumb(text, href string) { r.Crumbs = append(r.Crumbs, Crumb{text, href}) }

// With returns the page's URL with other parameters: pairs of a name and a value. An empty value
// removes the parameter.
func (r *Request) With(pairs ...string) string {
	return withQuery(r.URL.EscapedPath(), r.URL.Query(), pairs)
}

// URL returns an escaped path with a query of pairs of a name and a value. Empty values are left
// out.
func URL(path string, pairs ...string) string { return withQuery(path, url.Values{}, pairs) }

// withQuery returns an escaped path with a query, in which pairs are set, or removed if the value
// is empty.
func withQuery(path string, q url.Values, pairs []string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Path returns a path whose elements are escaped: Path("tenants", id) is /tenants/ID.
func Path(elements ...string) string {
	path := ""
	for _, e := range elements {
		path += "/" + url.PathEscape(e)
	}
	return path
}

// anyone is the role of pages for callers of every role, such as the one about a missing page.
const anyone operations.Role = "anyone"

// handler wraps what all handlers of pages have in common: headers, the role, and the CSRF token of
// requests that may change something.
func (f *Frame) handler(role operations.Role, h func(http.ResponseWriter, *Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, hr *http.Request) {
		r := &Request{Request: hr, Caller: caller.From(hr.Context()), frame: f}
		head := w.Header()
		head.Set("Cache-Control", "no-store")
		if !r.Can(role) && (role != anyone || r.Caller.Role == "") {
			f.fail(w, r, failure.New(failure.Forbidden, "this page needs the role %s; ask an owner", role))
			return
		}
		if hr.Method == http.MethodGet || hr.Method == http.MethodHead {
			r.flash = f.takeFlash(w, r)
		}
		h(w, r)
	}
}

// isAborted reports whether a request failed because the browser is gone.
func isAborted(err error) bool { return errors.Is(err, context.Canceled) }
