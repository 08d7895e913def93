package commands

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"stile.example/stile/datadir"
)

// everyTable makes a data directory in which every table has rows.
func everyTable(t *testing.T) *harness {
	t.Helper()
	h := billed(t)
	h.serve()
	h.must("tenant", "add", "globe")
	h.must("address", "block", "198.51.100.7")
	h.must("admin", "add", "alice", "--role", "owner")
	token := adminToken.FindString(h.must("admin", "token", "add", "alice", "x"))
	h.must("tenant", "link", "add", "acme", "--name", "agency")
	h.must("webhook", "add", "https://hooks.example/stile")
	h.must("tenant", "suspend", "globe") // an event
	key := strings.TrimSpace(h.must("token", "issue", "acme"))
	h.get("/v1/items?client_id=acme", key)
	h.get("/v1/items?client_id=acme&callback=1", key+"x")
	h.must("token", "revoke", key)
	h.get("/v1/items?client_id=acme", key)
	if status, body := h.send("POST", h.admin+"/api/v1/tenants/globe/resume", "", "Authorization", "Bearer "+token, "Idempotency-Key", `"once"`); status != 200 {
		t.Fatalf("POST: %d %s", status, body)
	}
	h.end()
	d, err := datadir.Open(t.Context(), mustLoad(t, h), h.at, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Store.Sweep(t.Context(), h.at()), d.Close()); err != nil {
		t.Fatal(err)
	}
	sqlIn(t, filepath.Join(h.dir, "data", "stile.db"),
		"INSERT INTO admin_sessions (admin, hash, credential, address, browser, created_at, seen_at) SELECT number, zeroblob(32), 'password', '::1', 'x', created_at, created_at FROM admins WHERE name = 'alice'",
		"INSERT INTO admin_passkeys (admin, name, host, credential, record, created_at, last_used) SELECT number, 'key', 'localhost', x'01', '{}', created_at, 0 FROM admins WHERE name = 'alice'")
	return h
}

