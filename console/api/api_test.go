package api_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/console/api"
	"stile.example/stile/console/apitest"
	"stile.example/stile/console/caller"
	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/openapi"
	"stile.example/stile/evidence"
	"stile.example/stile/operations"
)

// TestRequests checks requests and their complete outcome.
func TestRequests(t *testing.T) {
	s := apitest.New(t)
	for _, c := range []struct {
		line, body string
		status     int
		has        string
		headers    []string
	}{
		{"operator POST /tenants", `{"client_id":"acme","name":"Acme"}`, 201, `{"data":{"client_id":"acme","client_secret":"stile_`, nil},
		{"operator POST /tenants", `{"client_id":"acme"}`, 409, `"code":"conflict"`, nil},
		{"viewer GET /tenants", "", 200, `{"data":[{"client_id":"acme",`, nil},
		{"viewer GET /tenants/acme", "", 200, `{"data":{"client_id":"acme",`, nil},
		{"viewer HEAD /tenants/acme", "", 200, "", nil},
		{"viewer GET /tenants/nobody", "", 404, `"detail":"there is no tenant nobody`, nil},
		{"operator PATCH /tenants/acme", `{"calls_per_month":100}`, 200, `"calls_per_month":100`, nil},
		{"operator PATCH /tenants/acme", `{"client_id":"other"}`, 400, `field \"client_id\": unknown; the fields are name, sites,`, nil},
		{"operator PATCH /tenants/acme", `{"Calls_Per_Month":1}`, 400, `unknown`, nil},
		{"operator PATCH /tenants/acme", `{"name":null}`, 400, `field name: must not be null; leave it out`, nil},
		{"operator PATCH /tenants/acme", `{"name":"a","name":"b"}`, 400, `field name: must be given once`, nil},
		{"operator PATCH /tenants/acme", `{"prices":[{"since":"2026-01-01","micros":"1"}]}`, 400, `field micros: must be an integer from`, nil},
		{"operator PATCH /tenants/acme", `{"sites":["https://a.example",1]}`, 400, `field sites[1]: must be a string`, nil},
		{"operator PATCH /tenants/acme", `[]`, 400, `must be a JSON object`, nil},
		{"operator PATCH /tenants/acme", `{"name":"` + "\xff" + `"}`, 400, `UTF-8`, nil},
		{"operator PATCH /tenants/acme", `{`, 400, `is not JSON`, nil},
		{"operator PATCH /tenants/acme", `{}`, 415, `"code":"unsupported_type"`, []string{"Content-Type: text/plain"}},
		{"operator PATCH /tenants/acme", `{}`, 200, `"data"`, []string{"Content-Type: application/json; charset=utf-8"}},
		{"operator PATCH /tenants/acme", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, 413, `"code":"too_large"`, nil},
		{"operator PATCH /tenants", `{}`, 405, `"code":"method_not_allowed"`, nil},
		{"viewer GET /tenants?q=ACM&status=active", "", 200, `{"data":[{"client_id":"acme",`, nil},
		{"viewer GET /tenants?q=zz", "", 200, `{"data":[],"next":null}`, nil},
		{"viewer GET /tenants?status=suspended&format=ndjson", "", 200, ``, nil},
		{"viewer GET /tenants?status=x", "", 400, `status \"x\": must be active or suspended`, nil},
		{"operator POST /tenants/acme/secret", `{"overlap":"-1h"}`, 400, `overlap: must be from 0 to 366d`, nil},
		{"operator POST /tenants/acme/secret", `{"overlap":"100000h"}`, 400, `overlap: must be from 0 to 366d`, nil},
		{"viewer GET /tenants?limit=0", "", 400, `parameter limit: must be from 1 to 1000`, nil},
		{"viewer GET /tenants?limit=x", "", 400, `parameter limit: must be from 1 to 1000`, nil},
		{"viewer GET /refusals?limit=1e9", "", 400, `parameter limit: must be from 1 to 1000`, nil},
		{"viewer GET /content/search?limit=51", "", 400, `parameter limit: must be from 1 to 50`, nil},
		{"viewer GET /audit?after=x", "", 400, `parameter after: must be the next of an earlier page`, nil},
		{"viewer GET /audit?after=-5", "", 400, `parameter after: must be the next of an earlier page`, nil},
		{"viewer GET /deliveries?after=-5", "", 400, `parameter after: must be the next of an earlier page`, nil},
		{"viewer GET /deliveries?event=x", "", 400, `event \"x\": unknown`, nil},
		{"viewer GET /usage?after=acme", "", 400, `parameter after: must be the next of an earlier page`, nil},
		{"viewer GET /tenants?after=%25zz", "", 400, `parameter after: must be the next of an earlier page`, nil},
		{"viewer GET /statements?after=2026-11", "", 400, `after \"2026-11\": must be the next of an earlier page`, nil},
		{"viewer GET /refusals?after=x", "", 400, `must be the next of an earlier page`, nil},
		{"viewer GET /usage?from=2026-11-31", "", 400, `from \"2026-11-31\": must be a day`, nil},
		{"viewer GET /tenants?limit=1&limit=2", "", 400, `must be given once`, nil},
		{"viewer GET /tenants?clientid=a", "", 400, `parameter \"clientid\": unknown; the parameters are q, status, after, limit, format`, nil},
		{"viewer GET /tenants?%zz", "", 400, `escaped`, nil},
		{"viewer GET /tenants", "{}", 400, `must not have a body`, nil},
		{"viewer GET /tenants/acme", "", 406, `available as application/json`, []string{"Accept: text/html"}},
		{"viewer GET /tenants/acme", "", 200, `data`, []string{"Accept: text/html;q=0.9, */*;q=0.1"}},
		{"viewer GET /nothing", "", 404, `"code":"not_found"`, nil},
		{"viewer GET /tenants/", "", 404, `"code":"not_found"`, nil},
		{"viewer GET /tenants/a%2Fb", "", 404, `there is no tenant a/b`, nil},
		{"operator PUT /addresses/blocked/198.51.100.0%2F24", `{"for":"24h"}`, 200, `"range":"198.51.100.0/24","kind":"block"`, nil},
		{"operator PUT /addresses/allowed/203.0.113.0/24", `{"bindings":5000}`, 200, `"range":"203.0.113.0/24","kind":"allow"`, nil},
		{"operator PUT /addresses/allowed/10.0.0.0/8", `{}`, 409, `"code":"unconfirmed"`, nil},
		{"operator PUT /addresses/allowed/10.0.0.0/8", `{"yes":true}`, 200, `"kind":"allow"`, nil},
		{"operator PUT /addresses/blocked/1.2.3.4", `{"for":"soon"}`, 400, `field for: must be a duration`, nil},
		{"operator DELETE /addresses/203.0.113.0/24", "", 200, `{"data":{"removed":"203.0.113.0/24"}}`, nil},
		{"operator DELETE /addresses/203.0.113.0/24", "", 404, `"code":"not_found"`, nil},
		{"viewer GET /usage?from=x", "", 400, `"code":"bad_request"`, nil},
		{"viewer GET /audit?limit=2", "", 200, `"next":"`, nil},
		{"viewer GET /audit/verify", "", 200, `"entries":`, nil},
		{"operator POST /keys", `{"alg":"ES256"}`, 403, `key rotate needs the role owner, and a-operator has operator.`, nil},
		{"owner POST /keys", `{"alg":"ES256"}`, 201, `"alg":"ES256"`, nil},
		{"owner POST /keys", ``, 201, `"alg":"EdDSA"`, nil},
		{"operator POST /tenants", ``, 400, `field client_id: missing`, nil},
		{"operator POST /content/import", `{"id":"a","title":"A","collection":"c"}`, 200, `"added":1`, []string{"Content-Type: application/x-ndjson"}},
		{"operator POST /content/import?format=csv", "id,title\nb,B\n", 200, `"added":1`, nil},
		{"operator POST /content/import", "id,title\n,B\n", 400, `"lines":[{"line":2,"problem":"`, []string{"Content-Type: text/csv"}},
		{"operator POST /content/import", "\x8b#\x15", 400, `"code":"bad_request"`, []string{"Content-Type: application/octet-stream"}},
		{"operator POST /content/import", "x", 415, `"code":"unsupported_type"`, []string{"Content-Type: image/png"}},
		{"operator POST /content/import?tenant=nobody", `{"id":"a","title":"A"}`, 404, `"code":"not_found"`, nil},
		{`operator POST /content/import?options={"searchable":["x"]}`, `{"id":"a","title":"A","collection":"c"}`, 200, `"unchanged":1`, nil},
		{`operator POST /content/import?options={"x":1}`, ``, 400, `parameter options: field \"x\": unknown`, nil},
		{"viewer GET /content?limit=1", "", 200, `{"data":[{"id":"a","collection":"c","title":"A"}],"next":"a","meta":{"more":1}}`, nil},
		{"viewer GET /content?after=a", "", 200, `"next":null`, nil},
		{"viewer GET /content/export", "", 200, `"id":"a"`, nil},
		{"operator POST /content/remove", `{"ids":["a","zz"]}`, 404, `nothing was removed`, nil},
		{"operator POST /content/remove", `{"collection":"c"}`, 409, `"unconfirmed":{"items":1,"of":1}`, nil},
		{"operator POST /content/remove", `{"collection":"c","confirmed":1}`, 200, `{"data":{"removed":1}}`, nil},
		{"operator POST /backup", "", 403, `needs the role owner`, nil},
		{"owner POST /backup", "", 200, "stile.db", nil},
	} {
		r := s.Do(c.line, c.body, c.headers...)
		if r.Status != c.status || !strings.Contains(r.Text, c.has) {
			t.Errorf("%s %.60s: %d %.300s\nwant %d %s", c.line, c.body, r.Status, r.Text, c.status, c.has)
		}
		if r.Status >= 400 && r.Code() == "" {
			t.Errorf("%s: %s", c.line, r.Text)
		}
	}
	if r := s.Do("viewer POST /audit", ""); r.Head.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow: %s", r.Head.Get("Allow"))
	}
	if log := s.Log.String(); !strings.Contains(log, `"code":"forbidden"`) || !strings.Contains(log, `"admin":"a-operator"`) {
		t.Errorf("the log has no refusal:\n%s", log)
	}
}

