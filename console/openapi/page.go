package openapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"stile.example/stile/console/dist"
	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Page returns a page for people that describes the API.
func Page(version string) ([]byte, error) {
	type operation struct {
		ID, Method, Path, Summary, Role, Curl string
		Fields                                []pageField
		DryRun, Versioned                     bool
	}
	type section struct {
		Name       string
		Operations []operation
	}
	s := newSchemas()
	var sections []section
	for _, e := range endpoint.All() {
		if n := len(sections); n == 0 || sections[n-1].Name != tagOf(e) {
			sections = append(sections, section{Name: tagOf(e)})
		}
		last := &sections[len(sections)-1]
		last.Operations = append(last.Operations, operation{ID: idOf(e.Name), Method: e.Route.Method, Path: pathOf(e),
			Summary: strings.ToUpper(e.Summary[:1]) + e.Summary[1:] + ".", Role: string(e.Role), Curl: curl(e), Fields: fieldsFor(s, e),
			DryRun: e.Changes() && e.HasPreview(), Versioned: e.IsVersioned()})
	}
	var out bytes.Buffer
	err := page.Execute(&out, map[string]any{"Version": version, "CSS": dist.Load().URL("console.css"), "Sections": sections, "Problems": problem.All})
	return out.Bytes(), err
}

// pageField is a field of a request, for people.
type pageField struct{ Name, In, Kind, Text string }

func fieldsFor(s *schemas, e endpoint.Endpoint) (fields []pageField) {
	add := func(in string, some []endpoint.Field) {
		for _, f := range some {
			kind := string(endpoint.KindOf(f.Type))
			if f.Required {
				kind += ", required"
			}
			fields = append(fields, pageField{f.Name, in, kind, s.describe(f)})
		}
	}
	add("path", e.Path)
	add("query", e.Query)
	add("body", e.Body)
	return fields
}

// curl returns the command line of an example.
func curl(e endpoint.Endpoint) string {
	line := "curl -H \"Authorization: Bearer $TOKEN\""
	if e.Route.Method != "GET" {
		line += " -X " + e.Route.Method
	}
	switch {
	case e.Stream == operations.ItemsIn:
		line += " -H 'Content-Type: application/x-ndjson' --data-binary @items.jsonl"
	case e.Stream == operations.BytesOut:
		_, file := e.BytesType("")
		line += " -o " + file
	}
	if body := Body(e); len(body) > 0 {
		line += fmt.Sprintf(" -H 'Content-Type: application/json' -d '%s'", body)
	}
	return line + " '$STILE/api/v1" + URL(e) + "'"
}

// URL returns the path and the query of the example of a request.
func URL(e endpoint.Endpoint) string {
	given, path := exampleOf(e), e.Route.Path
	for _, f := range e.Path {
		value := url.PathEscape(plain(given[f.Name]))
		path = strings.NewReplacer("{"+f.Name+"}", value, "{"+f.Name+"...}", value).Replace(path)
	}
	q := url.Values{}
	for _, f := range e.Query {
		value, ok := given[f.Name]
		var list []json.RawMessage
		switch {
		case !ok:
		case endpoint.KindOf(f.Type) == endpoint.Array && json.Unmarshal(value, &list) == nil:
			for _, v := range list {
				q.Add(f.Name, plain(v))
			}
		default:
			q.Set(f.Name, plain(value))
		}
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}

// plain returns a JSON value as it is in a URL.
func plain(value []byte) string {
	text := string(value)
	if strings.HasPrefix(text, `"`) {
		return strings.Trim(text, `"`) // examples have no escapes
	}
	return text
}
