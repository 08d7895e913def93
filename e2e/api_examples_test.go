package e2e

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestAPIExamples sends every example of the OpenAPI document to the program, as the document says,
// with an owner's token from `stile admin add`: things are added before they are read, changed and
// removed. Each response has a documented status, content type and schema, and none is a fault. The
// tests of console/openapi check in addition, with prepared data, that each example succeeds.
func TestAPIExamples(t *testing.T) {
	s := newServer(t, "")
	owner := s.addAdmin("examples", "owner")
	document := s.schemas(owner.Token)
	succeeded, all := 0, s.apiOperations(owner.Token, "POST", "PUT", "GET", "PATCH", "DELETE")
	for _, o := range all {
		path, kind, body := o.example(t)
		status, got, text := s.api(owner.Token, o.Method, path, kind, body)
		documented, exists := o.Responses[strconv.Itoa(status)]
		if !exists || status >= http.StatusInternalServerError || status == http.StatusUnauthorized || status == http.StatusForbidden && !strings.Contains(o.Path, "/password") {
			t.Errorf("%s: the example is answered with %d, documented: %t\n%s", o, status, exists, text)
			continue
		}
		if strings.HasPrefix(got, "application/json") {
			document.check(t, o, status, text)
		}
		if got, _, _ = mime.ParseMediaType(got); documented.Ref == "" && got != "" {
			if _, exists := documented.Content[got]; !exists {
				t.Errorf("%s: the response has the type %s, which is not documented", o, got)
			}
		}
		if status < http.StatusBadRequest {
			succeeded++
		} else {
			t.Logf("%s: %d %.200s", o, status, text)
		}
	}
	t.Logf("%d examples, of which %d succeed without more preparation", len(all), succeeded)
	if len(all) < 60 || succeeded < len(all)/2 {
		t.Errorf("%d examples, %d succeed", len(all), succeeded)
	}
	if strings.Contains(s.Log(), `"level":"ERROR"`) {
		t.Errorf("the server's log has errors:\n%s", s.Log())
	}
}

// schemas has the schemas of the OpenAPI document.
type schemas struct{ *jsonschema.Compiler }

func (s *server) schemas(token string) schemas {
	s.t.Helper()
	_, _, text := s.api(token, "GET", "/openapi.json", "", "")
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	s.must(err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s.must(c.AddResource("openapi.json", document))
	return schemas{c}
}

// check checks that the documented schema of a response allows a body.
func (c schemas) check(t *testing.T, o apiOperation, status int, body []byte) {
	t.Helper()
	at := fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%d/content/application~1json/schema",
		strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(o.Path), strings.ToLower(o.Method), status)
	if status >= http.StatusBadRequest {
		at = fmt.Sprintf("openapi.json#/components/responses/%d/content/application~1json/schema", status)
	}
	schema, err := c.Compile(at)
	if err != nil {
		t.Errorf("%s: %v", o, err)
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s: the documented schema does not allow %s: %v", o, body, err)
	}
}
