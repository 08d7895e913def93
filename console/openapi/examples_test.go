package openapi_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"stile.example/stile/console/apitest"
	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/openapi"
	"stile.example/stile/operations"
	"stile.example/stile/refusals"
	"stile.example/stile/tokens"
)

var update = flag.Bool("update", false, "write the files of descriptions and examples again")

// examples sends examples to a server, in the order of the table.
type examples struct {
	*apitest.Site
	clock atomic.Int64 // Unix nanoseconds; the directory's goroutines read it too
	// named has the names of things in the examples that a server chooses itself, such as ids, and
	// those that the server chose. A number is for one example only.
	named map[string]string
}

// prepared has what must exist before the example of an operation is sent. Examples are sent in the
// order of the table, to one server.
var prepared = map[string]func(*examples) error{
	"content list": func(s *examples) error {
		s.Must(200, "operator POST /content/import", openapi.ItemsExample, "Content-Type: application/x-ndjson")
		s.Must(200, "operator POST /content/import", `{"id":"cake","title":"Cake","collection":"recipes"}`, "Content-Type: application/x-ndjson")
		return nil
	},
	"content remove": func(s *examples) error {
		s.Must(200, "operator POST /content/import", `{"id":"greenland","title":"Greenland"}`, "Content-Type: application/x-ndjson")
		return nil
	},
	"content import": func(s *examples) error { // the example before it removed the tenant
		s.Must(201, "operator POST /tenants", `{"client_id":"acme","name":"Acme Ltd","prices":[{"since":"2026-11-01","micros":2000}]}`)
		return nil
	},
	"content undo": func(s *examples) error {
		r := s.Must(200, "viewer GET /content/collections", "")
		var body struct{ Data struct{ Generation int } }
		err := json.Unmarshal([]byte(r.Text), &body)
		s.named["12"] = strconv.Itoa(body.Data.Generation)
		return err
	},
	"tenant refusals": func(s *examples) error { // those from before are not kept any more
		s.named["7QK2-M4TD"] = "9QK2-M4TD"
		s.Dir.Refusals.Note(refusals.Refusal{Ref: "9QK2-M4TD", At: s.now().Add(-time.Minute), Tenant: "acme", Code: "challenge_required",
			Rule: "policy.spike.calls", Limit: 60, Seen: 61, Identity: "token C5-sbF16Tw4LnyxsXXpPDg", Address: "203.0.113.9"}, true)
		s.Dir.Refusals.Flush(s.Context(), s.now())
		return nil
	},
	"tenant link remove": func(s *examples) error { return s.name("mfrggzdf", "/tenants/acme/links", "id") },
	"address list": func(s *examples) error {
		s.Must(200, "operator PUT /addresses/blocked/192.0.2.0/24", `{"for":"7d","reason":"scraper"}`)
		for ref, code := range map[string]string{"7QK2-M4TD": "challenge_required", "4MXP-9K2A": "token_hijacked"} {
			s.Dir.Refusals.Note(refusals.Refusal{Ref: ref, At: noon.Add(-time.Minute), Tenant: "acme", Code: code, Rule: "policy.spike.calls",
				Limit: 60, Seen: 61, Identity: "token C5-sbF16Tw4LnyxsXXpPDg", Address: "203.0.113.9"}, true)
		}
		s.Dir.Refusals.Flush(s.Context(), noon)
		return nil
	},
	"token issue": func(s *examples) error {
		id := tokens.NewID(s.Dir.Signer.Issuer, "C5-sbF16Tw4LnyxsXXpPDg")
		number, _ := s.Dir.TenantNumber("acme")
		tenant, _ := s.Dir.Tenants.Find("acme")
		_, err := s.Dir.Gate.Apply(s.Context(), id, s.Dir.PolicyOf(tenant).Tokens(), &tokens.Call{At: noon, Tenant: number, IssuedAt: noon, Expires: noon.Add(24 * time.Hour),
			From: netip.MustParseAddr("203.0.113.9"), Route: tokens.Items, Records: 20})
		return err
	},
	"usage": func(s *examples) error {
		number, _ := s.Dir.TenantNumber("acme")
		return s.Dir.Store.DB.Write(s.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(s.Context(), `INSERT INTO ledger (tenant, day, route, token, calls, records) VALUES (?, ?, ?, ?, 5, 50)`,
				number, noon.Unix()/86400-1, tokens.Items, make([]byte, len(tokens.ID{})))
			return err
		})
	},
	"statement export": func(s *examples) error { // the month is closed now
		s.clock.Store(noon.AddDate(0, 0, 7).UnixNano())
		s.Must(200, "operator POST /statements/close", "")
		return nil
	},
	// else alice is the last owner
	"admin remove":       posting("/admins", `{"name":"bob","role":"owner"}`),
	"admin password":     posting("/admins", `{"name":"alice","role":"operator"}`),
	"admin token remove": func(s *examples) error { return s.name("3", "/admin-tokens?name=alice", "id") },
	"webhook show":       func(s *examples) error { return s.name("whk_4kz2m7q1v8xa", "/webhooks", "id") },
	"webhook rotate-secret": func(s *examples) error { // the example before it removed the webhook
		s.Must(201, "owner POST /webhooks", `{"url":"https://ops.example/stile","events":["import.failed"]}`)
		return s.name("whk_4kz2m7q1v8xa", "/webhooks", "id")
	},
	"webhook replay": func(s *examples) error { return s.name("4711", "/deliveries", "id") },
}

