package openapi

import (
	"encoding/json"
	"path"
	"reflect"
	"strings"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
	"stile.example/stile/statements/files"
	"stile.example/stile/tenants"
)

var previewType = reflect.TypeFor[operations.Preview]()

// enums has the values of types that have few.
var enums = map[reflect.Type][]string{
	reflect.TypeFor[tenants.Status]():  {string(tenants.Active), string(tenants.Suspended)},
	reflect.TypeFor[files.Format]():    {string(files.HTML), string(files.CSV), string(files.JSON), string(files.NDJSON)},
	reflect.TypeFor[operations.Role](): {string(operations.Viewer), string(operations.Operator), string(operations.Owner)},
}

// schemas derives JSON Schemas from types. A struct in a result gets a name.
type schemas struct {
	descriptions map[string]string // of fields: package.Type.Field
	names        map[reflect.Type]string
	named        object
}

func newSchemas() *schemas {
	s := &schemas{names: map[reflect.Type]string{}, named: object{}}
	if json.Unmarshal(descriptionsFile, &s.descriptions) != nil {
		s.descriptions = nil // a test checks the file
	}
	return s
}

// components returns the named schemas.
func (s *schemas) components() object {
	s.ref(reflect.TypeFor[problem.Problem]())
	return s.named
}

// describe returns what the source says about a field.
func (s *schemas) describe(f endpoint.Field) string {
	if f.Owner == nil {
		return ""
	}
	return s.descriptions[DescriptionKey(f)]
}

// DescriptionKey returns the key of a field in the file of descriptions.
func DescriptionKey(f endpoint.Field) string {
	return path.Base(f.Owner.PkgPath()) + "." + f.Owner.Name() + "." + f.GoName
}

// ref returns a reference to the schema of a struct in a result.
func (s *schemas) ref(t reflect.Type) object {
	if t.Kind() != reflect.Struct || t.Name() == "" {
		return s.output(t)
	}
	name, known := s.names[t]
	if !known {
		name = t.Name()
		if _, taken := s.named[name]; taken {
			pkg := path.Base(t.PkgPath())
			name = strings.ToUpper(pkg[:1]) + pkg[1:] + name
		}
		s.names[t] = name
		s.named[name] = object{} // before its fields: they may refer to it
		s.named[name] = s.object(endpoint.FieldsOf(t), true)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// object returns the schema of an object with fields. That of an input has no others.
func (s *schemas) object(fields []endpoint.Field, isOutput bool) object {
	properties, required := object{}, []string{}
	for _, f := range fields {
		var schema object
		if isOutput {
			schema = s.result(f)
		} else {
			schema = s.input(f.Type)
		}
		if text := s.describe(f); text != "" {
			schema["description"] = text
		}
		properties[f.Name] = schema
		if f.Required {
			required = append(required, f.Name)
		}
	}
	schema := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	if !isOutput {
		schema["additionalProperties"] = false
	}
	return schema
}

// result returns the schema of a field of a result. A pointer that is always there may be null.
func (s *schemas) result(f endpoint.Field) object {
	schema := s.output(f.Type)
	if f.Type.Kind() != reflect.Pointer || !f.Required {
		return schema
	}
	if kind, ok := schema["type"].(string); ok && schema["enum"] == nil {
		schema["type"] = []string{kind, "null"}
		return schema
	}
	return object{"anyOf": []object{schema, {"type": "null"}}}
}

// output returns the schema of a type in a result.
func (s *schemas) output(t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch endpoint.KindOf(t) {
	case endpoint.Object:
		return s.ref(t)
	case endpoint.Array:
		return object{"type": "array", "items": s.output(t.Elem())}
	case endpoint.Map:
		return object{"type": "object", "additionalProperties": s.output(t.Elem())}
	}
	return scalar(t)
}

// input returns the schema of a type in a request.
func (s *schemas) input(t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch endpoint.KindOf(t) {
	case endpoint.Object:
		return s.object(endpoint.FieldsOf(t), false)
	case endpoint.Array:
		return object{"type": "array", "items": s.input(t.Elem())}
	case endpoint.Map:
		return object{"type": "object", "additionalProperties": s.input(t.Elem())}
	}
	return scalar(t)
}

// scalar returns the schema of a type without parts.
func scalar(t reflect.Type) object {
	kind := endpoint.KindOf(t)
	switch kind {
	case endpoint.Any:
		return object{}
	case endpoint.Integer:
		least, most := endpoint.Bounds(t)
		schema := object{"type": "integer", "minimum": json.Number(least), "maximum": json.Number(most)}
		return schema
	case endpoint.Text:
		schema := object{"type": "string"}
		switch {
		case endpoint.IsTime(t):
			schema["format"] = "date-time"
		case t == reflect.TypeFor[operations.Duration]():
			schema["examples"] = []string{"90s", "24h", "7d"}
			schema["pattern"] = `^([0-9]{1,4}d([0-9][hms])?|([0-9]{1,4}[hms])+)$`
		case enums[t] != nil:
			schema["enum"] = enums[t]
		}
		return schema
	}
	return object{"type": string(kind)}
}
