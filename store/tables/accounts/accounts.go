// Package accounts stores the admins, their tokens, sessions and passkeys in the database.
package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/store/tables/rows"
)

var _ admins.Store = Table{}

// Table is the tables of the accounts.
type Table struct{ DB rows.DB }

const adminColumns = `a.number, a.name, a.role, a.password, a.must_change, a.handle, a.issuer, a.subject, a.created_at, a.last_sign_in`

// Admins implements [admins.Store].
func (t Table) Admins(ctx context.Context) ([]admins.Admin, error) {
	return list(ctx, t, scanAdmin, `SELECT `+adminColumns+` FROM admins a ORDER BY lower(a.name)`)
}

// FindAdmin implements [admins.Store]. Names are ASCII, and the column compares bytes: a parameter
// would become lower case by the rules of the database's language, such as Turkish.
func (t Table) FindAdmin(ctx context.Context, by admins.Lookup) (a admins.Admin, err error) {
	where, args := `a.number = ?`, []any{by.Number}
	switch {
	case by.Name != "":
		where, args = `lower(a.name) = ?`, []any{strings.ToLower(by.Name)}
	case by.Handle != nil:
		where, args = `a.handle = ?`, []any{by.Handle}
	case by.Issuer != "":
		where, args = `a.issuer = ? AND a.subject = ?`, []any{by.Issuer, by.Subject}
	}
	a, err = scanAdmin(t.DB.Reader().QueryRowContext(ctx, `SELECT `+adminColumns+` FROM admins a WHERE `+where, args...))
	return a, readError(err)
}

// AddAdmin implements [admins.Store].
func (t Table) AddAdmin(ctx context.Context, a admins.Admin, most int) (admins.Admin, error) {
	err := t.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		if err := limit(ctx, tx, most, `SELECT count(*) FROM admins`); err != nil {
			return err
		}
		if err := isNew(ctx, tx, `SELECT count(*) FROM admins WHERE lower(name) = ? OR issuer <> '' AND issuer = ? AND subject = ? OR handle = ?`, strings.ToLower(a.Name), a.Issuer, a.Subject, a.Handle); err != nil {
			return err
		}
		a.Number, err = insert(ctx, tx, `INSERT INTO admins (name, role, password, must_change, handle, issuer, subject, created_at, last_sign_in) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number`,
			a.Name, a.Role, a.Password, a.MustChange, a.Handle, a.Issuer, a.Subject, rows.Millis(a.CreatedAt), rows.Millis(a.LastSignIn))
		return err
	})
	return a, err
}

// UpdateAdmin implements [admins.Store].
func (t Table) UpdateAdmin(ctx context.Context, number int64, fn func(*admins.Admin, int) error) (a admins.Admin, err error) {
	err = t.DB.Write(ctx, func(tx *sql.Tx) error {
		owners := 0
		if a, owners, err = adminAndOwners(ctx, tx, number); err != nil {
			return err
		}
		if err := fn(&a, owners); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE admins SET name = ?, role = ?, password = ?, must_change = ?, issuer = ?, subject = ?, last_sign_in = ? WHERE number = ?`,
			a.Name, a.Role, a.Password, a.MustChange, a.Issuer, a.Subject, rows.Millis(a.LastSignIn), number)
		return err
	})
	return a, err
}

// RemoveAdmin implements [admins.Store].
func (t Table) RemoveAdmin(ctx context.Context, number int64, check func(admins.Admin, int) error) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		a, owners, err := adminAndOwners(ctx, tx, number)
		if err != nil {
			return err
		}
		if err := check(a, owners); err != nil {
			return err
		}
		// The tables of tokens, sessions and passkeys delete theirs with it.
		_, err = tx.ExecContext(ctx, `DELETE FROM admins WHERE number = ?`, number)
		return err
	})
}

// adminAndOwners returns an account, and the number of other owners.
func adminAndOwners(ctx context.Context, tx *sql.Tx, number int64) (a admins.Admin, owners int, err error) {
	if a, err = scanAdmin(tx.QueryRowContext(ctx, `SELECT `+adminColumns+` FROM admins a WHERE a.number = ?`, number)); err != nil {
		return a, 0, readError(err)
	}
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM admins WHERE role = ? AND number <> ?`, admins.Owner, number).Scan(&owners)
	return a, owners, err
}

func scanAdmin(r rows.Row) (a admins.Admin, err error) {
	err = r.Scan(adminFields(&a)...)
	return a, err
}

// adminFields are those of adminColumns.
func adminFields(a *admins.Admin) []any {
	return []any{&a.Number, &a.Name, &a.Role, &a.Password, &a.MustChange, &a.Handle, &a.Issuer, &a.Subject, moment{&a.CreatedAt}, moment{&a.LastSignIn}}
}

// list returns the rows of a query.
func list[T any](ctx context.Context, t Table, scan func(rows.Row) (T, error), query string, args ...any) ([]T, error) {
	all, err := rows.All(ctx, t.DB.Reader(), scan, query, args...)
	return all, readError(err)
}

// limit returns [admins.ErrTooMany] if a count has reached most.
func limit(ctx context.Context, tx *sql.Tx, most int, query string, args ...any) error {
	var n int
	if err := tx.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return err
	}
	if n >= most {
		return admins.ErrTooMany
	}
	return nil
}

// isNew returns [admins.ErrExists] if there are rows that a new one would repeat. No other
// transaction adds one meanwhile.
func isNew(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	var n int
	err := tx.QueryRowContext(ctx, query, args...).Scan(&n)
	if err == nil && n > 0 {
		err = admins.ErrExists
	}
	return err
}

// insert adds a row and returns its id.
func insert(ctx context.Context, tx *sql.Tx, query string, args ...any) (id int64, err error) {
	return id, tx.QueryRowContext(ctx, query, args...).Scan(&id)
}

// change executes a statement that changes at least one row, or returns [admins.ErrNotFound].
func (t Table) change(ctx context.Context, query string, args ...any) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		n, err := rows.Affected(tx.ExecContext(ctx, query, args...))
		if err == nil && n == 0 {
			err = admins.ErrNotFound
		}
		return err
	})
}

// readError returns [admins.ErrNotFound] if there is no row.
func readError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return admins.ErrNotFound
	}
	return fmt.Errorf("read the admins: %w", err)
}

// moment reads a time.
type moment struct{ to *time.Time }

// Scan implements [sql.Scanner].
func (m moment) Scan(v any) error {
	millis, ok := v.(int64)
	if !ok {
		return fmt.Errorf("%T is not a time", v)
	}
	*m.to = rows.Time(millis)
	return nil
}
