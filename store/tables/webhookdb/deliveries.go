package webhookdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/webhooks"
)

const selectDeliveries = `
	SELECT d.id, d.webhook, d.state, d.created_at, d.next_at, d.attempts, d.tries, d.replay_of, e.id, e.type, e.tenant, e.body
	FROM deliveries d JOIN events e ON e.id = d.event JOIN webhooks w ON w.id = d.webhook `

// AddDelivery implements [webhooks.Store].
func (t Table) AddDelivery(ctx context.Context, d webhooks.Delivery) (id int64, err error) {
	err = t.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := findWebhook(ctx, tx, d.Webhook); err != nil {
			return err
		}
		if err := putMessage(ctx, tx, d.Message); err != nil {
			return err
		}
		id, err = putDelivery(ctx, tx, d)
		return err
	})
	return id, err
}

// putDelivery adds a delivery. Its event is stored already.
func putDelivery(ctx context.Context, tx *sql.Tx, d webhooks.Delivery) (id int64, err error) {
	tries, err := triesOf(d)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO deliveries (webhook, event, state, created_at, next_at, attempts, tries, replay_of)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		RETURNING id`,
		d.Webhook, d.Message.ID, d.State, rows.Millis(d.CreatedAt), rows.Millis(d.Next), d.Attempts, tries, d.ReplayOf).Scan(&id)
	if err == nil && d.State == webhooks.Waiting {
		err = addWaiting(ctx, tx, d.Webhook, 1)
	}
	return id, err
}

func triesOf(d webhooks.Delivery) (string, error) {
	if d.Tries == nil {
		d.Tries = []webhooks.Try{}
	}
	text, err := json.Marshal(d.Tries)
	return string(text), err
}

func addWaiting(ctx context.Context, tx *sql.Tx, webhook string, n int) error {
	_, err := tx.ExecContext(ctx, `UPDATE webhooks SET waiting = waiting + ? WHERE id = ?`, n, webhook)
	return err
}

// tooFar is later than any next try: the clock was ahead when it was set.
const tooFar = 25 * time.Hour

// Due implements [webhooks.Store].
func (t Table) Due(ctx context.Context, webhook string, now time.Time, limit int) (due []webhooks.Delivery, next time.Time, err error) {
	const of = `WHERE d.state = 'waiting' AND d.webhook = ? AND `
	due, err = t.list(ctx, of+`(d.next_at <= ? OR d.next_at > ?) ORDER BY d.next_at, d.id LIMIT ?`, webhook, rows.Millis(now), rows.Millis(now.Add(tooFar)), limit)
	if err != nil {
		return nil, time.Time{}, err
	}
	var at sql.NullInt64
	err = t.DB.Reader().QueryRowContext(ctx, `SELECT min(next_at) FROM deliveries d `+of+`d.next_at > ?`, webhook, rows.Millis(now)).Scan(&at)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read deliveries: %w", err)
	}
	return due, rows.Time(at.Int64), nil
}

// UpdateDelivery implements [webhooks.Store].
func (t Table) UpdateDelivery(ctx context.Context, id int64, fn func(*webhooks.Delivery, *webhooks.Webhook)) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		d, err := scanDelivery(tx.QueryRowContext(ctx, selectDeliveries+`WHERE d.id = ?`, id))
		if errors.Is(err, sql.ErrNoRows) {
			return webhooks.ErrNotFound
		}
		if err != nil {
			return err
		}
		w, err := findWebhook(ctx, tx, d.Webhook)
		if err != nil {
			return err
		}
		waited := d.State == webhooks.Waiting
		fn(&d, &w)
		tries, err := triesOf(d)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE deliveries SET state = ?, next_at = ?, attempts = ?, tries = ? WHERE id = ?`,
			d.State, rows.Millis(d.Next), d.Attempts, tries, id)
		if err != nil {
			return err
		}
		if waited && d.State != webhooks.Waiting {
			if err := addWaiting(ctx, tx, w.ID, -1); err != nil {
				return err
			}
		}
		return putWebhook(ctx, tx, w.ID, w)
	})
}

// Deliveries implements [webhooks.Store].
func (t Table) Deliveries(ctx context.Context, q webhooks.Query) ([]webhooks.Delivery, error) {
	where, args := `WHERE true`, []any{}
	limit := func(condition string, value any) { where += ` AND ` + condition; args = append(args, value) }
	if q.ID != 0 {
		limit(`d.id = ?`, q.ID)
	}
	if q.Webhook != "" {
		limit(`d.webhook = ?`, q.Webhook)
	}
	if q.State != "" {
		limit(`d.state = ?`, q.State)
	}
	if q.Type != "" {
		limit(`e.type = ?`, q.Type)
	}
	if q.NotReplayed {
		limit(`e.type <> ? AND NOT EXISTS (SELECT 1 FROM deliveries r WHERE r.replay_of = d.id AND r.replay_of <> 0)`, events.WebhookTest)
	}
	if q.Before != 0 {
		limit(`d.id < ?`, q.Before)
	}
	return t.list(ctx, where+` ORDER BY d.id DESC LIMIT ?`, append(args, q.Limit)...)
}

func (t Table) list(ctx context.Context, clauses string, args ...any) ([]webhooks.Delivery, error) {
	all, err := rows.All(ctx, t.DB.Reader(), scanDelivery, selectDeliveries+clauses, args...)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return all, nil
}

func scanDelivery(r rows.Row) (d webhooks.Delivery, err error) {
	var created, next int64
	var tries, body string
	m := &d.Message
	err = r.Scan(&d.ID, &d.Webhook, &d.State, &created, &next, &d.Attempts, &tries, &d.ReplayOf, &m.ID, &m.Type, &m.Tenant, &body)
	if err != nil {
		return webhooks.Delivery{}, err
	}
	d.CreatedAt, d.Next, m.Body = rows.Time(created), rows.Time(next), []byte(body)
	return d, json.Unmarshal([]byte(tries), &d.Tries)
}