// posting returns the preparation that adds a thing.
func posting(path, body string) func(*examples) error {
	return func(s *examples) error {
		s.Must(201, "owner POST "+path, body)
		return nil
	}
}

// name notes what the server chose as the name of a thing, by a field of the first row of a list.
func (s *examples) name(example, list, field string) error {
	r := s.Must(200, "owner GET "+list, "")
	var body struct{ Data []map[string]any }
	d := json.NewDecoder(strings.NewReader(r.Text))
	d.UseNumber()
	if err := d.Decode(&body); err != nil || len(body.Data) == 0 {
		return fmt.Errorf("%s has no rows: %w: %s", list, err, r.Text)
	}
	s.named[example] = fmt.Sprint(body.Data[0][field])
	return nil
}

// written has the examples of responses that need what a test does not have, such as an external
// issuer. The response to the example of the request is one of the documented errors.
var written = map[string]string{
	"key reencrypt":  `{"data":{"values":1,"key":"53b1f2a0c4d7e8961a2b3c4d5e6f7081"}}`, // nodes only
	"nodes":          `{"data":[{"number":7,"name":"n1","kind":"server","state":"live","version":"v1.0.0","address":"10.0.0.7:8080","started_at":"2026-11-27T10:00:00Z","seen_at":"2026-11-27T12:00:00Z","generation":12,"settings_differ":[],"same_name":false,"tasks":[{"name":"upkeep","since":"2026-11-27T11:00:00Z"}],"is_this":true}],"next":null}`,
	"issuer list":    issuersExample,
	"issuer refresh": issuersExample,
	// the example is of another format; the note of a real one is long
	"statement export": `{"key":"stile.example+c74f20a3+Adlp5…","note":"stile statement 1\ntenant acme\nmonth 2026-11\n…","statement":{"tenant":"acme","month":"2026-11","number":1,"calls":5,"records":50,"amount":"0.010000"},"lines":[{"token":"c339f54bf6099f37d8f0b69998b9df7e","day":"2026-11-26","route":"items","calls":5,"records":50,"hash":"5c1f9a07"}]}`,
	// a rule must have blocked the address
	"address keep": `{"data":{"range":"198.51.100.7/32","kind":"block","until":null,"reason":"scrapes the corpus","origin":"person"}}`,
	// these need a session, and a passkey
	"admin password":       `{"data":{"name":"alice","role":"operator","passkeys":0,"tokens":1,"sessions":1,"created_at":"2026-11-27T12:00:00Z"}}`,
	"admin session revoke": `{"data":{"removed":"session 7 of alice"}}`,
	"admin passkey remove": `{"data":{"removed":"passkey 1 of alice"}}`,
}

