// Package tenanttable stores tenants in the database.
package tenanttable

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tenants"
)

var _ tenants.Store = Table{}

// Table is the table of tenants.
type Table struct{ DB rows.DB }

const selectTenants = `
	SELECT number, client_id, name, status, calls_per_month, created_at, sites, policy, secrets, prices, keys, currency
	FROM tenants WHERE status <> 'removed'`

// Tenants implements [tenants.Store]. It returns all tenants in the order of their client_ids.
func (db Table) Tenants(ctx context.Context) ([]tenants.Tenant, error) {
	all, err := rows.All(ctx, db.DB.Reader(), scanTenant, selectTenants+` ORDER BY client_id`)
	if err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	return all, nil
}

// AddTenant adds a tenant and returns it with its number. Its times are stored to the second.
func (db Table) AddTenant(ctx context.Context, t tenants.Tenant) (tenants.Tenant, error) {
	row, err := tenantRow(t)
	if err != nil {
		return tenants.Tenant{}, fmt.Errorf("add tenant %s: %w", t.ClientID, err)
	}
	err = db.DB.Write(ctx, func(tx *sql.Tx) error {
		var exists bool
		err := tx.QueryRowContext(ctx, `
			SELECT EXISTS (SELECT 1 FROM tenants WHERE client_id = ? AND status <> 'removed')`, t.ClientID).Scan(&exists)
		if err != nil {
			return err
		}
		if exists {
			return tenants.ErrExists
		}
		return tx.QueryRowContext(ctx, `
			INSERT INTO tenants (client_id, name, status, calls_per_month, created_at, sites, policy, secrets, prices, keys, currency)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			RETURNING number`, append([]any{t.ClientID}, row...)...).Scan(&t.Number)
	})
	if err != nil {
		return tenants.Tenant{}, fmt.Errorf("add tenant %s: %w", t.ClientID, err)
	}
	t.CreatedAt = t.CreatedAt.UTC().Truncate(time.Second)
	return t, nil
}

// UpdateTenant changes a tenant by fn in one transaction, unless fn fails. Its number and client_id
// can't be changed.
func (db Table) UpdateTenant(
	ctx context.Context, clientID string, fn func(*tenants.Tenant) error,
) (t tenants.Tenant, err error) {
	err = db.DB.Write(ctx, func(tx *sql.Tx) error {
		if t, err = scanTenant(tx.QueryRowContext(ctx, selectTenants+` AND client_id = ?`, clientID)); err != nil {
			return notFound(err)
		}
		number := t.Number
		if err := fn(&t); err != nil {
			return err
		}
		t.Number, t.ClientID = number, clientID
		row, err := tenantRow(t)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE tenants
			SET name = ?, status = ?, calls_per_month = ?, created_at = ?, sites = ?, policy = ?, secrets = ?, prices = ?, keys = ?, currency = ?
			WHERE number = ?`, append(row, number)...)
		return err
	})
	if err != nil {
		return tenants.Tenant{}, fmt.Errorf("update tenant %s: %w", clientID, err)
	}
	return t, nil
}

// RemoveTenant removes a tenant. Its number, client_id, name, prices and currency stay, for its
// statements.
func (db Table) RemoveTenant(ctx context.Context, clientID string) error {
	number, err := db.TenantNumber(ctx, clientID)
	if err != nil {
		return fmt.Errorf("remove tenant %s: %w", clientID, err)
	}
	err = db.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE tenants
			SET status = 'removed', sites = '[]', policy = '{}', secrets = '[]', keys = ''
			WHERE number = ?`, number)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove tenant %s: %w", clientID, err)
	}
	return nil
}

// TenantNumber returns the number of a tenant, or [tenants.ErrNotFound].
func (db Table) TenantNumber(ctx context.Context, clientID string) (n uint32, err error) {
	err = db.DB.Reader().QueryRowContext(ctx, `
		SELECT number FROM tenants WHERE client_id = ? AND status <> 'removed'`, clientID).Scan(&n)
	if err != nil {
		return 0, notFound(err)
	}
	return n, nil
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return tenants.ErrNotFound
	}
	return err
}

// Names returns the name of each tenant by its number, including those that were removed: see
// [tenants.Names].
func Names(ctx context.Context, q rows.Querier) (map[uint32]string, error) {
	clients := map[uint32]string{}
	err := rows.Each(ctx, q, func(r rows.Row) error {
		var number uint32
		var client string
		err := r.Scan(&number, &client)
		clients[number] = client
		return err
	}, `SELECT number, client_id FROM tenants`)
	if err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	return tenants.Names(clients), nil
}

// tenantRow returns the values of a tenant's columns, beginning with name.
func tenantRow(t tenants.Tenant) ([]any, error) {
	row := []any{t.Name, t.Status, t.CallsPerMonth, t.CreatedAt.Unix()}
	for _, v := range []any{t.Sites, t.Policy, storedSecrets(t.Secrets), t.Prices} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		row = append(row, string(text))
	}
	return append(row, t.Keys, t.Currency), nil
}

func scanTenant(row rows.Row) (t tenants.Tenant, err error) {
	var created int64
	var secrets []storedSecret
	err = row.Scan(&t.Number, &t.ClientID, &t.Name, &t.Status, &t.CallsPerMonth, &created,
		fromJSON{&t.Sites}, fromJSON{&t.Policy}, fromJSON{&secrets}, fromJSON{&t.Prices}, &t.Keys, &t.Currency)
	if err != nil {
		return tenants.Tenant{}, err
	}
	t.CreatedAt = time.Unix(created, 0).UTC()
	for _, s := range secrets {
		if len(s.Hash) != len(tenants.Secret{}.Hash) {
			return tenants.Tenant{}, fmt.Errorf("tenant %s: the hash of a secret has %d bytes", t.ClientID, len(s.Hash))
		}
		t.Secrets = append(t.Secrets, tenants.Secret{Hash: [32]byte(s.Hash), Until: s.Until})
	}
	return t, nil
}

// storedSecret is a secret as JSON, with its hash in base64 instead of 32 numbers.
type storedSecret struct {
	Hash  []byte    `json:"hash"`
	Until time.Time `json:"until,omitzero"`
}

func storedSecrets(secrets []tenants.Secret) (stored []storedSecret) {
	for _, s := range secrets {
		stored = append(stored, storedSecret{s.Hash[:], s.Until.UTC()})
	}
	return stored
}

// fromJSON scans a column of JSON text.
type fromJSON struct{ into any }

// Scan implements [sql.Scanner].
func (f fromJSON) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("%T is not JSON text", v)
	}
	return json.Unmarshal([]byte(text), f.into)
}
