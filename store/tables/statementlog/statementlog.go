// Package statementlog stores statements in the database, and reads the lines that they are
// made of. Triggers refuse every change of a stored statement.
package statementlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"stile.example/stile/statements"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

var _ statements.Store = Table{}

// DB is the database: see [stile.example/stile/store/sqlite.DB].
type DB interface {
	rows.DB
	EachState(ctx context.Context, tx *sql.Tx, fn func(tokens.ID, tokens.State)) error
	Checkpoint() error
}

// Table is the tables of statements.
type Table struct{ DB DB }

// EveryTenant implements [statements.Store].
func (t Table) EveryTenant(ctx context.Context) ([]tenants.Tenant, error) {
	return readTenants(ctx, t.DB.Reader(), "")
}

// readTenants returns the tenants of a client_id, "" for all, as far as statements need them.
func readTenants(ctx context.Context, q rows.Querier, clientID string) ([]tenants.Tenant, error) {
	all, err := rows.All(ctx, q, scanTenant, `
		SELECT number, client_id, name, status, created_at, prices, currency FROM tenants
		WHERE ? = '' OR client_id = ? ORDER BY number`, clientID, clientID)
	if err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	return all, nil
}

func scanTenant(row rows.Row) (a tenants.Tenant, err error) {
	var created int64
	var prices string
	if err := row.Scan(&a.Number, &a.ClientID, &a.Name, &a.Status, &created, &prices, &a.Currency); err != nil {
		return a, err
	}
	if err := json.Unmarshal([]byte(prices), &a.Prices); err != nil {
		return a, fmt.Errorf("prices of %s: %w", a.ClientID, err)
	}
	a.CreatedAt = time.Unix(created, 0).UTC()
	return a, nil
}

// LastClosed implements [statements.Store].
func (t Table) LastClosed(ctx context.Context) (month string, err error) {
	err = t.DB.Reader().QueryRowContext(ctx, `SELECT coalesce(max(month), '') FROM closed_months`).Scan(&month)
	return month, err
}

