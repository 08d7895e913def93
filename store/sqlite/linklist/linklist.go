// Package linklist stores the links of tenants' developers in the SQLite database.
package linklist

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/links"
)

var _ links.Store = Table{}

// DB is the database: see [stile.example/stile/store/sqlite.DB].
type DB interface {
	Write(ctx context.Context, fn func(*sql.Tx) error) error
	Reader() *sql.DB
}

// Table is the table of links.
type Table struct{ DB DB }

const columns = `id, tenant, name, by, created_at, expires, last_used, hash`

// AddLink implements [links.Store].
func (t Table) AddLink(ctx context.Context, l links.Link, most int) error {
	err := t.DB.Write(ctx, func(tx *sql.Tx) error {
		var have int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM links WHERE tenant = ? AND expires > ?`, l.Tenant, l.CreatedAt.Unix()).Scan(&have)
		if err != nil {
			return err
		}
		if have >= most {
			return links.ErrTooMany
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO links (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			l.ID, l.Tenant, l.Name, l.By, l.CreatedAt.Unix(), l.Expires.Unix(), unix(l.LastUsed), l.Hash[:])
		return err
	})
	return wrap("add a link", err)
}

// Links implements [links.Store].
func (t Table) Links(ctx context.Context, tenant uint32) (list []links.Link, err error) {
	rows, err := t.DB.Reader().QueryContext(ctx, `SELECT `+columns+` FROM links WHERE tenant = ? ORDER BY created_at, rowid`, tenant)
	if err != nil {
		return nil, wrap("read links", err)
	}
	defer rows.Close()
	for rows.Next() {
		l, err := scan(rows)
		if err != nil {
			return nil, wrap("read links", err)
		}
		list = append(list, l)
	}
	return list, wrap("read links", rows.Err())
}

// LinkOfHash implements [links.Store].
func (t Table) LinkOfHash(ctx context.Context, hash [sha256.Size]byte) (links.Link, error) {
	return t.one(ctx, `hash = ?`, hash[:])
}

// LinkOfID implements [links.Store].
func (t Table) LinkOfID(ctx context.Context, id string) (links.Link, error) {
	return t.one(ctx, `id = ?`, id)
}

func (t Table) one(ctx context.Context, where string, arg any) (links.Link, error) {
	l, err := scan(t.DB.Reader().QueryRowContext(ctx, `SELECT `+columns+` FROM links WHERE `+where, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return links.Link{}, links.ErrNotFound
	}
	return l, wrap("read a link", err)
}

// UseLink implements [links.Store].
func (t Table) UseLink(ctx context.Context, id string, at time.Time) error {
	return wrap("note the use of a link", t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE links SET last_used = max(last_used, ?) WHERE id = ?`, at.Unix(), id)
		return err
	}))
}

// RemoveLink implements [links.Store].
func (t Table) RemoveLink(ctx context.Context, tenant uint32, id string) error {
	return wrap("remove a link", t.DB.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM links WHERE tenant = ? AND id = ?`, tenant, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return links.ErrNotFound
	}))
}

// PruneLinks implements [links.Store].
func (t Table) PruneLinks(ctx context.Context, before time.Time) error {
	return wrap("remove old links", t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM links WHERE expires < ?`, before.Unix())
		return err
	}))
}

// wrap adds what was being done to an error, unless it is one of package links.
func wrap(what string, err error) error {
	if err == nil || errors.Is(err, links.ErrNotFound) || errors.Is(err, links.ErrTooMany) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

func scan(row interface{ Scan(...any) error }) (l links.Link, err error) {
	var created, expires, used int64
	var hash []byte
	if err = row.Scan(&l.ID, &l.Tenant, &l.Name, &l.By, &created, &expires, &used, &hash); err != nil {
		return links.Link{}, err
	}
	l.CreatedAt, l.Expires = time.Unix(created, 0).UTC(), time.Unix(expires, 0).UTC()
	if used != 0 {
		l.LastUsed = time.Unix(used, 0).UTC()
	}
	copy(l.Hash[:], hash)
	return l, nil
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
