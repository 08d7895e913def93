// Package webhookdb stores webhooks, their deliveries and the marks of events in the database.
package webhookdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"stile.example/stile/events"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/webhooks"
)

var _ webhooks.Store = Table{}

// Table is the tables of webhooks.
type Table struct{ DB rows.DB }

const webhookColumns = `id, url, events, tenant, enabled, disabled, secrets, created_at, failures, failing_since, paused_until, succeeded_at, waiting, dropped`

// AddWebhook implements [webhooks.Store].
func (t Table) AddWebhook(ctx context.Context, w webhooks.Webhook, most int) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM webhooks`).Scan(&n); err != nil {
			return err
		}
		if n >= most {
			return webhooks.ErrTooMany
		}
		types, secrets, err := jsonOf(w)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO webhooks (id, url, events, tenant, enabled, disabled, secrets, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			w.ID, w.URL, types, w.Tenant, w.Enabled, w.Disabled, secrets, rows.Millis(w.CreatedAt))
		return err
	})
}

// jsonOf returns the events and the secrets of a webhook as JSON.
func jsonOf(w webhooks.Webhook) (types, secrets string, err error) {
	if w.Events == nil {
		w.Events = []events.Type{}
	}
	a, err := json.Marshal(w.Events)
	if err != nil {
		return "", "", err
	}
	b, err := json.Marshal(w.Secrets)
	return string(a), string(b), err
}

// UpdateWebhook implements [webhooks.Store].
func (t Table) UpdateWebhook(ctx context.Context, id string, fn func(*webhooks.Webhook) error) (w webhooks.Webhook, err error) {
	err = t.DB.Write(ctx, func(tx *sql.Tx) error {
		if w, err = findWebhook(ctx, tx, id); err != nil {
			return err
		}
		if err := fn(&w); err != nil {
			return err
		}
		return putWebhook(ctx, tx, id, w)
	})
	return w, err
}

func findWebhook(ctx context.Context, q rows.Querier, id string) (webhooks.Webhook, error) {
	w, err := scanWebhook(q.QueryRowContext(ctx, `SELECT `+webhookColumns+` FROM webhooks WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = webhooks.ErrNotFound
	}
	return w, err
}

// putWebhook writes what can be changed of a webhook.
func putWebhook(ctx context.Context, tx *sql.Tx, id string, w webhooks.Webhook) error {
	types, secrets, err := jsonOf(w)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE webhooks
		SET url = ?, events = ?, tenant = ?, enabled = ?, disabled = ?, secrets = ?, failures = ?, failing_since = ?, paused_until = ?, succeeded_at = ?
		WHERE id = ?`,
		w.URL, types, w.Tenant, w.Enabled, w.Disabled, secrets, w.Failures, rows.Millis(w.FailingSince), rows.Millis(w.PausedUntil), rows.Millis(w.SucceededAt), id)
	return err
}

// RemoveWebhook implements [webhooks.Store].
func (t Table) RemoveWebhook(ctx context.Context, id string) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		n, err := rows.Affected(tx.ExecContext(ctx, `DELETE FROM webhooks WHERE id = ?`, id))
		if err == nil && n == 0 {
			err = webhooks.ErrNotFound
		}
		return err
	})
}

// Webhooks implements [webhooks.Store].
func (t Table) Webhooks(ctx context.Context) ([]webhooks.Webhook, error) {
	return listWebhooks(ctx, t.DB.Reader())
}

func listWebhooks(ctx context.Context, q rows.Querier) ([]webhooks.Webhook, error) {
	all, err := rows.All(ctx, q, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks ORDER BY created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", err)
	}
	return all, nil
}

func scanWebhook(r rows.Row) (w webhooks.Webhook, err error) {
	var types, secrets string
	var created, failing, paused, succeeded int64
	err = r.Scan(&w.ID, &w.URL, &types, &w.Tenant, &w.Enabled, &w.Disabled, &secrets, &created, &w.Failures, &failing, &paused, &succeeded, &w.Waiting, &w.Dropped)
	if err != nil {
		return webhooks.Webhook{}, err
	}
	w.CreatedAt, w.FailingSince, w.PausedUntil, w.SucceededAt = rows.Time(created), rows.Time(failing), rows.Time(paused), rows.Time(succeeded)
	return w, errors.Join(json.Unmarshal([]byte(types), &w.Events), json.Unmarshal([]byte(secrets), &w.Secrets))
}
