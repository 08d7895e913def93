// Package endpoint derives from an operation what its requests and responses look like in the admin
// API: which fields of the input are in the path, the query and the body, and whether the result is
// a list. The API reads requests by it, and the OpenAPI document describes it, so they agree.
package endpoint

import (
	"cmp"
	"encoding"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"stile.example/stile/operations"
)

// Limits of a page of a list.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Endpoint is an operation in the admin API.
type Endpoint struct {
	operations.Operation
	Path  []Field // in the path, in its order
	Query []Field // in the query
	Body  []Field // of the JSON object in the body; see HasBody
	List  *List   // nil: the result is one thing
}

// Field is a field of an input or of a row.
type Field struct {
	Name     string // in JSON
	Type     reflect.Type
	Required bool
	Owner    reflect.Type // the struct that declares the field, and its name there
	GoName   string
}

// List says what the rows of a result are.
type List struct {
	Row reflect.Type
	// Rows and Next are the names of the fields with the rows, and with the After of the next page.
	// They are "" if the result is a slice: then the API pages.
	Rows, Next string
	Others     []Field // of the result, such as a count
}

// Of returns the endpoint of an operation.
func Of(o operations.Operation) Endpoint {
	e := Endpoint{Operation: o, List: listOf(o.Output)}
	named := namesIn(o.Route.Path)
	rest := FieldsOf(o.Input)
	for _, name := range named {
		if i := slices.IndexFunc(rest, func(f Field) bool { return f.Name == name }); i >= 0 {
			f := rest[i]
			f.Required = true
			e.Path, rest = append(e.Path, f), slices.Delete(rest, i, i+1)
		}
	}
	if e.HasBody() {
		e.Body = rest
	} else {
		e.Query = rest
	}
	switch {
	case e.List != nil && e.Route.Method == http.MethodGet:
		e.pageable()
	case e.List != nil && e.List.Next != "":
		e.List = nil // a change has no pages: its next is something else
	}
	return e
}

// All returns the endpoints of all operations.
func All() []Endpoint {
	var all []Endpoint
	for _, o := range operations.All() {
		all = append(all, Of(o))
	}
	return all
}

// Limits returns the maximum and the default of the parameter limit.
func (e Endpoint) Limits() (most, usual int) {
	return cmp.Or(e.Route.MaxLimit, MaxLimit), cmp.Or(e.Route.DefaultLimit, DefaultLimit)
}

// HasBody reports whether a request has a JSON object as its body.
func (e Endpoint) HasBody() bool {
	return e.Stream != operations.ItemsIn && e.Route.Method != http.MethodGet && e.Route.Method != http.MethodDelete
}

// IsPage reports whether the result is a list through which a request pages.
func (e Endpoint) IsPage() bool { return e.List != nil && e.Route.Method == http.MethodGet }

// Changes reports whether the operation changes something.
func (e Endpoint) Changes() bool {
	_, changes := e.Operation.Changes()
	return changes
}

// pageable gives the query of a list the parameters of paging, if the operation itself has none.
// Every limit has a default.
func (e *Endpoint) pageable() {
	for _, add := range []Field{{Name: "after", Type: reflect.TypeFor[string]()}, {Name: "limit", Type: reflect.TypeFor[int]()}} {
		i := slices.IndexFunc(e.Query, func(f Field) bool { return f.Name == add.Name })
		if i < 0 && e.List.Next == "" {
			e.Query = append(e.Query, add)
		} else if i >= 0 {
			e.Query[i].Required = false
		}
	}
}

// namesIn returns the names in a path such as /tenants/{client_id}.
func namesIn(path string) (names []string) {
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := NameIn(part); ok {
			names = append(names, name)
		}
	}
	return names
}

// NameIn returns the name in a part of a path, and reports whether the part has one.
func NameIn(part string) (name string, ok bool) {
	if !strings.HasPrefix(part, "{") {
		return "", false
	}
	return strings.TrimSuffix(strings.Trim(part, "{}"), "..."), true
}

// IsRest reports whether a part of a path is the rest of it, with all its slashes.
func IsRest(part string) bool { return strings.HasSuffix(part, "...}") }

// listOf returns nil if a result is not a list.
func listOf(t reflect.Type) *List {
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
		return &List{Row: t.Elem()}
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var l List
	for _, f := range FieldsOf(t) {
		switch {
		case f.Name == "next":
			l.Next = f.Name
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct && l.Rows == "":
			l.Row, l.Rows = f.Type.Elem(), f.Name
		default:
			l.Others = append(l.Others, f)
		}
	}
	if l.Rows == "" || l.Next == "" {
		return nil
	}
	return &l
}

// FieldsOf returns the fields of a struct as JSON has them: those of embedded structs are its own.
func FieldsOf(t reflect.Type) (fields []Field) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue
		}
		owner := t
		for _, i := range f.Index[:len(f.Index)-1] {
			if owner = owner.Field(i).Type; owner.Kind() == reflect.Pointer {
				owner = owner.Elem()
			}
		}
		fields = append(fields, Field{Name: name, Type: f.Type, Required: !strings.Contains(options, "omit"), Owner: owner, GoName: f.Name})
	}
	return fields
}

// Kind is how a value is written in JSON.
type Kind string

// The kinds.
const (
	Text    Kind = "string"
	Integer Kind = "integer"
	Number  Kind = "number"
	Bool    Kind = "boolean"
	Array   Kind = "array"
	Map     Kind = "map"
	Object  Kind = "object"
	Any     Kind = "any"
)

var (
	rawType  = reflect.TypeFor[json.RawMessage]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
	jsonType = reflect.TypeFor[json.Marshaler]()
	timeType = reflect.TypeFor[time.Time]()
)

// KindOf returns how values of a type are written. It follows a pointer.
func KindOf(t reflect.Type) Kind {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == rawType:
		return Any
	case t == timeType || t.Implements(textType):
		return Text
	case t.Implements(jsonType):
		return Any
	}
	switch t.Kind() {
	case reflect.String:
		return Text
	case reflect.Bool:
		return Bool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Integer
	case reflect.Float32, reflect.Float64:
		return Number
	case reflect.Slice, reflect.Array:
		return Array
	case reflect.Map:
		return Map
	case reflect.Struct:
		return Object
	}
	return Any
}

// IsTime reports whether a type is a time.
func IsTime(t reflect.Type) bool {
	return t == timeType || t.Kind() == reflect.Pointer && t.Elem() == timeType
}