const issuersExample = `{"data":[{"issuer":"https://id.example/realms/demo","keys_url":"https://id.example/realms/demo/protocol/openid-connect/certs","keys":["FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE"],"fetched_at":"2026-11-27T12:00:00Z","error":""}],"next":null}`

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// TestExamples sends every documented example to a server, and checks that it is answered as
// documented: with the status of a success, and with a body that the schema allows. The examples of
// responses in the document are these responses.
func TestExamples(t *testing.T) {
	s := &examples{named: map[string]string{}}
	s.clock.Store(noon.UnixNano())
	s.Site = apitest.NewAt(t, s.now)
	schemas := compile(t)
	got := map[string]json.RawMessage{}
	for _, e := range endpoint.All() {
		if prepare := prepared[e.Name]; prepare != nil {
			if err := prepare(s); err != nil {
				t.Fatalf("%s: %v", e.Name, err)
			}
		}
		r := s.send(t, e)
		example, isWritten := written[e.Name]
		switch {
		case isWritten:
			checkSchema(t, schemas, e, e.Route.Status, []byte(example))
			got[e.Name] = json.RawMessage(example)
			if r.Status != e.Route.Status && r.Status/100 != 4 {
				t.Errorf("%s: %d %s", e.Name, r.Status, r.Text)
			}
		case r.Status != e.Route.Status:
			t.Errorf("%s: the example is answered with %d %s; the documented status is %d. Add what it needs to prepared", e.Name, r.Status, r.Text, e.Route.Status)
			continue
		case strings.HasPrefix(r.Head.Get("Content-Type"), "application/json"):
			got[e.Name] = short(stable(s.named, r.Text))
		}
		if strings.HasPrefix(r.Head.Get("Content-Type"), "application/json") {
			checkSchema(t, schemas, e, r.Status, []byte(r.Text))
		}
	}
	compare(t, "examples.json", got)
}

func (s *examples) now() time.Time { return time.Unix(0, s.clock.Load()).UTC() }

// send sends the example of an operation. Before, it asks what a change would do, and makes it with
// a version that is not the current one. It sends a POST twice, with the same Idempotency-Key.
func (s *examples) send(t *testing.T, e endpoint.Endpoint) apitest.Reply {
	t.Helper()
	body, kind := string(openapi.Body(e)), "application/json"
	if e.Stream == operations.ItemsIn {
		body, kind = openapi.ItemsExample, "application/x-ndjson"
	}
	if body == "" {
		kind = "-"
	}
	var names []string
	for name, chosen := range s.named {
		names = append(names, name, chosen)
	}
	real := strings.NewReplacer(names...)
	maps.DeleteFunc(s.named, func(name, _ string) bool { return len(name) < 8 })
	line, body := real.Replace(fmt.Sprintf("owner %s %s", e.Route.Method, openapi.URL(e))), real.Replace(body)
	do := func(header string) apitest.Reply {
		return s.Do(line, body, "Content-Type: "+kind, header)
	}
	var dry apitest.Reply
	if e.Changes() {
		before := s.stored(t)
		if dry = do("Prefer: dry-run"); !e.HasPreview() && dry.Status != 400 {
			t.Errorf("%s has no dry run: %d %s", e.Name, dry.Status, dry.Text)
		}
		if stale := do(`If-Match: "stale"`); stale.Status != map[bool]int{true: 412, false: 400}[e.IsVersioned()] {
			t.Errorf("%s of a version that is not the current one: %d %s", e.Name, stale.Status, stale.Text)
		}
		if after := s.stored(t); after != before {
			t.Errorf("%s: a dry run, or one of an old version, has changed something:\n%s\n%s", e.Name, before, after)
		}
	}
	r := do("Idempotency-Key: example of " + e.Name)
	if e.HasPreview() {
		succeeded := r.Status == e.Route.Status
		if succeeded != (dry.Status == 200) || !succeeded && dry.Status != r.Status || succeeded && dry.Head.Get("Preference-Applied") != "dry-run" {
			t.Errorf("%s: the dry run has %d %s\nthe change has %d %s", e.Name, dry.Status, dry.Text, r.Status, r.Text)
		}
	}
	if e.Route.Method == http.MethodPost && e.Stream != operations.BytesOut {
		before := s.stored(t)
		again := do("Idempotency-Key: example of " + e.Name)
		if again.Status != r.Status || again.Text != r.Text && r.Status < 400 || r.Status < 400 && again.Head.Get("Idempotency-Replayed") != "true" || s.stored(t) != before {
			t.Errorf("%s: %d %s\nwith the same key: %d %s", e.Name, r.Status, r.Text, again.Status, again.Text)
		}
	}
	return r
}