// TestCallers checks who may do what: without a valid token nothing, with a session only reading,
// and a viewer no change.
func TestCallers(t *testing.T) {
	s := apitest.New(t)
	for _, e := range endpoint.All() {
		path := strings.NewReplacer("{client_id}", "acme", "{range...}", "10.0.0.1", "{", "", "...}", "", "}", "").Replace(e.Route.Path)
		r := s.Do("nobody "+e.Route.Method+" "+path, "")
		if r.Status != 401 || r.Code() != "token_missing" || !strings.HasPrefix(r.Head.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s without a token: %d %s", e.Name, r.Status, r.Text)
		}
		for _, role := range []operations.Role{operations.Viewer, operations.Operator} {
			r := s.Do(string(role)+" "+e.Route.Method+" "+path, "")
			if strings.HasPrefix(e.Name, "admin ") && e.Role == operations.Viewer {
				// about one's own account, or an owner's
				continue
			}
			if forbidden := !role.Includes(e.Role); forbidden != (r.Status == 403) || forbidden && r.Code() != "forbidden" {
				t.Errorf("%s by %s: %d %s", e.Name, role, r.Status, r.Text)
			}
		}
		if role := operations.Viewer; e.Changes() && role.Includes(e.Role) && !strings.HasPrefix(e.Name, "admin ") {
			t.Errorf("a viewer may change something: %s", e.Name)
		}
	}
	for header, want := range map[string]string{"Bearer stile_adm_unknown": "token_invalid", "Bearer x": "token_invalid", "Basic eDp5": "token_missing", "Bearer": "token_invalid"} {
		if r := s.Do("nobody GET /tenants", "", "Authorization: "+header); r.Status != 401 || r.Code() != want {
			t.Errorf("%s: %d %s", header, r.Status, r.Text)
		}
	}
	for method, status := range map[string]int{"GET": 200, "HEAD": 200, "POST": 401} {
		r := httptest.NewRequest(method, api.Prefix+"/tenants", nil)
		w := httptest.NewRecorder()
		s.API.ServeHTTP(w, r.WithContext(caller.With(r.Context(), caller.Caller{Actor: operations.Actor{Name: "ada", Role: operations.Owner}})))
		if w.Code != status {
			t.Errorf("%s by a session: %d %s", method, w.Code, w.Body)
		}
	}
}

