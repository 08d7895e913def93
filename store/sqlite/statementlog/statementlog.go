// Package statementlog stores statements in the SQLite database, and reads the lines that they are
// made of. Triggers refuse every change of a stored statement.
package statementlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"stile.example/stile/statements"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

var _ statements.Store = Table{}

// DB is the database: see [stile.example/stile/store/sqlite.DB].
type DB interface {
	Write(ctx context.Context, fn func(*sql.Tx) error) error
	Reader() *sql.DB
	EachState(ctx context.Context, tx *sql.Tx, fn func(tokens.ID, tokens.State)) error
}

// Table is the tables of statements.
type Table struct{ DB DB }

// querier is a transaction, or a pool of connections.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// EveryTenant implements [statements.Store].
func (t Table) EveryTenant(ctx context.Context) ([]tenants.Tenant, error) {
	return readTenants(ctx, t.DB.Reader(), "")
}

// readTenants returns the tenants of a client_id, "" for all, as far as statements need them.
func readTenants(ctx context.Context, q querier, clientID string) ([]tenants.Tenant, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT number, client_id, name, status, created_at, prices, currency FROM tenants
		WHERE ? = '' OR client_id = ? ORDER BY number`, clientID, clientID)
	if err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	defer rows.Close()
	var all []tenants.Tenant
	for rows.Next() {
		var a tenants.Tenant
		var created int64
		var prices string
		if err := rows.Scan(&a.Number, &a.ClientID, &a.Name, &a.Status, &created, &prices, &a.Currency); err != nil {
			return nil, fmt.Errorf("read tenants: %w", err)
		}
		if err := json.Unmarshal([]byte(prices), &a.Prices); err != nil {
			return nil, fmt.Errorf("read tenants: prices of %s: %w", a.ClientID, err)
		}
		a.CreatedAt = time.Unix(created, 0).UTC()
		all = append(all, a)
	}
	return all, rows.Err()
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

// ClearLines implements [statements.Store]. It removes them a few at a time, since calls wait.
func (t Table) ClearLines(ctx context.Context, tenant, month string) error {
	for more := true; more; {
		err := t.DB.Write(ctx, func(tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, `
				DELETE FROM statement_lines WHERE rowid IN
				(SELECT rowid FROM statement_lines WHERE tenant = ? AND month = ? LIMIT 32)`, tenant, month)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			more = n > 0
			return err
		})
		if err != nil {
			return fmt.Errorf("remove lines of an interrupted statement: %w", err)
		}
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

const columns = `tenant, month, number, closed_at, calls, records, amount, currency, lines, hash, note, key`

// AddStatement implements [statements.Store].
func (t Table) AddStatement(ctx context.Context, c statements.Closed, stamp string) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		list, err := readTenants(ctx, tx, c.Tenant)
		if err != nil {
			return err
		}
		if now := statements.Accounts(list); len(now) != 1 || now[0].Stamp != stamp {
			return statements.ErrChanged
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO statements (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.Tenant, c.Month, c.Number, c.ClosedAt.Unix(), c.Calls, c.Records, int64(c.Amount), c.Currency, c.Lines, c.Hash, c.Note, c.Key)
		return err
	})
}

// Statement implements [statements.Store].
func (t Table) Statement(ctx context.Context, tenant, month string) (statements.Closed, error) {
	return scan(t.DB.Reader().QueryRowContext(ctx, `SELECT `+columns+` FROM statements WHERE tenant = ? AND month = ?`, tenant, month))
}

// Statements implements [statements.Store].
func (t Table) Statements(ctx context.Context, q statements.Query) ([]statements.Closed, error) {
	where, args := `WHERE 1`, []any{}
	limit := func(condition string, values ...any) { where += ` AND ` + condition; args = append(args, values...) }
	if q.Tenant != "" {
		limit(`tenant = ?`, q.Tenant)
	}
	if q.Month != "" {
		limit(`month = ?`, q.Month)
	}
	if q.AfterMonth != "" {
		limit(`(month < ? OR month = ? AND tenant > ?)`, q.AfterMonth, q.AfterMonth, q.AfterTenant)
	}
	rows, err := t.DB.Reader().QueryContext(ctx, `SELECT `+columns+` FROM statements `+where+` ORDER BY month DESC, tenant LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("read statements: %w", err)
	}
	defer rows.Close()
	var list []statements.Closed
	for rows.Next() {
		c, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// scan reads a statement. All of it but the columns of lists is in its note.
func scan(row interface{ Scan(...any) error }) (c statements.Closed, err error) {
	var closed, amount int64
	var of statements.Statement
	err = row.Scan(&of.Tenant, &of.Month, &of.Number, &closed, &of.Calls, &of.Records, &amount, &of.Currency, &of.Lines, &c.Hash, &c.Note, &c.Key)
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

// EachChunk implements [statements.Store].
func (t Table) EachChunk(ctx context.Context, tenant, month string, fn func(statements.Chunk) error) error {
	rows, err := t.DB.Reader().QueryContext(ctx, `SELECT first, hash, lines FROM statement_lines WHERE tenant = ? AND month = ? ORDER BY first`, tenant, month)
	if err != nil {
		return fmt.Errorf("read lines of a statement: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanChunk(rows)
		if err != nil {
			return err
		}
		if err := fn(c); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Chunk implements [statements.Store].
func (t Table) Chunk(ctx context.Context, tenant, month string, first int64) (statements.Chunk, error) {
	return scanChunk(t.DB.Reader().QueryRowContext(ctx, `SELECT first, hash, lines FROM statement_lines WHERE tenant = ? AND month = ? AND first = ?`, tenant, month, first))
}

func scanChunk(row interface{ Scan(...any) error }) (c statements.Chunk, err error) {
	var hash []byte
	if err := row.Scan(&c.First, &hash, &c.Lines); err != nil {
		return c, fmt.Errorf("read lines of a statement: %w", err)
	}
	copy(c.Hash[:], hash)
	return c, nil
}

// ChunkHashes implements [statements.Store].
func (t Table) ChunkHashes(ctx context.Context, tenant, month string) (list []tlog.Hash, err error) {
	rows, err := t.DB.Reader().QueryContext(ctx, `SELECT hash FROM statement_lines WHERE tenant = ? AND month = ? ORDER BY first`, tenant, month)
	if err != nil {
		return nil, fmt.Errorf("read lines of a statement: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, fmt.Errorf("read lines of a statement: %w", err)
		}
		var h tlog.Hash
		copy(h[:], b)
		list = append(list, h)
	}
	return list, rows.Err()
}

// Keys implements [statements.Store].
func (t Table) Keys(ctx context.Context) (keys []string, err error) {
	rows, err := t.DB.Reader().QueryContext(ctx, `SELECT key FROM statements GROUP BY key ORDER BY max(closed_at) DESC`)
	if err != nil {
		return nil, fmt.Errorf("read the keys of statements: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("read the keys of statements: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}
