package postgres

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/store/tables/addresslist"
	"stile.example/stile/store/tables/tokenlist"
	"stile.example/stile/tokens"
)

// TokenRow is a state of a token, as it is copied to the table of tokens and to the ledger.
type TokenRow struct {
	ID      tokens.ID
	Version uint64 // of the state: a larger one replaces a smaller one
	Tenant  uint32 // number
	Used    int64  // last use; Unix seconds, as the next two
	Issued  int64
	Expires int64
	Dead    tokens.Reason
	Address []byte // that it is bound to, 16 bytes; nil: to none
	State   []byte // by tokens.AppendState
	Uses    []Use
}

// Use is what a token has used of a route on a day, in all: a larger total replaces a smaller one.
type Use struct {
	Day            int32 // since 1970-01-01, UTC
	Route          tokens.Route
	Calls, Records int64
}

// RowOf returns the row of a state.
func RowOf(id tokens.ID, version uint64, s tokens.State) TokenRow {
	r := TokenRow{ID: id, Version: version, Tenant: s.Tenant, Used: int64(tokenlist.LastUse(s)), Issued: s.IssuedAt, Expires: s.Expires,
		Dead: s.Dead, Address: tokenlist.BoundAddress(s), State: tokens.AppendState(nil, s)}
	for u := range s.Uses() {
		r.Uses = append(r.Uses, Use{Day: u.Day, Route: u.Route, Calls: int64(u.Calls), Records: int64(u.Records)})
	}
	return r
}

// ScopeRow is a state of a scope of addresses, as it is copied to the table of scopes.
type ScopeRow struct {
	Address [16]byte // first of the range, an IPv4 address as IPv6 maps it
	Bits    uint8    // of the range's prefix; of IPv4, 0 to 32
	Tenant  uint32   // number; 0: all tenants
	Version uint64   // of the state: a larger one replaces a smaller one
	Forget  int64    // Unix seconds from which the row may be removed
	State   []byte   // by addresses.AppendState; empty: the zero State
}

// ScopeRowOf returns the row of a state, as it is written at a time.
func ScopeRowOf(of addresses.Scope, version uint64, s addresses.State, now time.Time) ScopeRow {
	r := ScopeRow{Address: of.Range.Addr().As16(), Bits: uint8(of.Range.Bits()), Tenant: of.Tenant, Version: version, Forget: addresslist.ForgetAt(s, now)}
	if s != (addresses.State{}) {
		r.State = addresses.AppendState(nil, s)
	}
	return r
}

const (
	transferAttempts = 5
	transferPause    = 20 * time.Millisecond // grows with each attempt
)

// TransferTokens copies states to the table of tokens, and their totals to the ledger, in one
// transaction. It may be repeated, and rows may come late and in any order: only what is newer
// changes anything. It does not wait for transactions of [DB.Write].
func (db *DB) TransferTokens(ctx context.Context, some []TokenRow) error {
	if len(some) == 0 {
		return nil
	}
	list, lines := tokenColumnsOf(some), ledgerColumnsOf(some)
	err := db.repeatedly(ctx, func(tx *sql.Tx) error {
		if err := list.write(ctx, tx); err != nil {
			return err
		}
		return lines.write(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("write states of tokens: %w", err)
	}
	return nil
}

// repeatedly runs fn in a transaction without the lock of the installation. It repeats the
// transaction if the server ended it because of others.
func (db *DB) repeatedly(ctx context.Context, fn func(*sql.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := inTx(ctx, db.transfer, fn)
		if attempt == transferAttempts || !mayRepeat(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt) * transferPause):
		}
	}
}

// tokenColumns are the columns of rows of table tokens.
type tokenColumns struct {
	id, state, address                           [][]byte
	version, tenant, expires, used, issued, dead []int64
}

// tokenColumnsOf returns the newest row of each token, in the order of their ids: all transactions
// lock rows in that order, so that none waits for another in a circle.
func tokenColumnsOf(some []TokenRow) (c tokenColumns) {
	sorted := slices.Clone(some)
	slices.SortFunc(sorted, func(a, b TokenRow) int {
		return cmp.Or(bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(b.Version, a.Version))
	})
	sorted = slices.CompactFunc(sorted, func(a, b TokenRow) bool { return a.ID == b.ID })
	for i := range sorted {
		r := &sorted[i]
		c.id, c.state, c.address = append(c.id, r.ID[:]), append(c.state, r.State), append(c.address, r.Address)
		c.version, c.tenant = append(c.version, int64(r.Version)), append(c.tenant, int64(r.Tenant))
		c.expires, c.used = append(c.expires, r.Expires), append(c.used, r.Used)
		c.issued, c.dead = append(c.issued, r.Issued), append(c.dead, int64(r.Dead))
	}
	return c
}

