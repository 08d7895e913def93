package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

var _ usage.Store = (*DB)(nil)

// lineKey is what lines are summed by.
type lineKey struct {
	client string
	day    int64
	route  tokens.Route
}

// sums is the totals that a query selects.
type sums struct {
	client   string // "" for all
	from, to int64  // days
	clients  map[uint32]string
	lines    map[lineKey]*usage.Line
}

// Usage implements [usage.Store]. It returns what a tenant used, or all tenants if tenant is "", by
// tenant, day and route. The days are those from from to to, both included; "" means no bound. All
// calls are included whose response was sent before Usage was called.
func (db *DB) Usage(ctx context.Context, tenant, from, to string) ([]usage.Line, error) {
	u := &sums{client: tenant, lines: map[lineKey]*usage.Line{}}
	var err error
	if u.from, err = dayNumber(from, 0); err != nil {
		return nil, err
	}
	if u.to, err = dayNumber(to, 1<<31); err != nil {
		return nil, err
	}
	// One transaction: otherwise a token's counts could be read both before and after a sweep has
	// moved them.
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	defer tx.Rollback()
	if err := u.read(ctx, tx); err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return u.sorted(), nil
}

// UsageIn returns what all tenants used, in a transaction.
func UsageIn(ctx context.Context, tx *sql.Tx) ([]usage.Line, error) {
	u := &sums{to: 1 << 31, lines: map[lineKey]*usage.Line{}}
	err := u.read(ctx, tx)
	return u.sorted(), err
}

func (u *sums) read(ctx context.Context, tx *sql.Tx) (err error) {
	if u.clients, err = clientNames(ctx, tx); err != nil {
		return err
	}
	if err := u.addLedger(ctx, tx); err != nil {
		return err
	}
	// the tokens that are not in the ledger
	return eachState(ctx, tx, u.client, func(_ tokens.ID, s tokens.State) { u.addState(s) })
}

func clientNames(ctx context.Context, tx *sql.Tx) (map[uint32]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT number, client_id FROM tenants`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	clients := map[uint32]string{}
	for rows.Next() {
		var number uint32
		var client string
		if err := rows.Scan(&number, &client); err != nil {
			return nil, err
		}
		clients[number] = client
	}
	return clients, rows.Err()
}

func (u *sums) addLedger(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT tenant, day, route, sum(calls), sum(records) FROM ledger
		WHERE day BETWEEN ? AND ?
		  AND (? = '' OR tenant IN (SELECT number FROM tenants WHERE client_id = ?))
		GROUP BY tenant, day, route`, u.from, u.to, u.client, u.client)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tenant uint32
		var day, calls, records int64
		var route tokens.Route
		if err := rows.Scan(&tenant, &day, &route, &calls, &records); err != nil {
			return err
		}
		u.add(tenant, day, route, calls, records)
	}
	return rows.Err()
}

// eachState calls fn for the state of each token of a tenant: from the journal if it is in it, else
// from its row. If client is "", it does so for all tenants. States in the journal may be of
// others.
func eachState(ctx context.Context, tx *sql.Tx, client string, fn func(tokens.ID, tokens.State)) error {
	newer, _, err := readJournal(ctx, tx, -1)
	if err != nil {
		return err
	}
	for id, s := range newer {
		fn(id, s)
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT id, state FROM tokens WHERE ? = '' OR tenant IN (SELECT number FROM tenants WHERE client_id = ?)`, client, client)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, b sql.RawBytes
		if err := rows.Scan(&id, &b); err != nil {
			return err
		}
		name := tokens.ID(id)
		if _, known := newer[name]; known {
			continue
		}
		s, err := tokens.DecodeState(b)
		if err != nil {
			return fmt.Errorf("token %x: %w", id, err)
		}
		fn(name, s)
	}
	return rows.Err()
}

func (u *sums) addState(s tokens.State) {
	if u.client != "" && u.clients[s.Tenant] != u.client {
		return
	}
	for d, routes := range s.Used {
		for route, n := range routes {
			day := int64(s.Day) + int64(d)
			if n != (tokens.Count{}) && day >= u.from && day <= u.to {
				u.add(s.Tenant, day, tokens.Route(route), int64(n.Calls), int64(n.Records))
			}
		}
	}
}

func (u *sums) add(tenant uint32, day int64, route tokens.Route, calls, records int64) {
	key := lineKey{u.clients[tenant], day, route}
	line := u.lines[key]
	if line == nil {
		line = &usage.Line{Tenant: key.client, Day: usage.Day(time.Unix(day*86400, 0)), Route: route.String()}
		u.lines[key] = line
	}
	line.Calls += calls
	line.Records += records
}

func (u *sums) sorted() []usage.Line {
	keys := slices.SortedFunc(maps.Keys(u.lines), func(a, b lineKey) int {
		return cmp.Or(cmp.Compare(a.client, b.client), cmp.Compare(a.day, b.day), cmp.Compare(a.route, b.route))
	})
	lines := make([]usage.Line, 0, len(keys))
	for _, key := range keys {
		lines = append(lines, *u.lines[key])
	}
	return lines
}

// dayNumber returns the number of a day, counted from 1970-01-01, or none if day is "".
func dayNumber(day string, none int64) (int64, error) {
	if day == "" {
		return none, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, fmt.Errorf("day %q: must be YYYY-MM-DD", day)
	}
	return t.Unix() / 86400, nil
}
