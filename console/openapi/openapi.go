// Package openapi writes the OpenAPI 3.1 document of the admin API, and the same as a page for
// people. Both follow from the table of operations: nothing is described twice.
//
// The descriptions of fields are the comments in the source, and the examples of responses are real
// responses. Both are files in this package, because a program has neither. Its tests write them
// again, and fail if they differ: run `go test ./console/openapi ./console/api -update`.
package openapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
)

//go:embed descriptions.json
var descriptionsFile []byte

//go:embed examples.json
var examplesFile []byte

type object = map[string]any

// Document returns the document as JSON.
func Document(version string) ([]byte, error) {
	w := writer{schemas: newSchemas()}
	if err := json.Unmarshal(examplesFile, &w.examples); err != nil {
		return nil, fmt.Errorf("read the examples: %w", err)
	}
	paths, tags := object{}, []string{}
	for _, e := range endpoint.All() {
		path := pathOf(e)
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path].(object)[strings.ToLower(e.Route.Method)] = w.operation(e)
		if !slices.Contains(tags, tagOf(e)) {
			tags = append(tags, tagOf(e))
		}
	}
	var tagList []object
	for _, name := range tags {
		tagList = append(tagList, object{"name": name})
	}
	doc := object{
		"openapi": "3.1.0",
		"info":    object{"title": "stile admin API", "version": version, "description": about},
		"servers": []object{{"url": "/api/v1"}},
		"tags":    tagList, "paths": paths,
		"security": []object{{"token": []string{}}},
		"components": object{
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "bearerFormat": "stile_adm_…",
				"description": "An admin token. `stile admin add` makes one. Its role decides what it may do."}},
			"schemas":   w.schemas.components(),
			"responses": errorResponses(),
			"headers":   headers,
		},
	}
	return json.MarshalIndent(doc, "", " ")
}

const about = `The operations of stile for programs: the same as the commands, with the same numbers.

A success is ` + "`{\"data\": …}`" + `. A list is ` + "`{\"data\": [], \"next\": …}`" + `: pass ` + "`next`" + ` as the parameter ` + "`after`" + ` to get the next page, until it is null. With ` + "`format=csv`" + ` or ` + "`format=ndjson`" + ` (or the header Accept), a list is a file with all rows, and the audit log records who got it.

An error is ` + "`{\"error\": …}`" + ` with the members of RFC 9457 and stile's own. The server's log has the cause under ` + "`ref`" + `.

The header ETag has the version of a thing that has one. A change with If-Match is made only if the version is still the current one. The ETag of a response to GET has a part after a dot, which says whether the response is the same: If-Match ignores it. A change with ` + "`Prefer: dry-run`" + ` is not made: the response says what it would do. A POST with an Idempotency-Key may be repeated for 24 hours: the response is that to the first request, and nothing is done twice.

Fields and parameters that are not listed are errors. No value may be null.`

// writer writes the parts of a document.
type writer struct {
	schemas  *schemas
	examples map[string]json.RawMessage // of the bodies of responses, by operation
}

// pathOf returns a path as OpenAPI writes it. In a path there, a slash in a value is escaped.
func pathOf(e endpoint.Endpoint) string { return strings.ReplaceAll(e.Route.Path, "...}", "}") }

func tagOf(e endpoint.Endpoint) string {
	return strings.Split(e.Route.Path, "/")[1]
}

// idOf returns the name of an operation as an identifier: tenantRotateSecret.
func idOf(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '-' })
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

func (w *writer) operation(e endpoint.Endpoint) object {
	text := fmt.Sprintf("Needs the role %s. The command is `stile %s`.", e.Role, e.Name)
	if what, changes := e.Operation.Changes(); changes {
		text += " The audit log says: " + what + "."
	}
	op := object{
		"operationId": idOf(e.Name), "tags": []string{tagOf(e)}, "summary": strings.ToUpper(e.Summary[:1]) + e.Summary[1:],
		"description": text, "responses": w.responses(e),
	}
	if params := w.parameters(e); len(params) > 0 {
		op["parameters"] = params
	}
	if body := w.requestBody(e); body != nil {
		op["requestBody"] = body
	}
	return op
}

