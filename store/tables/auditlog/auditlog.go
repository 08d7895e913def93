// Package auditlog stores the audit log in the database.
package auditlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/audit"
	"stile.example/stile/store/tables/rows"
)

var _ audit.Store = Table{}

// Table is the table of the audit log.
type Table struct{ DB rows.DB }

const columns = `seq, at, actor, role, credential, address, operation, subject, before, after, hash`

// AppendAudit implements [audit.Store].
func (t Table) AppendAudit(ctx context.Context, fill func(audit.Entry, audit.Head) (audit.Entry, audit.Head)) (e audit.Entry, err error) {
	err = t.DB.Write(ctx, func(tx *sql.Tx) error {
		newest, err := newestEntry(ctx, tx)
		if err != nil {
			return err
		}
		head, err := readHead(ctx, tx)
		if err != nil {
			return err
		}
		e, head = fill(newest, head)
		_, err = tx.ExecContext(ctx, `INSERT INTO audit (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			e.Seq, e.At.UnixMilli(), e.Actor, e.Role, e.Credential, e.Address, e.Operation, e.Subject, string(e.Before), string(e.After), e.Hash[:])
		if err != nil {
			return err
		}
		return writeHead(ctx, tx, head)
	})
	return e, err
}

// SetAuditHead implements [audit.Store].
func (t Table) SetAuditHead(ctx context.Context, fill func(audit.Entry) audit.Head) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		newest, err := newestEntry(ctx, tx)
		if err != nil {
			return err
		}
		return writeHead(ctx, tx, fill(newest))
	})
}

// newestEntry returns the zero entry if there is none.
func newestEntry(ctx context.Context, tx *sql.Tx) (audit.Entry, error) {
	e, err := scan(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM audit ORDER BY seq DESC LIMIT 1`))
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Entry{}, nil
	}
	return e, err
}

// readHead returns the zero head if there is none.
func readHead(ctx context.Context, tx *sql.Tx) (h audit.Head, err error) {
	var hash, seal []byte
	err = tx.QueryRowContext(ctx, `SELECT seq, hash, seal FROM audit_head`).Scan(&h.Seq, &hash, &seal)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	copy(h.Hash[:], hash)
	copy(h.Seal[:], seal)
	return h, err
}

func writeHead(ctx context.Context, tx *sql.Tx, h audit.Head) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO audit_head (id, seq, hash, seal) VALUES (1, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, seal = excluded.seal`, h.Seq, h.Hash[:], h.Seal[:])
	return err
}

// AuditEntries implements [audit.Store].
func (t Table) AuditEntries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	where, args := `WHERE true`, []any{}
	limit := func(condition string, values ...any) { where += ` AND ` + condition; args = append(args, values...) }
	if q.Actor != "" {
		limit(`actor = ?`, q.Actor)
	}
	if q.Operation != "" {
		limit(`(operation = ? OR operation >= ? AND operation < ?)`, q.Operation, q.Operation+" ", q.Operation+"!")
	}
	if q.Subject != "" {
		limit(`subject = ?`, q.Subject)
	}
	if !q.From.IsZero() {
		limit(`at >= ?`, q.From.UnixMilli())
	}
	if !q.To.IsZero() {
		limit(`at < ?`, q.To.UnixMilli())
	}
	if q.Before > 0 {
		limit(`seq < ?`, q.Before)
	}
	list, err := rows.All(ctx, t.DB.Reader(), scan, `SELECT `+columns+` FROM audit `+where+` ORDER BY seq DESC LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return list, nil
}

// EachAudit implements [audit.Store].
func (t Table) EachAudit(ctx context.Context, fn func(audit.Entry) error) (h audit.Head, err error) {
	err = rows.View(ctx, t.DB.Reader(), func(tx *sql.Tx) error {
		err := rows.Each(ctx, tx, func(r rows.Row) error {
			e, err := scan(r)
			if err != nil {
				return fmt.Errorf("read the audit log: %w", err)
			}
			return fn(e)
		}, `SELECT `+columns+` FROM audit ORDER BY seq`)
		if err != nil {
			return err
		}
		h, err = readHead(ctx, tx)
		return err
	})
	return h, err
}

func scan(row rows.Row) (e audit.Entry, err error) {
	var at int64
	var before, after string
	var hash []byte
	if err = row.Scan(&e.Seq, &at, &e.Actor, &e.Role, &e.Credential, &e.Address, &e.Operation, &e.Subject, &before, &after, &hash); err != nil {
		return audit.Entry{}, err
	}
	e.At = time.UnixMilli(at).UTC()
	e.Before, e.After = orNil(before), orNil(after)
	copy(e.Hash[:], hash)
	return e, nil
}

func orNil(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}