// TestGuesses checks that every wrong token gets the contract's 401, that none locks out the valid
// tokens of the same address, and that only the first of them are in the log.
func TestGuesses(t *testing.T) {
	s := apitest.New(t)
	for range 50 {
		s.Must(401, "wrong GET /tenants", "")
	}
	s.Must(200, "viewer GET /tenants", "")
	if lines := strings.Count(s.Log.String(), "token_invalid"); lines != 10 {
		t.Errorf("%d lines about 50 wrong tokens, want 10: %s", lines, s.Log)
	}
}

// TestPaging checks that pages have all rows once, also when rows are removed between them.
func TestPaging(t *testing.T) {
	s := apitest.New(t)
	for i := range 25 {
		s.Must(201, "operator POST /tenants", fmt.Sprintf(`{"client_id":"t%02d"}`, i))
		s.Must(200, "operator PUT /addresses/blocked/"+fmt.Sprintf("192.0.2.%d", i), "")
	}
	for _, list := range []string{"/tenants", "/addresses", "/audit"} {
		var rows []string
		for after, pages := "", 0; ; pages++ {
			r := s.Must(200, "viewer GET "+list+"?limit=7"+after, "").JSON(t)
			for _, row := range r["data"].([]any) {
				text, _ := json.Marshal(row)
				rows = append(rows, string(text))
			}
			next, more := r["next"].(string)
			if !more || pages > 100 {
				break
			}
			if after = "&after=" + next; list == "/tenants" && pages == 1 {
				s.Must(200, "operator DELETE /tenants/"+next, "") // the cursor's own row
			}
		}
		want := map[string]int{"/tenants": 25, "/addresses": 25, "/audit": 51}[list]
		seen := map[string]bool{}
		for _, row := range rows {
			seen[row] = true
		}
		if len(rows) != want || len(seen) != want {
			t.Errorf("%s: %d rows, %d different, want %d", list, len(rows), len(seen), want)
		}
	}
}

