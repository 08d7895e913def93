package inspect

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/store/tables/tenanttable"
	"stile.example/stile/store/tables/tokenlist"
	"stile.example/stile/store/tables/usagesum"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// lineKey identifies a line of usage.
type lineKey struct {
	tenant uint32
	day    int64
	route  tokens.Route
}

// usageCheck is what was read of tokens, the journal and the ledger.
type usageCheck struct {
	*checker
	tx      *sql.Tx
	clients map[uint32]string          // client_id by number
	newer   map[tokens.ID]tokens.State // the last states in the journal
	seen    map[tokens.ID]bool         // those of newer that have a row
	ledger  map[lineKey]bool           // lines to which the ledger has something
	sums    map[lineKey]*usage.Line    // of all tokens, one by one
	states  usagesum.Tokens            // of those that are not in the ledger
}

// usage checks tokens, the journal and the ledger, and that the usage that is reported is the sum
// of what they count, token by token.
func (c *checker) usage(ctx context.Context, tx *sql.Tx) (err error) {
	u := &usageCheck{checker: c, tx: tx, newer: map[tokens.ID]tokens.State{}, seen: map[tokens.ID]bool{}, ledger: map[lineKey]bool{}, sums: map[lineKey]*usage.Line{}}
	if u.clients, err = tenanttable.Names(ctx, tx); err != nil {
		return err
	}
	wrong := len(c.report.Findings)
	for _, check := range []func(context.Context) error{u.readLedger, u.readJournal, u.readTokens} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	if len(c.report.Findings) > wrong {
		return nil // the sums can't agree then, and one fault is enough
	}
	lines, err := u.compare(ctx)
	if err == nil && len(c.report.Findings) == wrong {
		c.used = append([]usage.Line{}, lines...) // not nil
	}
	return err
}