// write writes the rows that are newer. As on SQLite, the last use in a row lags by up to 300 s,
// since every index with it costs time when it changes.
func (c tokenColumns) write(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO tokens AS t (id, version, tenant, expires, state, used, issued, dead, address)
		SELECT * FROM unnest(?::bytea[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[])
		ON CONFLICT (id) DO UPDATE SET
			version = excluded.version, tenant = excluded.tenant, state = excluded.state, dead = excluded.dead, address = excluded.address,
			used = CASE WHEN excluded.used >= t.used + 300 OR excluded.dead <> t.dead OR excluded.address IS DISTINCT FROM t.address
				THEN excluded.used ELSE t.used END
		WHERE t.version < excluded.version`,
		inBinary, c.id, c.version, c.tenant, c.expires, c.state, c.used, c.issued, c.dead, c.address)
	return err
}

// ledgerColumns are the columns of rows of table ledger.
type ledgerColumns struct {
	token                              [][]byte
	tenant, day, route, calls, records []int64
}

// ledgerColumnsOf returns the largest totals of each line.
func ledgerColumnsOf(some []TokenRow) (c ledgerColumns) {
	type line struct {
		id     tokens.ID
		tenant uint32
		day    int32
		route  tokens.Route
	}
	at := map[line]int{}
	for i := range some {
		r := &some[i]
		for _, u := range r.Uses {
			k := line{r.ID, r.Tenant, u.Day, u.Route}
			n, known := at[k]
			if known {
				c.calls[n], c.records[n] = max(c.calls[n], u.Calls), max(c.records[n], u.Records)
				continue
			}
			at[k] = len(c.token)
			c.token, c.tenant = append(c.token, r.ID[:]), append(c.tenant, int64(r.Tenant))
			c.day, c.route = append(c.day, int64(u.Day)), append(c.route, int64(u.Route))
			c.calls, c.records = append(c.calls, u.Calls), append(c.records, u.Records)
		}
	}
	return c
}

// write writes the totals that are larger. Triggers add what that changes to the sums of days, and
// all nodes change the same ones. So only one transaction does that at a time, and it does it last.
func (c ledgerColumns) write(ctx context.Context, tx *sql.Tx) error {
	if len(c.token) == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(`+ledgerLock+`)`); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO ledger AS l (tenant, day, route, token, calls, records)
		SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bigint[], ?::bigint[])
		ON CONFLICT (tenant, day, route, token) DO UPDATE SET
			calls = greatest(l.calls, excluded.calls), records = greatest(l.records, excluded.records)
		WHERE l.calls < excluded.calls OR l.records < excluded.records`,
		inBinary, c.tenant, c.day, c.route, c.token, c.calls, c.records)
	return err
}

// TransferScopes copies states to the table of scopes. Only what is newer changes anything.
func (db *DB) TransferScopes(ctx context.Context, some []ScopeRow) error {
	if len(some) == 0 {
		return nil
	}
	sorted := slices.Clone(some)
	slices.SortFunc(sorted, func(a, b ScopeRow) int {
		return cmp.Or(compareScopes(a, b), cmp.Compare(b.Version, a.Version))
	})
	sorted = slices.CompactFunc(sorted, func(a, b ScopeRow) bool { return compareScopes(a, b) == 0 })
	var address, state [][]byte
	var bits, tenant, version, forget []int64
	for i := range sorted {
		r := &sorted[i]
		address, state = append(address, r.Address[:]), append(state, orEmpty(r.State))
		bits, tenant = append(bits, int64(r.Bits)), append(tenant, int64(r.Tenant))
		version, forget = append(version, int64(r.Version)), append(forget, r.Forget)
	}
	err := db.repeatedly(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO scopes AS s (address, bits, tenant, version, forget, state)
			SELECT * FROM unnest(?::bytea[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[])
			ON CONFLICT (address, bits, tenant) DO UPDATE SET
				version = excluded.version, forget = excluded.forget, state = excluded.state
			WHERE s.version < excluded.version`, inBinary, address, bits, tenant, version, forget, state)
		return err
	})
	if err != nil {
		return fmt.Errorf("write states of addresses: %w", err)
	}
	return nil
}

func compareScopes(a, b ScopeRow) int {
	return cmp.Or(bytes.Compare(a.Address[:], b.Address[:]), cmp.Compare(a.Bits, b.Bits), cmp.Compare(a.Tenant, b.Tenant))
}

// orEmpty returns b as it is stored: empty instead of NULL.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
