package inspect

import (
	"context"
	"database/sql"
	"fmt"

	"stile.example/stile/store/tables/rows"
)

// rule is what must hold for the rows of a table.
type rule struct {
	table   string
	finding string
	fix     string
	wrong   string // selects a name of each row for which it does not hold
}

// Fixes of single tables.
const (
	signInAgain = "remove what is named here (`stile admin list`, `stile admin token list`, `stile admin session list`), and let the admin make a new one; if you did not change the database yourself, restore a backup"
	dropRow     = "nothing urgent: what is named here is removed when it is old, and no call depends on it; restore a backup if there are many"
	makeAgain   = "remove what is named here and make it again; if you did not change the database yourself, restore a backup"
)

// roles is the roles that an admin may have.
const roles = `('viewer', 'operator', 'owner')`

// parts are the checks of tables whose rows SQL can check, by part, in the order in which they are
// checked.
var parts = []struct {
	name  string
	rules []rule
}{
	{"admins", []rule{
		{"admins", "an admin has an impossible name, role, password or time", signInAgain, `
			SELECT name || ', number ' || number FROM admins
			WHERE name = '' OR role NOT IN ` + roles + ` OR must_change NOT IN (0, 1) OR length(handle) < 16 OR created_at <= 0 OR last_sign_in < 0
				OR password <> '' AND password NOT GLOB '$argon2id$v=19$m=*,t=*,p=*$?*$?*' OR (issuer = '') <> (subject = '')`},
		{"admins", "there are admins, but no owner among them", "make an admin the owner: `stile admin set NAME --role owner`", `
			SELECT count(*) || ' admins' FROM admins HAVING count(*) > 0 AND sum(role = 'owner') = 0`},
		{"admin_tokens", "an admin's token has an impossible hash, role or time, or belongs to nobody", signInAgain, `
			SELECT 'token ' || id FROM admin_tokens
			WHERE admin NOT IN (SELECT number FROM admins) OR role NOT IN ` + roles + ` OR name = '' OR length(hash) <> 32 OR length(last_four) <> 4
				OR created_at <= 0 OR expires_at <= created_at OR last_used < 0`},
		{"admin_sessions", "a session has an impossible hash or time, or belongs to nobody", signInAgain, `
			SELECT 'session ' || id FROM admin_sessions
			WHERE admin NOT IN (SELECT number FROM admins) OR length(hash) <> 32 OR credential = '' OR created_at <= 0 OR seen_at < created_at - 90000000`},
		{"admin_passkeys", "a passkey can't be read, or belongs to nobody", signInAgain, `
			SELECT 'passkey ' || id FROM admin_passkeys
			WHERE admin NOT IN (SELECT number FROM admins) OR NOT json_valid(record) OR length(credential) = 0 OR host = '' OR created_at <= 0 OR last_used < 0`},
	}},
	{"links", []rule{
		{"links", "a link for developers has an impossible hash or time, or belongs to a tenant that never existed", makeAgain, `
			SELECT 'link ' || id FROM links
			WHERE tenant NOT IN (SELECT number FROM tenants) OR length(hash) <> 32 OR id = '' OR name = '' OR created_at <= 0 OR expires <= created_at OR last_used < 0`},
	}},
	{"webhooks", []rule{
		{"webhooks", "a webhook has an impossible URL, list of events or number", makeAgain, `
			SELECT 'webhook ' || id FROM webhooks
			WHERE url NOT GLOB 'http*://?*' OR NOT json_valid(events) OR json_type(events) <> 'array' OR NOT json_valid(secrets) OR json_array_length(secrets) = 0
				OR enabled NOT IN (0, 1) OR created_at <= 0 OR failures < 0 OR dropped < 0`},
		{"webhooks", "a webhook's count of waiting deliveries is wrong", "disable the webhook and enable it again with `stile webhook set`; then check again", `
			SELECT 'webhook ' || id || ' counts ' || waiting FROM webhooks
			WHERE waiting <> (SELECT count(*) FROM deliveries d WHERE d.webhook = webhooks.id AND d.state = 'waiting')`},
		{"deliveries", "a delivery has an impossible state, time or list of tries, or its event is missing", dropRow, `
			SELECT 'delivery ' || id FROM deliveries d
			WHERE state NOT IN ('waiting', 'delivered', 'failed') OR NOT json_valid(tries) OR attempts < 0 OR created_at <= 0 OR next_at < 0
				OR NOT EXISTS (SELECT 1 FROM events e WHERE e.id = d.event)`},
		{"events", "an event has an impossible type or body", dropRow, `
			SELECT 'event ' || id FROM events WHERE type = '' OR NOT json_valid(body)`},
		{"event_marks", "a mark of an event has an impossible key or time", dropRow, `
			SELECT 'mark ' || key FROM event_marks WHERE key = '' OR rises NOT IN (0, 1) OR at <= 0`},
	}},
	{"evidence", []rule{
		{"evidence", "a row of what `stile doctor` knows has an impossible tenant, day or count", dropRow, `
			SELECT 'tenant ' || tenant || ', day ' || day || ', ' || kind FROM evidence
			WHERE tenant NOT IN (SELECT number FROM tenants) OR kind = '' OR count <= 0 OR first > last OR abs(first / 86400 - day) > 1 OR abs(last / 86400 - day) > 1
				OR length(few) % 4 <> 0`},
	}},
	{"history", []rule{
		{"history", "a row of the history has an impossible step, time or count", dropRow, `
			SELECT step || ' s, ' || tenant || ', ' || at FROM history
			WHERE step NOT IN (60, 900, 3600) OR at <= 0 OR at % max(step, 1) <> 0 OR NOT json_valid(counts)
				OR EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(counts) THEN counts ELSE '{}' END) WHERE type <> 'integer' OR value < 0)`},
	}},
	{"other tables", []rule{
		{"ready", "a row has an impossible time", reportBug, `SELECT 'at ' || at FROM ready WHERE at <= 0`},
		{"identity", "a row has an unknown name, or no value", "restore all files from one backup with `stile restore`", `
			SELECT name FROM identity WHERE name NOT IN ('secret_key', 'signing_key', 'public_url') OR value = ''`},
		{"corpus", "the number of the corpus is impossible", restoreAll, `SELECT generation FROM corpus WHERE generation < 0`},
		{"corpus", "the number of the corpus is missing", restoreAll, `SELECT 'no row' WHERE NOT EXISTS (SELECT 1 FROM corpus)`},
		{"idempotency", "a repeatable request of the admin API has an impossible hash or time", dropRow, `
			SELECT 'request ' || hex(id) FROM idempotency
			WHERE length(id) <> 32 OR length(actor) <> 32 OR length(fingerprint) <> 32 OR length(process) <> 16 OR at <= 0 OR length(response) = 0`},
	}},
}

// rules checks all parts.
func (c *checker) rules(ctx context.Context, tx *sql.Tx) error {
	for _, p := range parts {
		c.begin(p.name)
		counted := map[string]bool{}
		for _, r := range p.rules {
			if !counted[r.table] {
				counted[r.table] = true
				var n int64
				if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM `+r.table).Scan(&n); err != nil {
					return fmt.Errorf("read %s: %w", r.table, err)
				}
				c.rowsRead(n)
			}
			if err := c.rule(ctx, tx, r); err != nil {
				return fmt.Errorf("read %s: %w", r.table, err)
			}
		}
	}
	return c.sealed(ctx, tx)
}

func (c *checker) rule(ctx context.Context, tx *sql.Tx, r rule) error {
	return rows.Each(ctx, tx, func(row rows.Row) error {
		var name string
		if err := row.Scan(&name); err != nil {
			return err
		}
		c.found(r.finding, r.fix, "table %s, %s", r.table, name)
		return nil
	}, r.wrong)
}