// readLedger checks each line of the ledger.
func (u *usageCheck) readLedger(ctx context.Context) error {
	u.begin("ledger")
	tenantOf := map[string]uint32{} // of the last token; the lines of a token follow each other
	err := rows.Each(ctx, u.tx, func(r rows.Row) error {
		var tenant, day, route, calls, records int64
		var token []byte
		if err := r.Scan(&tenant, &day, &route, &token, &calls, &records); err != nil {
			return err
		}
		u.row()
		name := fmt.Sprintf("token %x, day %d", token, day)
		switch {
		case len(token) != len(tokens.ID{}) || route < 0 || route >= tokens.Routes || day < 0:
			u.found("a line has an impossible token, route or day", restoreAll, "%s, route %d", name, route)
			return nil
		case calls < 0 || records < 0 || calls == 0 && records == 0:
			u.found("a line counts nothing, or less than nothing", restoreAll, "%s: %d calls, %d records", name, calls, records)
			return nil
		case u.clients[uint32(tenant)] == "":
			u.found("a line is charged to a tenant that never existed", restoreAll, "%s: tenant number %d", name, tenant)
			return nil
		}
		if before, known := tenantOf[string(token)]; known && before != uint32(tenant) {
			u.found("a token is charged to two tenants", restoreAll, "%s: tenants %s and %s", name, u.clients[before], u.clients[uint32(tenant)])
			return nil
		}
		clear(tenantOf)
		tenantOf[string(token)] = uint32(tenant)
		k := lineKey{uint32(tenant), day, tokens.Route(route)}
		u.ledger[k] = true
		u.add(k, calls, records)
		return nil
	}, `SELECT tenant, day, route, token, calls, records FROM ledger ORDER BY token`)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// readJournal reads the journal's last state of each token.
func (u *usageCheck) readJournal(ctx context.Context) error {
	u.part = "journal" // how many rows it has at the moment means nothing to an operator
	err := sqlite.EachRow(ctx, u.tx, func(r sqlite.JournalRow) error {
		switch r.Fault() {
		case sqlite.ErrDamaged:
			u.found("a row differs from its checksum", restoreAll, "row %d", r.Seq)
		case sqlite.ErrMissing:
			u.found("a row is missing", restoreAll, "row %d", r.Seq-1)
		}
		u.readBatch(r)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	return nil
}

// readBatch reads the states in a row of the journal.
func (u *usageCheck) readBatch(r sqlite.JournalRow) {
	for rest := []byte(r.Batch); len(rest) > 0; {
		if len(rest) < len(tokens.ID{}) {
			u.found("a row ends in the middle of a token", restoreAll, "row %d", r.Seq)
			return
		}
		id := tokens.ID(rest)
		s, after, err := tokens.CutState(rest[len(id):])
		if err != nil {
			u.found("a state can't be read", restoreAll, "row %d, token %x: %v", r.Seq, id, err)
			return
		}
		u.newer[id], rest = s, after
	}
}

// readTokens checks the row of each token, against the journal and the ledger.
func (u *usageCheck) readTokens(ctx context.Context) error {
	u.begin("tokens")
	err := rows.Each(ctx, u.tx, func(r rows.Row) error {
		var id, state, address []byte
		var tenant, expires, issued, dead int64
		var isListed bool
		if err := r.Scan(&id, &tenant, &expires, &state, &isListed, &issued, &dead, &address); err != nil {
			return err
		}
		u.row()
		if len(id) != len(tokens.ID{}) {
			u.found("a row has an impossible id", restoreAll, "token %x", id)
			return nil
		}
		s, err := tokens.DecodeState(state)
		if err != nil {
			u.found("a state can't be read", restoreAll, "token %x: %v", id, err)
			return nil
		}
		if isListed && (issued != int64(s.IssuedAt) || dead != int64(s.Dead) || !bytes.Equal(address, tokenlist.BoundAddress(s))) {
			u.found("a row's issue, death or address differs from that of its state", restoreAll, "token %x", id)
		}
		return u.token(ctx, tokens.ID(id), s, tenant, expires)
	}, `SELECT id, tenant, expires, state, used IS NOT NULL, issued, dead, address FROM tokens`)
	if err != nil {
		return fmt.Errorf("read tokens: %w", err)
	}
	for id, s := range u.newer {
		if !u.seen[id] && s != (tokens.State{}) {
			u.row()
			if err := u.count(ctx, id, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// token checks the row of one token.
func (u *usageCheck) token(ctx context.Context, id tokens.ID, s tokens.State, tenant, expires int64) error {
	if int64(s.Tenant) != tenant || s.Expires != expires {
		u.found("a row does not belong to its state", restoreAll, "token %x: tenant %d and %d, expiry %d and %d", id, tenant, s.Tenant, expires, s.Expires)
	}
	newer, inJournal := u.newer[id]
	if !inJournal {
		return u.count(ctx, id, s)
	}
	u.seen[id] = true
	if why := older(newer, s); why != "" {
		u.found("the journal has an older state than the row", restoreAll, "token %x: %s", id, why)
		return nil
	}
	return u.count(ctx, id, newer)
}

// older says in which way a state of the journal is older than the row of its token; "" if it is
// not. Counts never fall, a binding never moves, and a dead token never lives again. A state that
// was removed has no row.
func older(journal, row tokens.State) string {
	if journal == (tokens.State{}) {
		return "it was removed, and has a row"
	}
	for d := range row.Used {
		for r, n := range row.Used[d] {
			if j := journal.Used[d][r]; j.Calls < n.Calls || j.Records < n.Records {
				return fmt.Sprintf("%d calls, and %d in the row", j.Calls, n.Calls)
			}
		}
	}
	switch {
	case journal.Serial < row.Serial || journal.ChallengesIssued < row.ChallengesIssued:
		return "fewer challenges"
	case row.Bound.Kind != tokens.Unbound && journal.Bound != row.Bound:
		return "another binding"
	case row.Dead != tokens.None && journal.Dead == tokens.None:
		return "it is dead in the row only"
	}
	return ""
}

// count checks and adds what one token counts.
func (u *usageCheck) count(ctx context.Context, id tokens.ID, s tokens.State) error {
	if s == (tokens.State{}) {
		return nil // it was removed
	}
	u.states.Change(&tokens.State{}, &s)
	u.states.Keep()
	if !s.IsPossible() {
		u.found("a state has an impossible value", restoreAll, "token %x", id)
	}
	if u.clients[s.Tenant] == "" {
		u.found("a token is charged to a tenant that never existed", restoreAll, "token %x: tenant number %d", id, s.Tenant)
		return nil
	}
	for n := range s.Uses() {
		k := lineKey{s.Tenant, int64(n.Day), n.Route}
		twice, err := u.inLedger(ctx, k, id)
		if err != nil {
			return err
		}
		if twice {
			u.found("a token is in the ledger, and counted in its state once more", restoreAll, "token %x, day %d, %s", id, k.day, k.route)
			return nil
		}
		u.add(k, int64(n.Calls), int64(n.Records))
	}
	return nil
}

// inLedger reports whether the ledger has a line of a token.
func (u *usageCheck) inLedger(ctx context.Context, k lineKey, id tokens.ID) (found bool, err error) {
	if !u.ledger[k] {
		return false, nil
	}
	err = u.tx.QueryRowContext(ctx, `SELECT count(*) FROM ledger WHERE tenant = ? AND day = ? AND route = ? AND token = ?`,
		k.tenant, k.day, k.route, id[:]).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("read the ledger: %w", err)
	}
	return found, nil
}

func (u *usageCheck) add(k lineKey, calls, records int64) {
	line := u.sums[k]
	if line == nil {
		line = &usage.Line{}
		u.sums[k] = line
	}
	line.Calls += calls
	line.Records += records
}

// compare compares the sums of the tokens with the usage that is reported.
func (u *usageCheck) compare(ctx context.Context) ([]usage.Line, error) {
	u.begin("usage")
	type reported struct{ client, day, route string }
	sums := map[reported]usage.Line{}
	for k, n := range u.sums {
		r := reported{u.clients[k.tenant], dayOf(k.day), k.route.String()}
		sum := sums[r]
		sum.Calls, sum.Records = sum.Calls+n.Calls, sum.Records+n.Records
		sums[r] = sum
	}
	lines, err := sqlite.UsageIn(ctx, u.tx)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	for _, l := range lines {
		u.row()
		r := reported{l.Tenant, l.Day, l.Route}
		if sum := sums[r]; sum.Calls != l.Calls || sum.Records != l.Records {
			u.found("a tenant's total is not the sum of its tokens", reportBug, "%s, %s, %s: %d calls, and its tokens have %d", l.Tenant, l.Day, l.Route, l.Calls, sum.Calls)
		}
		delete(sums, r)
	}
	if err := u.compareStored(ctx); err != nil {
		return nil, err
	}
	for r, sum := range sums {
		u.found("a tenant's total is not the sum of its tokens", reportBug, "%s, %s, %s: nothing, and its tokens have %d calls", r.client, r.day, r.route, sum.Calls)
	}
	return lines, nil
}

const addUpAgain = "stop the server, and remove the row with `sqlite3 DATA/stile.db 'DELETE FROM token_usage'`: the next start adds up all states"

// compareStored compares the sums of the states with what the database has of them.
func (u *usageCheck) compareStored(ctx context.Context) error {
	stored, ok, err := sqlite.SumsIn(ctx, u.tx)
	if err != nil {
		u.found("the sum of the tokens' usage can't be read", addUpAgain, "table token_usage: %v", err)
		return nil
	}
	if ok && !bytes.Equal(stored.Append(nil), u.states.Append(nil)) {
		u.found("the sum of the tokens' usage is not that of their states", addUpAgain, "table token_usage")
	}
	return nil
}