// CloseMonth implements [statements.Store].
func (t Table) CloseMonth(ctx context.Context, month string, at time.Time) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO closed_months (month, closed_at) VALUES (?, ?)`, month, at.Unix())
		return err
	})
}

// Checkpoint implements [statements.Store]. It copies the write-ahead log into the file, so that
// the next statements overwrite the log.
func (t Table) Checkpoint(context.Context) error { return t.DB.Checkpoint() }

// ClearLines implements [statements.Store]. It removes them a few at a time, since calls wait.
func (t Table) ClearLines(ctx context.Context, tenant, month string) error {
	err := rows.Prune(ctx, t.DB, 32, `
		DELETE FROM statement_lines WHERE (tenant, month, first) IN
		(SELECT tenant, month, first FROM statement_lines WHERE tenant = ? AND month = ? LIMIT ?)`, tenant, month)
	if err != nil {
		return fmt.Errorf("remove lines of an interrupted statement: %w", err)
	}
	return nil
}

// AddLines implements [statements.Store].
func (t Table) AddLines(ctx context.Context, tenant, month string, chunks []statements.Chunk) error {
	if len(chunks) == 0 {
		return nil
	}
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, c := range chunks {
			_, err := tx.ExecContext(ctx, `INSERT INTO statement_lines (tenant, month, first, hash, lines) VALUES (?, ?, ?, ?, ?)`,
				tenant, month, c.First, c.Hash[:], c.Lines)
			if err != nil {
				return fmt.Errorf("write lines of a statement: %w", err)
			}
		}
		return nil
	})
}

const columns = `owner, tenant, month, number, closed_at, calls, records, amount, currency, lines, hash, note, key`

// listColumns are the columns of lists. The name is only in the note, in one of its first lines: a
// name has at most 200 characters.
const listColumns = `owner, tenant, month, number, closed_at, calls, records, amount, currency, lines, hash, substr(note, 1, 4096)`

// AddStatement implements [statements.Store].
func (t Table) AddStatement(ctx context.Context, c statements.Closed, stamp string) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		list, err := readTenants(ctx, tx, tenants.ClientIDOf(c.Tenant))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(statements.Accounts(list), func(a statements.Account) bool { return a.Stamp == stamp }) {
			return statements.ErrChanged
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO statements (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.Owner, c.Tenant, c.Month, c.Number, c.ClosedAt.Unix(), c.Calls, c.Records, int64(c.Amount), c.Currency, c.Lines, c.Hash, c.Note, c.Key)
		return err
	})
}

// Statements implements [statements.Store].
func (t Table) Statements(ctx context.Context, q statements.Query) ([]statements.Closed, error) {
	return t.selected(ctx, q, columns, scan)
}

// Listed implements [statements.Store].
func (t Table) Listed(ctx context.Context, q statements.Query) ([]statements.Closed, error) {
	return t.selected(ctx, q, listColumns, scanListed)
}

// selected reads the columns of the statements that q selects.
func (t Table) selected(ctx context.Context, q statements.Query, columns string, scan func(rows.Row) (statements.Closed, error)) ([]statements.Closed, error) {
	where, args := `WHERE true`, []any{}
	limit := func(condition string, values ...any) { where += ` AND ` + condition; args = append(args, values...) }
	if q.Owner != 0 {
		limit(`owner = ?`, q.Owner)
	}
	if q.Month != "" {
		limit(`month = ?`, q.Month)
	}
	if q.AfterMonth != "" {
		limit(`(month < ? OR month = ? AND tenant > ?)`, q.AfterMonth, q.AfterMonth, q.AfterTenant)
	}
	return rows.All(ctx, t.DB.Reader(), scan, `SELECT `+columns+` FROM statements `+where+` ORDER BY month DESC, tenant LIMIT ?`, append(args, q.Limit)...)
}

// scanListed reads what lists show of a statement.
func scanListed(row rows.Row) (c statements.Closed, err error) {
	var closed int64
	var start string
	if err := row.Scan(&c.Owner, &c.Tenant, &c.Month, &c.Number, &closed, &c.Calls, &c.Records, (*int64)(&c.Amount), &c.Currency, &c.Lines, &c.Hash, &start); err != nil {
		return c, fmt.Errorf("read a statement: %w", err)
	}
	c.ClosedAt = time.Unix(closed, 0).UTC()
	if c.Name, err = statements.ParseName(start); err != nil {
		return c, fmt.Errorf("the stored statement of %s for %s: %w", c.Tenant, c.Month, err)
	}
	return c, nil
}

// scan reads a statement. All of it but the columns of lists is in its note.
func scan(row rows.Row) (c statements.Closed, err error) {
	var closed, amount int64
	var of statements.Statement
	err = row.Scan(&c.Owner, &of.Tenant, &of.Month, &of.Number, &closed, &of.Calls, &of.Records, &amount, &of.Currency, &of.Lines, &c.Hash, &c.Note, &c.Key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return c, statements.ErrNotFound
	case err != nil:
		return c, fmt.Errorf("read a statement: %w", err)
	}
	text, err := statements.Open(c.Note, c.Key)
	if err == nil {
		c.Statement, err = statements.ParseText(text)
	}
	if err != nil {
		return c, fmt.Errorf("the stored statement of %s for %s: %w", of.Tenant, of.Month, err)
	}
	s := c.Statement
	same := s.Tenant == of.Tenant && s.Month == of.Month && s.Number == of.Number && s.Calls == of.Calls && s.Records == of.Records &&
		s.Amount == usage.Amount(amount) && s.Currency == of.Currency && s.Lines == of.Lines && s.ClosedAt.Unix() == closed && c.Hash == statements.Hash(text)
	if !same {
		return c, fmt.Errorf("the stored statement of %s for %s: its row differs from its signed text: the database was changed", of.Tenant, of.Month)
	}
	return c, nil
}

// chunksAtOnce is how many chunks are read with one query: about 400 KB.
const chunksAtOnce = 16

// EachChunk implements [statements.Store]. fn may wait for a client that reads slowly. So no
// connection is held meanwhile: there are few, and a transaction that is open for minutes keeps the
// write-ahead log from being emptied. The lines of a closed statement never change.
func (t Table) EachChunk(ctx context.Context, tenant, month string, fn func(statements.Chunk) error) error {
	for after := int64(-1); ; {
		some, err := rows.All(ctx, t.DB.Reader(), scanChunk,
			`SELECT first, hash, lines FROM statement_lines WHERE tenant = ? AND month = ? AND first > ? ORDER BY first LIMIT ?`, tenant, month, after, chunksAtOnce)
		if err != nil {
			return err
		}
		for _, c := range some {
			if err := fn(c); err != nil {
				return err
			}
			after = c.First
		}
		if len(some) < chunksAtOnce {
			return nil
		}
	}
}

// Chunk implements [statements.Store].
func (t Table) Chunk(ctx context.Context, tenant, month string, first int64) (statements.Chunk, error) {
	return scanChunk(t.DB.Reader().QueryRowContext(ctx, `SELECT first, hash, lines FROM statement_lines WHERE tenant = ? AND month = ? AND first = ?`, tenant, month, first))
}

func scanChunk(row rows.Row) (c statements.Chunk, err error) {
	var hash []byte
	if err := row.Scan(&c.First, &hash, &c.Lines); err != nil {
		return c, fmt.Errorf("read lines of a statement: %w", err)
	}
	copy(c.Hash[:], hash)
	return c, nil
}

// ChunkHashes implements [statements.Store].
func (t Table) ChunkHashes(ctx context.Context, tenant, month string) ([]tlog.Hash, error) {
	list, err := rows.All(ctx, t.DB.Reader(), func(r rows.Row) (h tlog.Hash, err error) {
		var b []byte
		err = r.Scan(&b)
		copy(h[:], b)
		return h, err
	}, `SELECT hash FROM statement_lines WHERE tenant = ? AND month = ? ORDER BY first`, tenant, month)
	if err != nil {
		return nil, fmt.Errorf("read lines of a statement: %w", err)
	}
	return list, nil
}

// Keys implements [statements.Store].
func (t Table) Keys(ctx context.Context) ([]string, error) {
	keys, err := rows.All(ctx, t.DB.Reader(), rows.Value[string], `SELECT key FROM statements GROUP BY key ORDER BY max(closed_at) DESC`)
	if err != nil {
		return nil, fmt.Errorf("read the keys of statements: %w", err)
	}
	return keys, nil
}