func (w *writer) parameters(e endpoint.Endpoint) (params []object) {
	given := exampleOf(e)
	for _, f := range e.Path {
		params = append(params, w.parameter(e, "path", f, given))
	}
	for _, f := range e.Query {
		params = append(params, w.parameter(e, "query", f, given))
	}
	header := func(name, description string, schema object, example string) {
		params = append(params, object{"in": "header", "name": name, "description": description, "schema": schema, "example": example})
	}
	text := object{"type": "string"}
	switch {
	case e.Stream == operations.ItemsIn:
		params = append(params, object{"in": "query", "name": "format", "description": "Format of the items, instead of that of Content-Type.",
			"schema": object{"type": "string", "enum": []string{"jsonl", "csv", "markdown", "feed"}}})
	case e.IsPage() && !e.HasOwnFormat():
		params = append(params, object{"in": "query", "name": "format", "description": "Format of the response, instead of that of Accept. A file has all rows: leave out after and limit.",
			"schema": object{"type": "string", "enum": []string{endpoint.JSON, endpoint.CSV, endpoint.NDJSON}}})
	}
	if e.Changes() && e.HasPreview() {
		header("Prefer", "With dry-run, the response says what the change would do, and nothing is changed.", text, "dry-run")
	}
	if e.Changes() && e.IsVersioned() {
		header("If-Match", "Versions, of which what is changed must have one. * means any.", object{"type": "string", "pattern": `^(\*|"[!#-~]*"(, *"[!#-~]*")*)$`}, "*")
	}
	if !e.Changes() && e.IsVersioned() {
		header("If-None-Match", "The ETag of an earlier response. If the response would be the same, the status is 304.", text, `"c3RpbGUgdmVyc2lvbg.cmVzcG9uc2U"`)
	}
	if repeatable(e) {
		header("Idempotency-Key", "A key that the client chooses, such as a UUID. A repetition with the same key gets the same response.",
			object{"type": "string", "pattern": `^[ -~]{1,255}$`}, "8e03978e-40d5-43e8-bc93-6894a57f9324")
	}
	for _, p := range params { // a real request must not depend on another one's version or key
		if p["in"] == "header" {
			delete(p, "example")
		}
	}
	return params
}

func repeatable(e endpoint.Endpoint) bool {
	return e.Route.Method == http.MethodPost && e.Stream != operations.BytesOut
}

// parameter describes a field in the path or the query.
func (w *writer) parameter(e endpoint.Endpoint, in string, f endpoint.Field, given map[string]json.RawMessage) object {
	p := object{"in": in, "name": f.Name}
	if f.Required {
		p["required"] = true
	}
	if text := w.schemas.describe(f); text != "" {
		p["description"] = text
	}
	schema := w.schemas.input(f.Type)
	switch f.Name {
	case "limit":
		most, usual := e.Limits()
		schema = object{"type": "integer", "minimum": 1, "maximum": most, "default": usual}
		p["description"] = "Maximum number of rows."
	case "after":
		p["description"] = "The next of the page before."
	}
	if in == "path" && schema["type"] == "string" {
		schema = maps.Clone(schema)
		schema["minLength"] = 1
	}
	if kind := endpoint.KindOf(f.Type); kind == endpoint.Object || kind == endpoint.Map {
		p["content"] = object{endpoint.Types[endpoint.JSON]: object{"schema": schema}}
	} else {
		p["schema"] = schema
	}
	if value, ok := given[f.Name]; ok {
		p["example"] = value
		if content, ok := p["content"].(object); ok {
			content[endpoint.Types[endpoint.JSON]].(object)["example"] = value
			delete(p, "example")
		}
	}
	return p
}

// exampleOf returns the fields of the example of an operation's input.
func exampleOf(e endpoint.Endpoint) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(e.Example), &fields); err != nil {
		return nil // the example of an operation is an object: a test checks that
	}
	return fields
}

