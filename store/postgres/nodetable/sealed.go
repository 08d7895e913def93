package nodetable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"stile.example/stile/store/tables/rows"
)

// Sealed is the table of what is encrypted with a key that is not in the database.
type Sealed struct{ DB rows.DB }

// Value is something encrypted.
type Value struct {
	Data []byte // nil: there is none
	Key  string // the fingerprint of the key
}

// Read returns a value; its Data is nil if there is none of that name.
func (s Sealed) Read(ctx context.Context, name string) (Value, error) {
	return readSealed(ctx, s.DB.Reader(), name)
}

func readSealed(ctx context.Context, q rows.Querier, name string) (v Value, err error) {
	err = q.QueryRowContext(ctx, `SELECT value, key FROM sealed WHERE name = ?`, name).Scan(&v.Data, &v.Key)
	if errors.Is(err, sql.ErrNoRows) {
		return Value{}, nil
	}
	if err != nil {
		return v, fmt.Errorf("read sealed %s: %w", name, err)
	}
	return v, nil
}

// Update replaces a value by the result of fn in one transaction. If the result is nil, nothing is
// changed.
func (s Sealed) Update(ctx context.Context, name string, fn func(Value) (*Value, error)) error {
	err := s.DB.Write(ctx, func(tx *sql.Tx) error {
		old, err := readSealed(ctx, tx, name)
		if err != nil {
			return err
		}
		next, err := fn(old)
		if err != nil || next == nil {
			return err
		}
		return putSealed(ctx, tx, name, *next)
	})
	if err != nil {
		return fmt.Errorf("write sealed %s: %w", name, err)
	}
	return nil
}

func putSealed(ctx context.Context, tx *sql.Tx, name string, v Value) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO sealed (name, value, key, changed) VALUES (?, ?, ?, `+now+`)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, key = excluded.key, changed = excluded.changed`, name, v.Data, v.Key)
	return err
}

// Remove removes a value.
func (s Sealed) Remove(ctx context.Context, name string) error {
	return s.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM sealed WHERE name = ?`, name)
		return err
	})
}

// ReplaceAll replaces values by the results of fn, in one transaction, and returns how many it has
// replaced. A value for which fn returns nil stays as it is.
func (s Sealed) ReplaceAll(ctx context.Context, fn func(name string, v Value) (*Value, error)) (n int, err error) {
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		type named struct {
			name string
			Value
		}
		all, err := rows.All(ctx, tx, func(r rows.Row) (v named, err error) {
			return v, r.Scan(&v.name, &v.Data, &v.Key)
		}, `SELECT name, value, key FROM sealed ORDER BY name`)
		if err != nil {
			return err
		}
		n = 0
		for _, v := range all {
			next, err := fn(v.name, v.Value)
			if err == nil && next != nil {
				n++
				err = putSealed(ctx, tx, v.name, *next)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
		return nil
	})
	return n, err
}
