package operations

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// TestTable checks that every operation has all that a caller needs: a name, a role, a summary, and
// an example that is a valid input with every required field.
func TestTable(t *testing.T) {
	names := map[string]bool{}
	for _, op := range All() {
		if words := strings.Fields(op.Name); len(words) < 1 || len(words) > 3 || strings.Join(words, " ") != op.Name || names[op.Name] {
			t.Errorf("name %q", op.Name)
		}
		names[op.Name] = true
		if !slices.Contains([]Role{Viewer, Operator, Owner}, op.Role) {
			t.Errorf("%s: role %q", op.Name, op.Role)
		}
		words := strings.Fields(op.Name)
		reads := slices.Contains([]string{"list", "show", "options", "export", "explain", "usage", "verify", "fsck", "deliveries", "prove", "key", "collections", "search", "proposals", "compare", "doctor", "refusals", "nodes"}, words[len(words)-1])
		// Everybody may change what is their own.
		isOwn := slices.Contains([]string{"admin password", "admin token add", "admin token remove", "admin session revoke", "admin passkey remove"}, op.Name)
		isSecret := op.Name == "admin list"
		if reads != (op.Role == Viewer) && !isOwn && !isSecret {
			t.Errorf("%s: role %s, reads only: %t", op.Name, op.Role, reads)
		}
		if text, changes := op.Changes(); changes == reads || changes && text == "" {
			t.Errorf("%s: reads only: %t, and the audit log says %q", op.Name, reads, text)
		}
		if keys := slices.Contains([]string{"key", "backup", "admin"}, words[0]); !reads && !isOwn && keys != (op.Role == Owner) {
			t.Errorf("%s: role %s, about keys or admins: %t", op.Name, op.Role, keys)
		}
		if op.Summary == "" || strings.HasSuffix(op.Summary, ".") || unicode.IsUpper([]rune(op.Summary)[0]) {
			t.Errorf("%s: summary %q", op.Name, op.Summary)
		}
		if op.Output == nil || op.run == nil {
			t.Errorf("%s: output %v", op.Name, op.Output)
		}
		if found, ok := Find(op.Name); !ok || found.Name != op.Name {
			t.Errorf("%s is not found", op.Name)
		}
		checkExample(t, op)
	}
	if _, ok := Find("fly"); ok {
		t.Error("an unknown operation is found")
	}
}

// checkExample checks that an example has the fields of the input, at least those that are required
// (a required field has no omitempty), and that encoding what it decodes to gives the example
// again.
func checkExample(t *testing.T, op Operation) {
	t.Helper()
	in := reflect.New(op.Input)
	d := json.NewDecoder(strings.NewReader(op.Example))
	d.DisallowUnknownFields()
	if err := d.Decode(in.Interface()); err != nil || d.More() {
		t.Errorf("%s: example %s: %v", op.Name, op.Example, err)
		return
	}
	text, err := json.Marshal(in.Interface())
	var got, want any
	if err != nil || json.Unmarshal(text, &got) != nil || json.Unmarshal([]byte(op.Example), &want) != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: example %s, decoded %s", op.Name, op.Example, text)
	}
}

// TestFields checks that every field of an input or output has a JSON name.
func TestFields(t *testing.T) {
	for _, op := range All() {
		for _, typ := range []reflect.Type{op.Input, op.Output} {
			if typ.Kind() == reflect.Slice {
				typ = typ.Elem()
			}
			if typ.Kind() != reflect.Struct {
				continue
			}
			for _, f := range reflect.VisibleFields(typ) {
				if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); !f.Anonymous && (name == "" || strings.ToLower(name) != name) {
					t.Errorf("%s: %v.%s has the JSON name %q", op.Name, typ, f.Name, name)
				}
			}
		}
	}
}

// TestDecode checks that an input with unknown fields or trailing data is refused.
func TestDecode(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"client_id":"acme","overlap":"7d"}`: true,
		`{"client_id":"acme"}` + "\n":         true,
		`{"client":"acme"}`:                   false,
		`{"client_id":"acme"} {}`:             false,
		`{"client_id":"acme","overlap":1}`:    false,
		`"acme"`:                              false,
		``:                                    false,
	} {
		in, err := decode[SecretRotation]([]byte(text))
		if (err == nil) != ok || ok && in.ClientID != "acme" {
			t.Errorf("%s: %+v, %v", text, in, err)
		}
	}
	in, _ := decode[SecretRotation]([]byte(`{"client_id":"acme","overlap":"7d"}`))
	if time.Duration(in.Overlap) != 7*24*time.Hour {
		t.Errorf("overlap %v", time.Duration(in.Overlap))
	}
}