// Body returns the example of a request's body, nil if it has none.
func Body(e endpoint.Endpoint) json.RawMessage {
	if !e.HasBody() || len(e.Body) == 0 {
		return nil
	}
	given, body := exampleOf(e), map[string]json.RawMessage{}
	for _, f := range e.Body {
		if value, ok := given[f.Name]; ok {
			body[f.Name] = value
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil
	}
	return text
}

func (w *writer) requestBody(e endpoint.Endpoint) object {
	if e.Stream == operations.ItemsIn {
		content := object{}
		for kind := range endpoint.ItemTypes {
			content[kind] = object{"schema": object{"type": "string"}}
		}
		content["application/x-ndjson"] = object{"schema": object{"type": "string"}, "example": ItemsExample}
		return object{"description": "The items, at most 4 GiB.", "required": true, "content": content}
	}
	if !e.HasBody() || len(e.Body) == 0 {
		return nil
	}
	var required bool
	for _, f := range e.Body {
		required = required || f.Required
	}
	return object{"required": required, "content": object{endpoint.Types[endpoint.JSON]: object{
		"schema": w.schemas.object(e.Body, false), "example": Body(e)}}}
}

// ItemsExample is the example of items to import.
const ItemsExample = `{"id":"iceland","title":"Iceland","collection":"countries","tags":["island"],"attributes":{"capital":"Reykjavík"}}
{"id":"bread","title":"Bread","collection":"recipes","body":"<p>Mix and bake.</p>"}
`

func (w *writer) responses(e endpoint.Endpoint) object {
	all := object{}
	status := strconv.Itoa(e.Route.Status)
	all[status] = w.success(e)
	if e.Changes() && e.HasPreview() && e.Route.Status != http.StatusOK {
		all["200"] = object{"description": "What the change would do (Prefer: dry-run).", "headers": refs("ETag", "Preference-Applied"),
			"content": object{endpoint.Types[endpoint.JSON]: object{"schema": data(w.schemas.ref(previewType))}}}
	}
	if !e.Changes() && e.IsVersioned() {
		all["304"] = object{"description": "The response is the one whose ETag is in If-None-Match.", "headers": refs("ETag")}
	}
	for _, i := range problem.All {
		if may(e, i.Code) {
			all[strconv.Itoa(i.Status)] = object{"$ref": "#/components/responses/" + strconv.Itoa(i.Status)}
		}
	}
	return all
}

// may reports whether a request to an endpoint may have an error.
func may(e endpoint.Endpoint, c problem.Code) bool {
	switch c {
	case problem.MethodNotAllowed:
		return false
	case problem.NotAcceptable:
		return e.Stream == operations.NoStream
	case problem.Unconfirmed, problem.InProgress: // a read may only be a conflict
		return e.Changes()
	case problem.Stale:
		return e.Changes() && e.IsVersioned()
	case problem.TooLarge, problem.UnsupportedType:
		return e.HasBody() || e.Stream == operations.ItemsIn
	case problem.KeyReused:
		return repeatable(e)
	}
	return true
}

// success describes the response to a success.
func (w *writer) success(e endpoint.Endpoint) object {
	res := object{"description": "Success."}
	if e.Stream == operations.BytesOut {
		content := object{}
		for format := range e.Route.Types {
			kind, _ := e.BytesType(format)
			media := object{"schema": fileSchema(kind)}
			if example, ok := w.examples[e.Name]; ok && kind == endpoint.Types[endpoint.JSON] {
				media["example"] = example
			}
			content[kind] = media
		}
		if len(content) == 0 {
			kind, _ := e.BytesType("")
			content[kind] = object{"schema": fileSchema(kind)}
		}
		res["content"] = content
		res["headers"] = refs("Content-Disposition")
		return res
	}
	schema := w.result(e)
	if e.Changes() && e.HasPreview() && e.Route.Status == http.StatusOK {
		schema = object{"anyOf": []object{schema, data(w.schemas.ref(previewType))}}
	}
	media := object{"schema": schema}
	if example, ok := w.examples[e.Name]; ok {
		media["example"] = example
	}
	content := object{endpoint.Types[endpoint.JSON]: media}
	if e.IsPage() {
		res["description"] = "Success. A file, as CSV or NDJSON, has all rows that the filters select. It is in the audit log."
		content[endpoint.Types[endpoint.CSV]] = object{"schema": object{"type": "string", "description": "A line with the names of the fields, and one for each row (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe."}}
		content[endpoint.Types[endpoint.NDJSON]] = object{"schema": object{"type": "string", "description": "A JSON object on each line, for each row."}}
	}
	res["content"] = content
	var names []string
	if e.IsVersioned() {
		names = append(names, "ETag")
	}
	if e.Changes() && e.HasPreview() && e.Route.Status == http.StatusOK {
		names = append(names, "Preference-Applied")
	}
	if repeatable(e) {
		names = append(names, "Idempotency-Replayed")
	}
	if len(names) > 0 {
		res["headers"] = refs(names...)
	}
	return res
}

// fileSchema describes a file. One of JSON is an object.
func fileSchema(kind string) object {
	if kind == endpoint.Types[endpoint.JSON] {
		return object{"type": "object"}
	}
	return object{"type": "string"}
}

// result describes the body of a success.
func (w *writer) result(e endpoint.Endpoint) object {
	if e.List == nil {
		return data(w.schemas.output(e.Output))
	}
	list := data(object{"type": "array", "items": w.schemas.ref(e.List.Row)})
	properties := list["properties"].(object)
	properties["next"] = object{"type": []string{"string", "null"}, "description": "The value of the parameter after for the next page; null: there is none."}
	list["required"] = []string{"data", "next"}
	if len(e.List.Others) > 0 {
		properties["meta"] = w.schemas.object(e.List.Others, true)
		list["required"] = []string{"data", "next", "meta"}
	}
	return list
}

func data(schema object) object {
	return object{"type": "object", "required": []string{"data"}, "properties": object{"data": schema}}
}

// headers are those of responses.
var headers = object{
	"ETag":                 object{"description": "The version, for If-Match.", "schema": object{"type": "string"}},
	"Content-Disposition":  object{"description": "The name of the file.", "schema": object{"type": "string"}},
	"Preference-Applied":   object{"description": "dry-run: nothing was changed.", "schema": object{"type": "string"}},
	"Idempotency-Replayed": object{"description": "true: the request is a repetition, and this is the response to the first one.", "schema": object{"type": "string"}},
	"Retry-After":          object{"description": "Seconds.", "schema": object{"type": "integer"}},
	"WWW-Authenticate":     object{"description": "The scheme of the credential.", "schema": object{"type": "string"}},
}

func refs(names ...string) object {
	all := object{}
	for _, name := range names {
		all[name] = object{"$ref": "#/components/headers/" + name}
	}
	return all
}

// errorResponses describes the errors, by their status. Several codes may have the same one.
func errorResponses() object {
	all := object{}
	for _, i := range problem.All {
		status := strconv.Itoa(i.Status)
		res, known := all[status].(object)
		if !known {
			example := problem.New(i.Code, i.Help).Problem
			example.Ref = "7QK2-M4TD"
			res = object{"description": "", "content": object{endpoint.Types[endpoint.JSON]: object{
				"schema":  object{"type": "object", "required": []string{"error"}, "properties": object{"error": object{"$ref": "#/components/schemas/Problem"}}},
				"example": object{"error": example}}}}
			all[status] = res
		}
		res["description"] = strings.TrimSpace(res["description"].(string) + " `" + string(i.Code) + "`: " + i.Help)
		switch i.Status {
		case http.StatusUnauthorized:
			res["headers"] = refs("WWW-Authenticate")
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			res["headers"] = refs("Retry-After")
		}
	}
	return all
}