// stored returns what is stored of all that changes are about.
func (s *examples) stored(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{"tenants", "address_list", "admins", "admin_tokens", "admin_sessions", "admin_passkeys", "webhooks", "deliveries",
		"events", "links", "statements", "closed_months", "corpus", "audit", "identity", "tokens", "journal"} {
		rows, err := s.Dir.Store.DB.Reader().QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		row := make([]any, len(columns))
		for rows.Next() {
			for i := range row {
				row[i] = new(sql.RawBytes)
			}
			if err := rows.Scan(row...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(&all, table)
			for _, value := range row {
				fmt.Fprintf(&all, " %q", *value.(*sql.RawBytes))
			}
			all.WriteByte('\n')
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range s.Dir.Keys.List() {
		fmt.Fprintln(&all, k.KID)
	}
	return all.String()
}

// changing finds what differs from run to run.
var changing = regexp.MustCompile(`(stile_(?:adm_)?)[A-Za-z0-9_-]{43}|(eyJ)[A-Za-z0-9_.-]+|("(?:kid|hash|head)":")[A-Za-z0-9_-]+`)

func stable(named map[string]string, text string) string {
	for name, chosen := range named {
		text = strings.ReplaceAll(text, chosen, name)
	}
	text = changing.ReplaceAllString(strings.TrimSpace(text), "$1$2$3…")
	return strings.NewReplacer("stile_…", "stile_kq3b…", "eyJ…", "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9…", `"kid":"…`, `"kid":"q83vEjRWeJA`,
		`"hash":"…`, `"hash":"9f86d081884c7d659a2feaa0c55ad015`, `"head":"…`, `"head":"9f86d081884c7d659a2feaa0c55ad015`).Replace(text)
}

// short returns a response with at most two rows.
func short(text string) json.RawMessage {
	var body struct {
		Data json.RawMessage `json:"data"`
		Next json.RawMessage `json:"next,omitempty"`
		Meta json.RawMessage `json:"meta,omitempty"`
	}
	var rows []json.RawMessage
	if json.Unmarshal([]byte(text), &body) != nil || json.Unmarshal(body.Data, &rows) != nil || len(rows) <= 2 {
		return json.RawMessage(text)
	}
	body.Data, _ = json.Marshal(rows[:2])
	out, _ := json.Marshal(body)
	return out
}

// compare compares what a file must have with what it has. With -update, it writes the file.
func compare[V any](t *testing.T, file string, want map[string]V) {
	t.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(want); err != nil {
		t.Fatal(err)
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	has, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(has, text.Bytes()) {
		return
	}
	var old map[string]json.RawMessage
	if err := json.Unmarshal(has, &old); err != nil {
		t.Fatal(err)
	}
	differ := len(old) != len(want)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, _ := json.Marshal(want[name])
		if shapeOf(value) != shapeOf(old[name]) {
			differ = true
			t.Logf("%s: %s\nin the file: %s", name, value, old[name])
		}
	}
	if !differ {
		return
	}
	t.Errorf("%s is out of date: run go test ./console/openapi -update, and look at the difference", file)
}

// shapeOf returns what a JSON value has in every run: the names of its fields, and whether they are
// objects, arrays or others. A text alone is its own shape.
func shapeOf(raw []byte) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "nothing"
	}
	if text, ok := v.(string); ok {
		return text
	}
	var of func(any) string
	of = func(v any) string {
		switch v := v.(type) {
		case map[string]any:
			var fields []string
			for _, name := range slices.Sorted(maps.Keys(v)) {
				fields = append(fields, name+" "+of(v[name]))
			}
			return "{" + strings.Join(fields, ", ") + "}"
		case []any:
			if len(v) == 0 {
				return "[]"
			}
			return "[" + of(v[0]) + "]"
		}
		return ""
	}
	return of(v)
}

// compile returns the compiler of the document's schemas.
func compile(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	text, err := openapi.Document("test")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// checkSchema checks that the document has a response, and that its schema allows a body.
func checkSchema(t *testing.T, c *jsonschema.Compiler, e endpoint.Endpoint, status int, body []byte) {
	t.Helper()
	at := fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%d/content/application~1json/schema",
		strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "...}", "%7D", "}", "%7D").Replace(e.Route.Path), strings.ToLower(e.Route.Method), status)
	if status >= http.StatusBadRequest {
		at = fmt.Sprintf("openapi.json#/components/responses/%d/content/application~1json/schema", status)
	}
	schema, err := c.Compile(at)
	if err != nil {
		t.Errorf("%s: %v", e.Name, err)
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s: the documented schema does not allow the response %s: %v", e.Name, body, err)
	}
}
