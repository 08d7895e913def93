package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/problem"
)

// route is a method and a path of the API. The router of net/http is not used because it redirects
// requests whose path has empty parts or dots, which may be names, and writes errors of its own.
type route struct {
	method   string
	parts    []string // of the path
	endpoint *endpoint.Endpoint
	serve    func(*request) error // instead of an endpoint
}

func routesOf(all []endpoint.Endpoint) (routes []route) {
	for i := range all {
		r := all[i].Route
		routes = append(routes, route{method: r.Method, parts: strings.Split(r.Path, "/")[1:], endpoint: &all[i]})
	}
	return routes
}

// match returns the route of a request, with the fields in its path.
func (a *API) match(r *request) (route, map[string]string, error) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), Prefix+"/")
	if !ok {
		return route{}, nil, problem.New(problem.NotFound, problem.InfoOf(problem.NotFound).Help)
	}
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		text, err := url.PathUnescape(part)
		if err != nil {
			return route{}, nil, problem.New(problem.BadRequest, "the path is not escaped correctly")
		}
		parts = append(parts, text)
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allowed []string
	for _, c := range a.resource(parts) {
		if c.method == method {
			return c, c.fields(parts), nil
		}
		allowed = append(allowed, c.method)
	}
	return route{}, nil, unmatched(allowed)
}

// resource returns the routes with the narrowest path that a request's path matches.
func (a *API) resource(parts []string) (best []route) {
	for _, c := range a.routes {
		switch {
		case !c.matches(parts):
		case len(best) == 0 || c.isNarrower(best[0]):
			best = []route{c}
		case !best[0].isNarrower(c):
			best = append(best, c)
		}
	}
	return best
}

func unmatched(allowed []string) error {
	if len(allowed) == 0 {
		return problem.New(problem.NotFound, problem.InfoOf(problem.NotFound).Help)
	}
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	list := strings.Join(slices.Compact(allowed), ", ")
	e := problem.New(problem.MethodNotAllowed, "The resource has the methods "+list+".")
	e.Header.Set("Allow", list)
	return e
}

// matches reports whether a path has the form of the route. A field is not empty.
func (c route) matches(parts []string) bool {
	for i, want := range c.parts {
		_, isField := endpoint.NameIn(want)
		switch {
		case i >= len(parts) || isField && parts[i] == "":
			return false
		case endpoint.IsRest(want):
			return true
		case !isField && parts[i] != want:
			return false
		}
	}
	return len(parts) == len(c.parts)
}

// isNarrower reports whether the first part in which two routes differ is not a field of c.
func (c route) isNarrower(other route) bool {
	for i, part := range c.parts {
		if i >= len(other.parts) || part == other.parts[i] {
			continue
		}
		_, isField := endpoint.NameIn(part)
		return !isField
	}
	return false
}

// fields returns the fields in a path that matches.
func (c route) fields(parts []string) map[string]string {
	fields := map[string]string{}
	for i, part := range c.parts {
		name, isField := endpoint.NameIn(part)
		switch {
		case endpoint.IsRest(part):
			fields[name] = strings.Join(parts[i:], "/")
		case isField:
			fields[name] = parts[i]
		}
	}
	return fields
}

// documents returns the routes that describe the API.
func (a *API) documents() []route {
	send := func(kind string, text []byte) func(*request) error {
		return func(r *request) error {
			return r.send(&response{status: http.StatusOK, header: http.Header{"Content-Type": {kind}}, body: text})
		}
	}
	page := send("text/html; charset=utf-8", a.Page)
	return []route{
		{method: http.MethodGet, parts: []string{"openapi.json"}, serve: send("application/json", a.Document)},
		{method: http.MethodGet, parts: []string{""}, serve: func(r *request) error {
			r.w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
			return page(r)
		}},
	}
}
