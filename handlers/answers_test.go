package handlers

import (
	"net/http"
	"testing"
)

const (
	fresh = `"token":{"calls":1,"calls_limit":100,"expires_in":86400}`
	free  = `"token":{"calls":0,"calls_limit":100,"expires_in":86400}`
)

// TestResponses checks the whole response of each route, over each transport.
func TestResponses(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/items":                     `{"data":[` + oneItem + `,{"id":"two","title":"Two"}],"meta":{"total":7,"next":"n\u003cxt",` + fresh + `}}`,
		"/v1/items?q=none":              `{"data":[],"meta":{"total":0,"next":null,` + fresh + `}}`,
		"/v1/items?facets=tag":          `{"data":[` + oneItem + `,{"id":"two","title":"Two"}],"meta":{"total":7,"next":"n\u003cxt","facets":{"tag":[{"value":"\u003c/script\u003e","count":3}]},` + fresh + `}}`,
		"/v1/items/one":                 `{"data":` + oneItem + `,"meta":{` + fresh + `}}`,
		"/v1/items/one/related":         `{"data":[{"id":"two"},{"id":"three"},{"id":"four"}],"meta":{` + fresh + `}}`,
		"/v1/items/one/related?limit=1": `{"data":[{"id":"two"}],"meta":{` + fresh + `}}`,
		"/v1/collections":               `{"data":[{"collection":"numbers","items":2}],"meta":{` + fresh + `}}`,
		"/v1/suggest?q=o":               `{"data":[{"text":"\u003cOne\u003e\u2028","id":"one","collection":"numbers"}],"meta":{` + free + `}}`,
		"/v1/suggest":                   `{"data":[],"meta":{` + free + `}}`,
		"/v1/token":                     `{"data":{"binding":"none","calls":0,"calls_limit":100,"expires_in":86400,"challenge":null},"meta":{` + free + `}}`,
	} {
		s := newSite(t)
		json := s.get(path, s.mint())
		s.check(json, 200, "application/json", want, path)
		script := s.do(ask{path: with(path, "client_id", "acme", "access_token", s.mint(), "callback", "cb")})
		s.check(script, 200, "text/javascript; charset=utf-8", `/**/ typeof cb === 'function' && cb(`+want+`);`, path)
		route, params := path, ""
		for i := range path {
			if path[i] == '?' {
				route, params = path[:i], "&"+path[i+1:]
			}
		}
		form := s.do(ask{method: "POST", path: route, body: query("client_id", "acme", "access_token", s.mint()) + params})
		s.check(form, 200, "application/json", want, path)
		header := s.do(ask{path: with(path, "client_id", "acme"), header: http.Header{"Authorization": {"bearer " + s.mint()}}})
		s.check(header, 200, "application/json", want, path)
	}
}