// TestFsckTables changes one value in each table, or removes a row that others depend on, and
// checks that it is found, with the table and the row.
func TestFsckTables(t *testing.T) {
	h := everyTable(t)
	db := filepath.Join(h.dir, "data", "stile.db")
	if out := h.must("fsck"); !strings.HasSuffix(out, "\neverything agrees\n") {
		t.Fatalf("nothing is wrong:\n%s", out)
	}
	const admin = "an admin has an impossible name, role, password or time"
	free := "DROP TRIGGER statements_are_not_changed;; DROP TRIGGER statements_are_not_deleted;; DROP TRIGGER statement_lines_are_not_changed;; DROP TRIGGER statement_lines_are_not_deleted;; DROP TRIGGER statement_lines_are_not_added;;" +
		"DROP TRIGGER closed_months_are_not_changed;; DROP TRIGGER closed_months_are_not_opened;; %s;;" + triggersOf(t, db)
	billed := func(change string) string { return fmt.Sprintf(free, change) }
	for _, c := range []struct{ sql, check, finding, row string }{
		{"UPDATE admins SET role = 'root' WHERE name = 'alice'", "admins", admin, "alice, number "},
		{"UPDATE admins SET password = 'plain' WHERE name = 'alice'", "admins", admin, "alice"},
		{"UPDATE admins SET role = 'viewer'", "admins", "there are admins, but no owner among them", "admins"},
		{"UPDATE admin_tokens SET hash = x'00' WHERE id = 1", "admins", "an admin's token has an impossible hash, role or time, or belongs to nobody", "table admin_tokens, token 1"},
		{"UPDATE admin_tokens SET role = 'Owner'", "admins", "an admin's token has an impossible hash, role or time, or belongs to nobody", "token 1"},
		{"PRAGMA foreign_keys = OFF;; UPDATE admin_tokens SET admin = 77", "admins", "an admin's token has an impossible hash, role or time, or belongs to nobody", "token 1"},
		{"UPDATE admin_sessions SET hash = x'00'", "admins", "a session has an impossible hash or time, or belongs to nobody", "session 1"},
		{"UPDATE admin_sessions SET admin = 99", "admins", "a session has an impossible hash or time, or belongs to nobody", "session 1"},
		{"UPDATE admin_passkeys SET record = '{'", "admins", "a passkey can't be read, or belongs to nobody", "passkey 1"},
		{"UPDATE links SET tenant = 99", "links", "a link for developers has an impossible hash or time, or belongs to a tenant that never existed", "link "},
		{"UPDATE links SET hash = x'00'", "links", "a link for developers has an impossible hash or time, or belongs to a tenant that never existed", "link "},
		{"UPDATE webhooks SET events = 'x'", "webhooks", "a webhook has an impossible URL, list of events or number", "webhook whk_"},
		{"UPDATE webhooks SET waiting = waiting + 1", "webhooks", "a webhook's count of waiting deliveries is wrong", "webhook whk_"},
		{"UPDATE webhooks SET secrets = replace(secrets, substr(secrets, 20, 4), 'AAAA')", "webhooks", "the secret of a webhook can't be decrypted", "webhook whk_"},
		{"UPDATE webhooks SET id = 'whk_another'", "webhooks", "the secret of a webhook can't be decrypted", "whk_another"},
		{"UPDATE deliveries SET state = 'lost'", "webhooks", "a delivery has an impossible state, time or list of tries, or its event is missing", "delivery 1"},
		{"DELETE FROM events", "webhooks", "a delivery has an impossible state, time or list of tries, or its event is missing", "delivery 1"},
		{"UPDATE events SET body = '{'", "webhooks", "an event has an impossible type or body", "table events, event "},
		{"UPDATE event_marks SET rises = 7", "webhooks", "a mark of an event has an impossible key or time", "mark "},
		{"UPDATE evidence SET count = 0", "evidence", "a row of what `stile doctor` knows has an impossible tenant, day or count", "tenant 1, day "},
		{"UPDATE history SET counts = '{'", "history", "a row of the history has an impossible step, time or count", " s, "},
		{"UPDATE history SET at = at + 1", "history", "a row of the history has an impossible step, time or count", " s, "},
		{`UPDATE history SET counts = json_set(counts, '$."call items"', 1000)`, "history", "the history has more calls than were counted", `tenant "acme": `},
		{"INSERT OR REPLACE INTO ready VALUES (1, -1)", "other tables", "a row has an impossible time", "table ready"},
		{"UPDATE identity SET name = 'x' WHERE name = 'public_url'", "other tables", "a row has an unknown name, or no value", "table identity, x"},
		{"DELETE FROM corpus", "other tables", "the number of the corpus is missing", "table corpus"},
		{"UPDATE idempotency SET fingerprint = x'00'", "other tables", "a repeatable request of the admin API has an impossible hash or time", "request "},
		{"UPDATE idempotency SET response = CAST(response || x'00' AS BLOB)", "other tables", "the response to a repeatable request can't be decrypted", "request "},
		{"UPDATE audit_head SET seal = zeroblob(32)", "audit log", "the audit log was changed", "entry "},
		{"DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", "audit log", "the audit log was changed", "entry "},
		{"UPDATE ledger_days SET calls = calls + 1", "usage", "a tenant's total is not the sum of its tokens", "acme, 2026-11-20"},
		{"UPDATE ledger SET calls = calls + 1 WHERE route = (SELECT max(route) FROM ledger)", "statements", "the ledger does not have what was billed: lines of a closed month are gone, changed or added", "acme, 2026-11: 2026-11-20, item"},
		{"UPDATE ledger SET token = zeroblob(16)", "statements", "the ledger does not have what was billed: lines of a closed month are gone, changed or added", "each day and route has the same sum"},
		{"DELETE FROM ledger", "statements", "the ledger does not have what was billed: lines of a closed month are gone, changed or added", "0 calls and 0 records, and the statement has 25 and 25"},
		{"INSERT INTO ledger SELECT 2, day, route, x'000102030405060708090a0b0c0d0e0f', 1, 1 FROM ledger LIMIT 1", "statements", "usage of a closed month is in no statement: it was removed, or the usage was added later", "globe, 2026-11"},
		{billed("UPDATE statements SET amount = 0"), "statements", "a statement is not as it was signed", "acme, 2026-11: "},
		{billed("UPDATE statements SET note = replace(note, 'calls', 'cal1s')"), "statements", "a statement is not as it was signed", "acme, 2026-11: "},
		{billed("UPDATE statements SET key = replace(key, '+A', '+B')"), "statements", "a statement is not as it was signed", "acme, 2026-11: "},
		{billed("UPDATE statements SET owner = 2"), "statements", "a statement belongs to another tenant", "tenant number 2"},
		{billed("DELETE FROM statements"), "statements", "there are lines of a statement that does not exist", "table statement_lines, acme, 2026-11"},
		{billed("UPDATE statement_lines SET lines = CAST(substr(lines, 1, length(lines) - 1) || x'07' AS BLOB)"), "statements", "the stored lines of a statement are not those that were signed", "acme, 2026-11: the lines from 1 on"},
		{billed("UPDATE statement_lines SET hash = zeroblob(32)"), "statements", "the stored lines of a statement are not those that were signed", "acme, 2026-11"},
		{billed("DELETE FROM statement_lines"), "statements", "the stored lines of a statement are not those that were signed", "0 lines, and 2 were signed"},
		{billed("UPDATE closed_months SET month = '2026-13'"), "statements", "a closed month has an impossible name", `"2026-13"`},
		{billed("INSERT INTO closed_months VALUES ('2026-09', 1)"), "statements", "a month between two closed ones is not closed", "2026-11 follows 2026-09"},
		{billed("INSERT INTO closed_months VALUES ('2026-12', 1)"), "statements", "a month that is not over is closed", "2026-12"},
		{"DROP TRIGGER statements_are_not_deleted", "database", "a table, an index or a trigger is missing", "trigger statements_are_not_deleted"},
		{"DROP INDEX refusals_by_time", "database", "a table, an index or a trigger is missing", "index refusals_by_time"},
		{"DROP TABLE event_marks", "database", "a table, an index or a trigger is missing", "table event_marks"},
		{"DROP INDEX links_by_tenant;; CREATE INDEX links_by_tenant ON links (tenant)", "database", "a table, an index or a trigger was changed", "index links_by_tenant"},
		{"DROP TRIGGER ledger_removed;; CREATE TRIGGER ledger_removed AFTER DELETE ON ledger BEGIN SELECT 1; END", "database", "a table, an index or a trigger was changed", "trigger ledger_removed"},
		{"ALTER TABLE links ADD COLUMN more TEXT", "database", "a table, an index or a trigger was changed", "table links"},
	} {
		t.Run(c.row, func(t *testing.T) {
			damaged := copyOf(t, h)
			damaged.set(h.at())
			sqlIn(t, filepath.Join(damaged.dir, "data", "stile.db"), strings.Split(c.sql, ";;")...)
			if out := wantFinding(t, damaged, c.check, c.finding); !strings.Contains(out, c.row) {
				t.Errorf("does not name %q:\n%s", c.row, out)
			}
		})
	}
}

// TestFsckNotices checks that tables and indexes that stile does not know are reported, and are not
// wrong.
func TestFsckNotices(t *testing.T) {
	h := usedData(t)
	sqlIn(t, filepath.Join(h.dir, "data", "stile.db"), "CREATE TABLE notes (x)", "CREATE INDEX mine ON refusals (code)")
	out := h.must("fsck")
	if !strings.Contains(out, "notice: database: somebody has added a table or an index, which stile does not use (2)\n  such as: table notes; index mine\n") || !strings.HasSuffix(out, "\neverything agrees\n") {
		t.Errorf("%s", out)
	}
	if out := h.must("fsck", "--json"); !strings.Contains(out, `"findings":[],"notices":[{"check":"database"`) {
		t.Errorf("%s", out)
	}
}

// triggersOf returns the statements that make the triggers about statements.
func triggersOf(t *testing.T, file string) string {
	t.Helper()
	return strings.Join(valuesIn(t, file, "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND (tbl_name LIKE 'statement%' OR tbl_name = 'closed_months') AND name NOT LIKE '%replaced'"), ";;")
}
