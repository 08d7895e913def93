// Package linklist stores the links of tenants' developers in the database.
package linklist

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/links"
	"stile.example/stile/store/tables/rows"
)

var _ links.Store = Table{}

// Table is the table of links.
type Table struct{ DB rows.DB }

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
func (t Table) Links(ctx context.Context, tenant uint32) ([]links.Link, error) {
	list, err := rows.All(ctx, t.DB.Reader(), scan, `SELECT `+columns+` FROM links WHERE tenant = ? ORDER BY created_at, name, id`, tenant)
	return list, wrap("read links", err)
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
		_, err := tx.ExecContext(ctx, `UPDATE links SET last_used = CASE WHEN last_used < ? THEN ? ELSE last_used END WHERE id = ?`, at.Unix(), at.Unix(), id)
		return err
	}))
}

// RemoveLink implements [links.Store].
func (t Table) RemoveLink(ctx context.Context, tenant uint32, id string) error {
	return wrap("remove a link", t.DB.Write(ctx, func(tx *sql.Tx) error {
		n, err := rows.Affected(tx.ExecContext(ctx, `DELETE FROM links WHERE tenant = ? AND id = ?`, tenant, id))
		if err == nil && n == 0 {
			err = links.ErrNotFound
		}
		return err
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

func scan(row rows.Row) (l links.Link, err error) {
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