// TestEveryListPages checks that every list has cursors: a field that the operation pages by, or
// keys that its rows have.
func TestEveryListPages(t *testing.T) {
	lists := 0
	for _, e := range endpoint.All() {
		if !e.IsPage() {
			continue
		}
		lists++
		has := func(fields []endpoint.Field, name string) bool {
			return slices.ContainsFunc(fields, func(f endpoint.Field) bool { return f.Name == name })
		}
		if !has(e.Query, "after") || !has(e.Query, "limit") {
			t.Errorf("%s: has no after or limit", e.Name)
		}
		if e.List.Next == "" && len(e.Route.Keys) == 0 {
			t.Errorf("%s: has neither a cursor nor keys", e.Name)
		}
		for _, key := range e.Route.Keys {
			if !has(endpoint.FieldsOf(e.List.Row), strings.TrimPrefix(key, "-")) {
				t.Errorf("%s: its rows have no %s", e.Name, key)
			}
		}
	}
	if lists < 15 {
		t.Errorf("only %d lists", lists)
	}
}

// TestSmallLists checks that lists that an operation returns whole are paged too: numbers in their
// order, and times downwards where the list has the newest first.
func TestSmallLists(t *testing.T) {
	s := apitest.New(t)
	s.Must(201, "owner POST /admins", `{"name":"ada"}`)
	for i := range 11 { // the account has one already
		s.Must(201, "owner POST /admins/ada/tokens", fmt.Sprintf(`{"name":"t%d"}`, i))
	}
	var ids []int64
	for _, row := range allPages(t, s, "owner GET /admin-tokens?limit=2") {
		ids = append(ids, int64(row["id"].(float64)))
	}
	if len(ids) != 12 || !slices.IsSorted(ids) {
		t.Errorf("ids %v", ids)
	}
	s.Must(201, "operator POST /tenants", `{"client_id":"acme"}`)
	number, _ := s.Dir.TenantNumber("acme")
	codes := []string{"token_hijacked", "token_expired", "token_revoked", "token_invalid", "token_exhausted"}
	for i, code := range codes {
		s.Dir.Evidence.Note(number, evidence.Observation{At: time.Now().Add(-time.Duration(i) * time.Minute), Kind: evidence.Refused, Key: code + " ", Ref: fmt.Sprintf("7QK2-M4T%d", i)})
	}
	if err := s.Dir.Evidence.Flush(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range allPages(t, s, "operator GET /tenants/acme/refusals?limit=2") {
		listed = append(listed, row["code"].(string))
	}
	if !slices.Equal(listed, codes) {
		t.Errorf("codes %v", listed)
	}
}

// allPages returns the rows of all pages of a list.
func allPages(t *testing.T, s *apitest.Site, line string) (rows []map[string]any) {
	t.Helper()
	for after, pages := "", 0; pages < 100; pages++ {
		r := s.Must(200, line+after, "").JSON(t)
		for _, row := range r["data"].([]any) {
			rows = append(rows, row.(map[string]any))
		}
		next, more := r["next"].(string)
		if !more {
			break
		}
		after = "&after=" + url.QueryEscape(next)
	}
	return rows
}

// TestExports checks that a file has all rows, that the audit log has who got it, and that no cell
// is a formula (S42).
func TestExports(t *testing.T) {
	s := apitest.New(t)
	for i := range 1200 {
		if _, err := operations.AddTenant(t.Context(), s.Dir, operations.TenantChange{ClientID: fmt.Sprintf("t%04d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"=cmd|' /C calc'!A0", "+1", "-1", "@x", "＝1", "a \\\"b\\\", c"} {
		s.Must(200, fmt.Sprintf("operator PATCH /tenants/t%04d", i), `{"name":"`+name+`","calls_per_month":5}`)
	}
	r := s.Must(200, "viewer GET /tenants", "", "Accept: text/csv")
	lines := strings.Split(strings.TrimSpace(r.Text), "\n")
	if len(lines) != 1201 || !strings.HasPrefix(lines[0], "client_id,name,sites,status,calls_per_month,policy,") || r.Head.Get("Content-Disposition") != `attachment; filename="tenant-list.csv"` {
		t.Errorf("%d lines, %s, %v", len(lines), lines[0], r.Head)
	}
	for i, want := range []string{`t0000,'=cmd|' /C calc'!A0,[],active,5,`, `t0001,'+1,`, `t0002,'-1,`, `t0003,'@x,`, `t0004,'＝1,`, `t0005,"a ""b"", c",`} {
		if !strings.HasPrefix(lines[1+i], want) {
			t.Errorf("%s, want %s", lines[1+i], want)
		}
	}
	if r := s.Must(200, "viewer GET /tenants?format=ndjson", ""); strings.Count(r.Text, "\n") != 1200 || r.Head.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%d lines, %v", strings.Count(r.Text, "\n"), r.Head)
	}
	s.Must(200, "viewer GET /usage?format=csv", "")
	s.Must(200, "viewer GET /audit?operation=tenant&format=csv", "")
	s.Must(200, "viewer GET /content/export", "")
	s.Must(400, "viewer GET /tenants?format=csv&limit=5", "")
	s.Must(400, "viewer GET /tenants?format=pdf", "")
	s.Must(404, "viewer GET /usage?tenant=nobody&format=csv", "")
	breakOff(t, s)
	audit := s.Must(200, "viewer GET /audit?actor=a-viewer", "").Text
	for _, has := range []string{`"operation":"tenant list","subject":"export","after":{"format":"csv","filter":{}}`, `"operation":"audit list","subject":"export","after":{"format":"csv","filter":{"operation":"tenant"}}`, `"operation":"content export"`} {
		if !strings.Contains(audit, has) {
			t.Errorf("the audit log has no %s:\n%s", has, audit)
		}
	}
	if n := strings.Count(audit, `"seq"`); n != 6 || strings.Count(audit, `"format":"ndjson"`) != 2 {
		t.Errorf("%d entries", n)
	}
}

// TestUsageByMonth checks that an export of the usage of many months, which is read month by month,
// has the rows that the operation has for the whole period, and that tiers count on within a month.
func TestUsageByMonth(t *testing.T) {
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	s := apitest.NewAt(t, func() time.Time { return noon })
	var numbers []uint32
	for _, name := range []string{"acme", "beta"} {
		s.Must(201, "operator POST /tenants", `{"client_id":"`+name+`","prices":[{"since":"2020-01-01","micros":1000,"tiers":[{"unit":"calls","from":8,"micros":1}]}]}`)
		number, _ := s.Dir.TenantNumber(name)
		numbers = append(numbers, number)
	}
	err := s.Dir.Store.DB.Write(t.Context(), func(tx *sql.Tx) error {
		for i := range 120 {
			for n, number := range numbers[:1+i/100] { // beta has used something at the end only
				_, err := tx.ExecContext(t.Context(), `INSERT INTO ledger (tenant, day, route, token, calls, records) VALUES (?, ?, ?, ?, 5, 50)`,
					number, noon.Unix()/86400-int64(120-i), i%3, append(make([]byte, 14), byte(n), byte(i)))
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	from := noon.AddDate(0, 0, -97).Format(time.DateOnly)
	for query, count := range map[string]int{"": 140, "&from=" + from: 117, "&to=" + from: 24, "&from=" + from + "&to=" + from: 1, "&tenant=beta": 20, "&tenant=acme&from=" + from: 97} {
		var want struct{ Data []json.RawMessage }
		if err := json.Unmarshal([]byte(s.Must(200, "viewer GET /usage?limit=1000"+query, "").Text), &want); err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(s.Must(200, "viewer GET /usage?format=ndjson"+query, "").Text), "\n")
		all := make([]string, len(want.Data))
		for i, row := range want.Data {
			all[i] = string(row)
		}
		slices.Sort(all)
		if slices.Sort(got); len(got) != count || !slices.Equal(got, all) {
			t.Errorf("%q: %d rows exported, %d listed, want %d", query, len(got), len(all), count)
		}
	}
}

// TestFiles checks the types and names of files, that a refused export is not in the audit log, and
// that one that was sent is, with its format.
func TestFiles(t *testing.T) {
	var clock atomic.Int64
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	clock.Store(noon.UnixNano())
	s := apitest.NewAt(t, func() time.Time { return time.Unix(0, clock.Load()) })
	s.Must(201, "operator POST /tenants", `{"client_id":"acme"}`)
	number, _ := s.Dir.TenantNumber("acme")
	if err := s.Dir.Store.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO ledger (tenant, day, route, token, calls, records) VALUES (?, ?, 0, ?, 5, 50)`, number, noon.Unix()/86400-1, make([]byte, 16))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	const export = "viewer GET /statements/acme/2026-11/export"
	s.Must(409, export, "")
	clock.Store(noon.AddDate(0, 0, 7).UnixNano())
	s.Must(200, "operator POST /statements/close", "")
	s.Must(400, export+"?format=pdf", "")
	for query, want := range map[string]string{"": "json application/json", "?format=json": "json application/json", "?format=html": "html text/html; charset=utf-8",
		"?format=csv": "csv text/csv; charset=utf-8", "?format=ndjson": "ndjson application/x-ndjson"} {
		ending, kind, _ := strings.Cut(want, " ")
		r := s.Must(200, export+query, "")
		if r.Head.Get("Content-Type") != kind || r.Head.Get("Content-Disposition") != `attachment; filename="stile-statement-export.`+ending+`"` {
			t.Errorf("%s: %v", query, r.Head)
		}
	}
	audit := s.Must(200, "viewer GET /audit?operation=statement", "").Text
	if strings.Count(audit, `"subject":"export"`) != 5 || strings.Count(audit, `"format":"html"`) != 2 {
		t.Errorf("the audit log has %s", audit)
	}
}

// breakOff begins an export, and reads only its first bytes.
func breakOff(t *testing.T, s *apitest.Site) {
	t.Helper()
	req, err := http.NewRequest("GET", s.URL+api.Prefix+"/tenants?format=ndjson", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+api.TokenPrefix+"viewer")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
}

// TestVersions checks ETag, If-Match and If-None-Match.
func TestVersions(t *testing.T) {
	s := apitest.New(t)
	first := s.Must(201, "operator POST /tenants", `{"client_id":"acme"}`).Head.Get("ETag")
	read := s.Must(200, "viewer GET /tenants/acme", "").Head.Get("ETag")
	if version, rest, _ := strings.Cut(strings.Trim(read, `"`), "."); first != `"`+version+`"` || rest == "" {
		t.Errorf("ETag %q, then %q", first, read)
	}
	if r := s.Must(304, "viewer GET /tenants/acme", "", "If-None-Match: W/"+read); r.Text != "" || r.Head.Get("ETag") != read || r.Head.Get("Content-Type") != "" {
		t.Errorf("%s %v", r.Text, r.Head)
	}
	s.Must(304, "viewer GET /tenants/acme", "", `If-None-Match: "other", `+read)
	s.Must(200, "viewer GET /tenants/acme", "", "If-None-Match: "+first)
	// an item of the tenant's own changes what is read, and not what can be changed
	s.Must(200, "operator POST /content/import?tenant=acme", `{"id":"a","title":"A"}`, "Content-Type: application/x-ndjson")
	s.Must(200, "viewer GET /tenants/acme", "", "If-None-Match: "+read)
	first = read
	second := s.Must(200, "operator PATCH /tenants/acme", `{"name":"A"}`, "If-Match: "+first).Head.Get("ETag")
	s.Must(200, "viewer GET /tenants/acme", "", "If-None-Match: "+first)
	if r := s.Must(412, "operator PATCH /tenants/acme", `{"name":"B"}`, "If-Match: "+first); r.Code() != "stale" {
		t.Error(r.Text)
	}
	s.Must(412, "operator DELETE /tenants/acme", "", "If-Match: W/"+second)
	s.Must(400, "operator PUT /addresses/blocked/192.0.2.0/24", "", "If-None-Match: *")
	s.Must(412, "operator PATCH /tenants/nobody", "{}", "If-Match: *")
	s.Must(400, "operator PATCH /tenants/acme", "{}", "If-Match: x")
	s.Must(400, "operator POST /tokens", `{"tenant":"acme","scope":"content"}`, "If-Match: *")
	if dry := s.Must(200, "operator PATCH /tenants/acme", `{"name":"B"}`, "Prefer: respond-async, dry-run", "If-Match: "+second); dry.Head.Get("ETag") != second ||
		dry.Head.Get("Preference-Applied") != "dry-run" || !strings.Contains(dry.Text, `{"data":{"before":{"client_id":"acme","name":"A"`) || !strings.Contains(dry.Text, `"after":{"client_id":"acme","name":"B"`) {
		t.Errorf("%s %v", dry.Text, dry.Head)
	}
	s.Must(412, "operator PATCH /tenants/acme", `{"name":"B"}`, "Prefer: dry-run", "If-Match: "+first)
	s.Must(200, "operator POST /tokens", `{"tenant":"acme","scope":"content"}`, "Prefer: dry-run")
	s.Must(400, "owner POST /backup", "", "Prefer: dry-run")
	if r := s.Must(200, "viewer GET /tenants/acme", ""); !strings.Contains(r.Text, `"name":"A"`) {
		t.Errorf("a dry run changed something: %s", r.Text)
	}
	blocked := s.Must(200, "operator PUT /addresses/blocked/192.0.2.0/24", "").Head.Get("ETag")
	s.Must(200, "operator PUT /addresses/allowed/192.0.2.0/24", "", "If-Match: "+blocked)
	s.Must(412, "operator DELETE /addresses/192.0.2.0/24", "", "If-Match: "+blocked)
}

// TestRepeats checks requests with an Idempotency-Key.
func TestRepeats(t *testing.T) {
	s := apitest.New(t)
	s.Must(201, "operator POST /tenants", `{"client_id":"acme"}`)
	first := s.Must(201, "operator POST /tenants/acme/secret", "", `Idempotency-Key: "k1"`)
	again := s.Must(201, "operator POST /tenants/acme/secret", "", `Idempotency-Key: k1`)
	if again.Text != first.Text || again.Head.Get("ETag") != first.Head.Get("ETag") || again.Head.Get("Idempotency-Replayed") != "true" || first.Head.Get("Idempotency-Replayed") != "" {
		t.Errorf("%v %s\n%v %s", first.Head, first.Text, again.Head, again.Text)
	}
	if r := s.Must(422, "operator POST /tenants/acme/secret", `{"overlap":"1h"}`, `Idempotency-Key: k1`); r.Code() != "key_reused" {
		t.Error(r.Text)
	}
	if r := s.Must(201, "owner POST /tenants/acme/secret", "", `Idempotency-Key: k1`); r.Text == first.Text {
		t.Error("another admin gets the secret")
	}
	refused := s.Must(409, "operator POST /tenants", `{"client_id":"acme"}`, `Idempotency-Key: k2`)
	if again := s.Must(409, "operator POST /tenants", `{"client_id":"acme"}`, `Idempotency-Key: k2`); again.Text != refused.Text {
		t.Errorf("%s\n%s", refused.Text, again.Text)
	}
	for _, key := range []string{"", "é", strings.Repeat("x", 256)} {
		s.Must(400, "operator POST /tenants", `{"client_id":"x"}`, "Idempotency-Key: "+key)
	}
	checkRepeatedImport(t, s)
	var all sync.WaitGroup
	var mu sync.Mutex
	statuses, secrets := map[int]int{}, map[string]bool{}
	for range 20 {
		all.Go(func() {
			r := s.Do("operator POST /tenants/acme/secret", `{"overlap":"1h"}`, `Idempotency-Key: k3`)
			mu.Lock()
			defer mu.Unlock()
			if statuses[r.Status]++; r.Status == 201 {
				secrets[r.Text] = true
			}
		})
	}
	if all.Wait(); statuses[201]+statuses[409] != 20 || len(secrets) != 1 {
		t.Errorf("statuses %v, %d secrets", statuses, len(secrets))
	}
	var key, found int
	rows, err := s.Dir.Store.DB.Reader().QueryContext(t.Context(), `SELECT CAST(response AS TEXT) FROM idempotency`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		if key++; strings.Contains(text, "stile_") || strings.Contains(text, "client_secret") {
			found++
		}
	}
	if key == 0 || found > 0 {
		t.Errorf("%d of %d stored responses can be read", found, key)
	}
}

// checkRepeatedImport checks that an import is repeated by its key, and only with the same items.
func checkRepeatedImport(t *testing.T, s *apitest.Site) {
	t.Helper()
	const kind, key = "Content-Type: application/x-ndjson", "Idempotency-Key: import"
	const items = `{"id":"a","title":"A"}`
	s.Must(400, "operator POST /content/import", items+"{", kind, key) // nothing was done: try again
	first := s.Must(200, "operator POST /content/import", items, kind, key)
	again := s.Must(200, "operator POST /content/import", items, kind, key)
	if again.Text != first.Text || !strings.Contains(first.Text, `"added":1`) || again.Head.Get("Idempotency-Replayed") != "true" || again.Head.Get("ETag") != first.Head.Get("ETag") {
		t.Errorf("%s\n%s %v", first.Text, again.Text, again.Head)
	}
	for path, body := range map[string]string{"": items + "\n", "?tenant=acme": items, "?format=csv": items} {
		if r := s.Must(422, "operator POST /content/import"+path, body, kind, key); r.Code() != "key_reused" {
			t.Error(r.Text)
		}
	}
	if n := strings.Count(s.Must(200, "viewer GET /audit?operation=content", "").Text, `"seq"`); n != 1 {
		t.Errorf("%d imports are in the audit log", n)
	}
	tag := first.Head.Get("ETag")
	s.Must(412, "operator POST /content/import", items, kind, `If-Match: "old"`)
	s.Must(200, "operator POST /content/import", `{"id":"b","title":"B"}`, kind, "If-Match: "+tag)
	s.Must(412, "operator POST /content/undo", "", "If-Match: "+tag)
	tag = s.Must(200, "viewer GET /content/collections", "").Head.Get("ETag")
	s.Must(200, "operator POST /content/undo", "", "If-Match: "+tag)
}

// TestS23Bodies checks that each endpoint refuses what is not JSON.
func TestS23Bodies(t *testing.T) {
	s := apitest.New(t)
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, e := range endpoint.All() {
		if !e.HasBody() {
			continue
		}
		path := strings.NewReplacer("{client_id}", "acme", "{range...}", "10.0.0.1").Replace(e.Route.Path)
		for _, body := range []string{deep, `{"x":` + deep + `}`, `{"a":1}{}`, `{"a":01}`, `{'a':1}`, `nul`, `null`, `"x"`, `{"a":}`, "\ufeff{}", `{"a":"` + "\x01" + `"}`, strings.Repeat(" ", 1000) + "x"} {
			if r := s.Do("owner "+e.Route.Method+" "+path, body); r.Status != 400 || r.Code() != "bad_request" {
				t.Errorf("%s %.30s: %d %s", e.Name, body, r.Status, r.Text)
			}
		}
	}
}

// TestFaults checks that a fault is reported without its text, which the log has under its ref.
func TestFaults(t *testing.T) {
	s := apitest.New(t)
	s.Must(200, "viewer GET /tenants", "")
	s.Dir.Store.DB.Close()
	r := s.Must(500, "viewer GET /audit", "")
	ref := r.JSON(t)["error"].(map[string]any)["ref"].(string)
	if strings.Contains(r.Text, "database") || !strings.Contains(s.Log.String(), `"ref":"`+ref+`"`) || !strings.Contains(s.Log.String(), "read the audit log: ") {
		t.Errorf("%s\n%s", r.Text, s.Log)
	}
}

// texts returns the rows of a result, in any order.
func texts(v any) (all []string) {
	rows, isList := v.([]any)
	if !isList {
		return []string{fmt.Sprint(v)}
	}
	for _, row := range rows {
		all = append(all, fmt.Sprint(row))
	}
	slices.Sort(all)
	return all
}

// TestSameNumbers checks that what the API returns is what the operation returns, which commands
// and pages get too.
func TestSameNumbers(t *testing.T) {
	s, compared := apitest.New(t), 0
	s.Must(201, "operator POST /tenants", `{"client_id":"acme","name":"Acme","calls_per_month":7}`)
	s.Must(201, "operator POST /tenants", `{"client_id":"other"}`)
	s.Must(200, "operator PUT /addresses/blocked/198.51.100.7", `{"reason":"x"}`)
	s.Must(200, "operator POST /content/import", openapi.ItemsExample, "Content-Type: application/x-ndjson")
	for _, e := range endpoint.All() {
		if e.Changes() || e.Stream != operations.NoStream {
			continue
		}
		result, err := e.Run(t.Context(), s.Dir, operations.Call{Actor: operations.Actor{Name: "a-owner", Role: operations.Owner}, Input: json.RawMessage(e.Example)})
		r := s.Do("owner GET "+openapi.URL(e), "")
		if (err == nil) != (r.Status == 200) {
			t.Errorf("%s: %v, and by the API %d %s", e.Name, err, r.Status, r.Text)
			continue
		}
		if err != nil {
			continue
		}
		text, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if e.List != nil && e.List.Rows != "" {
			want = want.(map[string]any)[e.List.Rows]
		}
		if got := r.JSON(t)["data"]; !slices.Equal(texts(got), texts(want)) {
			t.Errorf("%s: %v, and by the API %v", e.Name, want, got)
		}
		compared++
	}
	if compared < 8 {
		t.Errorf("only %d results were compared", compared)
	}
}
