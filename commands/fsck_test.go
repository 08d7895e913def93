package commands

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/sqlite/inspect"
	"stile.example/stile/tokens"
)

// usedData makes a data directory with tenants, items, used tokens in rows and in the ledger,
// refusals, addresses and an address list.
func usedData(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t, "public_url: https://api.example\n")
	h.write("items.jsonl", threeItems)
	h.serve()
	h.must("tenant", "add", "acme", "--calls-per-month", "1000")
	h.must("tenant", "add", "globe")
	h.must("content", "import", filepath.Join(h.dir, "items.jsonl"))
	h.must("address", "block", "198.51.100.7")
	for _, client := range []string{"acme", "globe"} {
		token := strings.TrimSpace(h.must("token", "issue", client))
		for range 3 {
			h.get("/v1/items?client_id="+client, token)
		}
		h.get("/v1/items/a?client_id=globe", token+"x")
		h.must("token", "revoke", token)
		h.get("/v1/items?client_id="+client, token) // a refusal that is stored
	}
	h.end()
	return h
}

// sqlIn runs statements on the database of a data directory.
func sqlIn(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // a pragma holds for one connection
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// stateOf returns the state of the first token, and its id.
func stateOf(t *testing.T, file string) (id []byte, s tokens.State) {
	t.Helper()
	db, err := sql.Open("sqlite3", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var b []byte
	if err := db.QueryRow(`SELECT id, state FROM tokens ORDER BY id LIMIT 1`).Scan(&id, &b); err != nil {
		t.Fatal(err)
	}
	if s, err = tokens.DecodeState(b); err != nil {
		t.Fatal(err)
	}
	return id, s
}

// TestFsck makes each kind of damage in a copy of a data directory, and checks that it is found,
// and says what to do.
func TestFsck(t *testing.T) {
	h := usedData(t)
	if out := h.must("fsck"); !strings.HasSuffix(out, "\neverything agrees\n") || !strings.Contains(out, "tokens        2\n") {
		t.Fatalf("nothing is wrong:\n%s", out)
	}
	db := filepath.Join(h.dir, "data", "stile.db")
	id, state := stateOf(t, db)
	first := fmt.Sprintf("x'%x'", id)
	in := func(n uint32) string { // the state with that many calls, as a record of the journal
		s := state
		s.Used[0][tokens.Items].Calls = n
		return fmt.Sprintf("x'%x'", tokens.AppendState(slices.Clone(id), s))
	}
	checked := func(seq int64) string { // a row of the journal
		row := tokens.AppendState(slices.Clone(id), state)
		return fmt.Sprintf("INSERT INTO journal (seq, batch, checksum) VALUES (%d, x'%x', %d)", seq, row, sqlite.Checksum(seq, row, nil))
	}
	ledger := func(tenant, calls int, day any, token string) string {
		return fmt.Sprintf("INSERT INTO ledger (tenant, day, route, token, calls, records) VALUES (%d, %v, 0, %s, %d, 1)", tenant, day, token, calls)
	}
	other := "x'" + strings.Repeat("ab", len(id)) + "'"
	damaged := state
	damaged.OpenChallenge.Kind = 9
	impossible := fmt.Sprintf("x'%x'", tokens.AppendState(nil, damaged))
	for _, c := range []struct{ name, sql, check, finding string }{
		{"state", "UPDATE tokens SET state = x'63' WHERE id = " + first, "tokens", "a state can't be read"},
		{"value", "UPDATE tokens SET state = " + impossible + " WHERE id = " + first, "tokens", "a state has an impossible value"},
		{"cut", "UPDATE tokens SET state = substr(state, 1, 20) WHERE id = " + first, "tokens", "a state can't be read"},
		{"listed issue", "UPDATE tokens SET issued = issued + 1 WHERE id = " + first, "tokens", "a row's issue, death or address differs from that of its state"},
		{"listed death", "UPDATE tokens SET dead = 0", "tokens", "a row's issue, death or address differs from that of its state"},
		{"listed address", "UPDATE tokens SET address = zeroblob(16)", "tokens", "a row's issue, death or address differs from that of its state"},
		{"row", "UPDATE tokens SET tenant = 2 - tenant + 1 WHERE id = " + first, "tokens", "a row does not belong to its state"},
		{"id", "UPDATE tokens SET id = x'00' WHERE id = " + first, "tokens", "a row has an impossible id"},
		{"tenant", "UPDATE tenants SET number = 9 WHERE client_id = 'acme'", "tokens", "a token is charged to a tenant that never existed"},
		{"journal", "INSERT INTO journal (seq, batch) VALUES (1, x'0102')", "journal", "a row ends in the middle of a token"},
		{"journal state", "INSERT INTO journal (seq, batch) VALUES (1, zeroblob(64))", "journal", "a state can't be read"},
		{"journal checksum", "INSERT INTO journal (seq, batch, checksum) VALUES (1, " + in(9) + ", 1)", "journal", "a row differs from its checksum"},
		{"journal gap", checked(1) + ";" + checked(3), "journal", "a row is missing"},
		{"older", "INSERT INTO journal (seq, batch) VALUES (1, " + in(1) + ")", "tokens", "the journal has an older state than the row"},
		{"removed", fmt.Sprintf("INSERT INTO journal (seq, batch) VALUES (1, x'%x')", tokens.AppendState(slices.Clone(id), tokens.State{})), "tokens", "the journal has an older state than the row"},
		{"sum", "UPDATE token_usage SET sums = x''", "usage", "the sum of the tokens' usage is not that of their states"},
		{"sum damaged", "UPDATE token_usage SET sums = x'ff'", "usage", "the sum of the tokens' usage can't be read"},
		{"twice", ledger(int(state.Tenant), 3, state.Day, first), "tokens", "a token is in the ledger, and counted in its state once more"},
		{"ledger tenant", ledger(77, 3, 20000, other), "ledger", "a line is charged to a tenant that never existed"},
		{"ledger count", ledger(1, -3, 20000, other), "ledger", "a line counts nothing, or less than nothing"},
		{"ledger token", ledger(1, 3, 20000, "x'01'"), "ledger", "a line has an impossible token, route or day"},
		{"ledger route", strings.Replace(ledger(1, 3, 20000, other), ", 0, x", ", 9, x", 1), "ledger", "a line has an impossible token, route or day"},
		{"ledger tenants", ledger(1, 3, 20000, other) + ";" + ledger(2, 3, 20000, other), "ledger", "a token is charged to two tenants"},
		{"client", "UPDATE tenants SET sites = '[' WHERE client_id = 'acme'", "tenants", "a column of a tenant is not JSON"},
		{"status", "UPDATE tenants SET status = 'gone' WHERE client_id = 'acme'", "tenants", "a tenant has an unknown status"},
		{"scope", "UPDATE scopes SET state = x'63'", "addresses", "the state of an address can't be read"},
		{"scope address", "UPDATE scopes SET bits = 200", "addresses", "a row has an impossible address"},
		{"scope tenant", "UPDATE scopes SET tenant = tenant + 4000 WHERE tenant > 0", "addresses", "an address is counted for a tenant that never existed"},
		{"list", "UPDATE address_list SET range = 'here'", "address list", "an entry of the address list can't be read"},
		{"refusal", "UPDATE refusals SET more = -1", "refusals", "a refusal has an impossible reference, code, time or count"},
		{"ref", "UPDATE refusals SET ref = 'x' WHERE ref = (SELECT min(ref) FROM refusals)", "refusals", "a refusal has an impossible reference, code, time or count"},
		{"keys", "UPDATE identity SET value = 'x' WHERE name = 'secret_key'", "keys", "the keys belong to another database"},
		{"generation", "UPDATE corpus SET generation = 99", "corpus", "the file is missing"},
		{"audit", "UPDATE audit SET subject = 'globe' WHERE seq = 1", "audit log", "the audit log was changed"},
		{"view", "CREATE VIEW evil AS SELECT 1", "database", "somebody has added a trigger or a view, which changes what the server reads or writes"},
		{"old", "DELETE FROM migrations WHERE name LIKE '%0009%'", "database", "the database was written by an older version, so only the file was checked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			damaged := copyOf(t, h)
			sqlIn(t, filepath.Join(damaged.dir, "data", "stile.db"), strings.Split(c.sql, ";")...)
			wantFinding(t, damaged, c.check, c.finding)
		})
	}
}

// TestFsckFiles damages the files themselves.
func TestFsckFiles(t *testing.T) {
	h := usedData(t)
	overwrite := func(name string, from, n int) func(*testing.T, string) {
		return func(t *testing.T, data string) {
			files, _ := filepath.Glob(filepath.Join(data, name))
			f, err := os.OpenFile(files[0], os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte(strings.Repeat("\xa5", n)), int64(from)); err != nil {
				t.Fatal(err)
			}
		}
	}
	corpus := func(statement string) func(*testing.T, string) {
		return func(t *testing.T, data string) {
			files, _ := filepath.Glob(filepath.Join(data, "corpus-*.db"))
			sqlIn(t, files[0], statement)
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, data string) {
			if err := os.Remove(filepath.Join(data, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name           string
		damage         func(*testing.T, string)
		check, finding string
	}{
		{"header", overwrite("stile.db", 0, 100), "database", "the file is damaged, or is not a database"},
		{"page", overwrite("stile.db", 4096*2, 4096), "database", "the file is damaged, or is not a database"},
		{"database index", func(t *testing.T, data string) {
			sqlIn(t, filepath.Join(data, "stile.db"), "PRAGMA writable_schema = ON",
				"UPDATE sqlite_schema SET sql = replace(sql, 'expires', 'tenant') WHERE name = 'tokens_by_expiry'")
		}, "database", "the file is damaged"},
		{"keys", overwrite("keys.json", 0, 10), "keys", "the keys can't be read"},
		{"no keys", remove("keys.json"), "keys", "the keys can't be read"},
		{"corpus header", overwrite("corpus-1.db", 0, 100), "corpus", "the file is damaged, or is not a corpus"},
		{"corpus page", overwrite("corpus-1.db", 4096*3, 4096), "corpus", "the file is damaged"},
		{"no corpus", remove("corpus-1.db"), "corpus", "the file is missing"},
		{"format", corpus("PRAGMA user_version = 99"), "corpus", "the corpus has a format that this version can't read"},
		{"owner", corpus("UPDATE items SET owner = 9 WHERE id = 'a'"), "corpus", "items have the number of another owner"},
		{"index", corpus("UPDATE search_data SET block = x'00ff' WHERE id = (SELECT max(id) FROM search_data)"), "corpus", "the file is damaged"},
		{"undo", overwrite("corpus-1.json", 0, 4), "corpus", "the note about the last change can't be read, so it can't be undone"},
		{"undo of another", func(t *testing.T, data string) {
			if err := os.WriteFile(filepath.Join(data, "corpus-1.json"), []byte(`{"generation":1,"previous":7}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "corpus", "the corpus before the last change is missing, so it can't be undone"},
		{"no index", corpus("DELETE FROM search WHERE rowid = (SELECT max(item) FROM items)"), "corpus", "the index does not have all items"},
	} {
		t.Run(c.name, func(t *testing.T) {
			damaged := copyOf(t, h)
			c.damage(t, filepath.Join(damaged.dir, "data"))
			wantFinding(t, damaged, c.check, c.finding)
		})
	}
}

// TestFsckWhileServing checks that a running server finds the same, and that calls and imports
// meanwhile look like no damage.
func TestFsckWhileServing(t *testing.T) {
	h := usedData(t)
	h.serve()
	token := strings.TrimSpace(h.must("token", "issue", "acme"))
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				h.get("/v1/items?client_id=acme", token)
			}
		}
	}()
	for i := range 5 {
		if out := h.must("fsck"); !strings.HasSuffix(out, "\neverything agrees\n") {
			t.Errorf("nothing is wrong: %s", out)
		}
		h.write("more.jsonl", fmt.Sprintf(`{"id":"more-%d","collection":"c","title":"More"}`, i))
		h.must("content", "import", filepath.Join(h.dir, "more.jsonl"))
	}
	close(stop)
	<-stopped
	if err := os.Remove(filepath.Join(h.dir, "data", "keys.json")); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, h, "keys", "the keys can't be read")
}

// TestFsckChangesNothing checks that a check leaves a journal and an old schema as they are.
func TestFsckChangesNothing(t *testing.T) {
	h := usedData(t)
	db := filepath.Join(h.dir, "data", "stile.db")
	id, state := stateOf(t, db)
	state.Used[0][tokens.Items].Calls += 5
	sqlIn(t, db, "DELETE FROM token_usage", // as an older version leaves it
		fmt.Sprintf("INSERT INTO journal (seq, batch) VALUES (7, x'%x')", tokens.AppendState(slices.Clone(id), state)))
	before, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	h.must("fsck")
	if after, err := os.ReadFile(db); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed, %v", err)
	}
}

// copyOf returns a harness with a copy of the data.
func copyOf(t *testing.T, h *harness) *harness {
	t.Helper()
	c := newHarness(t, "public_url: https://api.example\n")
	if err := os.CopyFS(filepath.Join(c.dir, "data"), os.DirFS(filepath.Join(h.dir, "data"))); err != nil {
		t.Fatal(err)
	}
	return c
}

// wantFinding checks that a finding, and no error, is reported, in both forms. It returns the text.
func wantFinding(t *testing.T, h *harness, check, finding string) string {
	t.Helper()
	out, said, code := h.run("fsck", "--json")
	var r inspect.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != failed || !strings.Contains(said, "some data does not agree") {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, said)
	}
	i := slices.IndexFunc(r.Findings, func(f inspect.Finding) bool { return f.Check == check && f.Finding == finding })
	if i < 0 {
		t.Fatalf("%s: %s: not found in %+v", check, finding, r.Findings)
	}
	f := r.Findings[i]
	if f.Count < 1 || len(f.Examples) < 1 || len(f.Examples) > 3 || f.Fix == "" {
		t.Errorf("the finding is not complete: %+v", f)
	}
	out, _, code = h.run("fsck")
	if code != failed || !strings.Contains(out, "\n"+check+": "+finding) || !strings.Contains(out, "what to do: ") {
		t.Errorf("exit %d\n%s", code, out)
	}
	return out
}

// valuesIn returns the texts that a query selects.
func valuesIn(t *testing.T, file, query string) (all []string) {
	t.Helper()
	db, err := sql.Open("sqlite3", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	return all
}
