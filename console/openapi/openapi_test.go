package openapi_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/openapi"
	"stile.example/stile/console/problem"
	"stile.example/stile/operations"
)

// TestDocument checks that the document has every operation, with all that a reader needs.
func TestDocument(t *testing.T) {
	text, err := openapi.Document("test")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID, Summary, Description string
			Parameters                        []struct {
				Name, In, Description string
				Schema, Example       any
			}
			RequestBody struct {
				Content map[string]struct{ Example any }
			}
			Responses map[string]struct {
				Content map[string]struct{ Example any }
			}
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for place, methods := range doc.Paths {
		for method, op := range methods {
			n++
			if op.OperationID == "" || op.Summary == "" || !strings.HasPrefix(op.Description, "Needs the role ") {
				t.Errorf("%s %s: %+v", method, place, op)
			}
			for _, p := range op.Parameters {
				if p.In == "path" && p.Example == nil {
					t.Errorf("%s %s: the parameter %s has no example", method, place, p.Name)
				}
			}
			for kind, body := range op.RequestBody.Content {
				if kind == "application/json" && !strings.HasSuffix(place, "/import") && body.Example == nil {
					t.Errorf("%s %s: the body has no example", method, place)
				}
			}
			example := false
			for status, r := range op.Responses {
				if media, isJSON := r.Content["application/json"]; status < "300" && (!isJSON || media.Example != nil) {
					example = true
				}
			}
			if !example {
				t.Errorf("%s %s: no response has an example; run go test ./console/openapi -update", method, place)
			}
			for _, status := range []string{"400", "401", "403", "404", "429", "500", "503"} {
				if _, has := op.Responses[status]; !has {
					t.Errorf("%s %s: has no response %s", method, place, status)
				}
			}
		}
	}
	if n != len(operations.All()) {
		t.Errorf("%d operations, want %d", n, len(operations.All()))
	}
}

// TestPage checks that the page for people has every operation and every error, and that it is
// small.
func TestPage(t *testing.T) {
	page, err := openapi.Page("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range endpoint.All() {
		if !strings.Contains(string(page), e.Route.Method+" "+strings.ReplaceAll(e.Route.Path, "...}", "}")+"</code>") {
			t.Errorf("the page does not have %s", e.Name)
		}
	}
	for _, i := range problem.All {
		if !strings.Contains(string(page), `<tr id="`+string(i.Code)+`">`) {
			t.Errorf("the page does not have %s", i.Code)
		}
	}
	for _, forbidden := range []string{"<script", "style=", "onclick"} {
		if strings.Contains(string(page), forbidden) {
			t.Errorf("the page has %s", forbidden)
		}
	}
}

// TestDescriptions checks that the file of descriptions has the comments of the fields of all
// inputs and results.
func TestDescriptions(t *testing.T) {
	got, seen := map[string]string{}, map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(typ.Elem())
		case reflect.Struct:
			if seen[typ] || !strings.HasPrefix(typ.PkgPath(), "stile.example/") {
				return
			}
			seen[typ] = true
			for _, f := range endpoint.FieldsOf(typ) {
				if text := commentOf(t, f); text != "" {
					got[openapi.DescriptionKey(f)] = text
				}
				walk(f.Type)
			}
		}
	}
	for _, o := range operations.All() {
		walk(o.Input)
		walk(o.Output)
	}
	walk(reflect.TypeFor[operations.Preview]())
	walk(reflect.TypeFor[problem.Problem]())
	if len(got) < 50 {
		t.Errorf("only %d fields have a comment", len(got))
	}
	compare(t, "descriptions.json", got)
}

var (
	links   = regexp.MustCompile(`\[[A-Za-z.]+\]`)
	capital = regexp.MustCompile(`([a-z])([A-Z])`)
)

// structs has the fields of the structs of each package that was read.
var structs = map[string]map[string]map[string]string{}

// commentOf returns the comment of a field, as a sentence on one line.
func commentOf(t *testing.T, f endpoint.Field) string {
	t.Helper()
	pkg := f.Owner.PkgPath()
	if structs[pkg] == nil {
		structs[pkg] = readStructs(t, "../../"+strings.TrimPrefix(pkg, "stile.example/stile/"))
	}
	text := strings.Join(strings.Fields(structs[pkg][f.Owner.Name()][f.GoName]), " ")
	text = strings.TrimPrefix(text, f.GoName+" ")
	for _, verb := range []string{"is ", "are ", "says that "} {
		text = strings.TrimPrefix(text, verb)
	}
	// a reader does not know Go's names
	text = links.ReplaceAllStringFunc(text, func(link string) string {
		name := link[strings.LastIndexAny(link, ".[")+1 : len(link)-1]
		return strings.ToLower(capital.ReplaceAllString(name, "${1}_$2"))
	})
	if text == "" {
		return ""
	}
	if first, _, _ := strings.Cut(text, " "); !strings.Contains(first, "_") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return strings.TrimSuffix(text, ".") + "."
}

func readStructs(t *testing.T, dir string) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	set := token.NewFileSet()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		p, err := parser.ParseFile(set, file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(p, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if typ, ok := spec.Type.(*ast.StructType); ok {
				all[spec.Name.Name] = map[string]string{}
				for _, f := range typ.Fields.List {
					for _, name := range f.Names {
						all[spec.Name.Name][name.Name] = f.Doc.Text() + " " + f.Comment.Text()
					}
				}
			}
			return true
		})
	}
	if len(all) == 0 {
		t.Fatalf("%s has no structs", path.Base(dir))
	}
	return all
}
