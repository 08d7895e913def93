package webhookdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/webhooks"
)

// PutEvent implements [webhooks.Store]. A mark that does not allow the event is found without a
// transaction.
func (t Table) PutEvent(ctx context.Context, m webhooks.Message, mark events.Mark, now time.Time, waiting int) (happens bool, err error) {
	if happens, err = allowed(ctx, t.DB.Reader(), mark); err != nil || !happens {
		return false, err
	}
	err = t.DB.Write(ctx, func(tx *sql.Tx) error {
		if happens, err = allowed(ctx, tx, mark); err != nil || !happens {
			return err
		}
		if err := putMark(ctx, tx, mark, now); err != nil {
			return err
		}
		return queue(ctx, tx, m, now, waiting)
	})
	return happens && err == nil, err
}

// allowed reports whether what is stored allows an event with a mark.
func allowed(ctx context.Context, q rows.Querier, mark events.Mark) (bool, error) {
	if mark.Key == "" {
		return true, nil
	}
	var stored int64
	err := q.QueryRowContext(ctx, `SELECT value FROM event_marks WHERE key = ?`, mark.Key).Scan(&stored)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("read a mark: %w", err)
	}
	return mark.Happens(stored, err == nil), nil
}

func putMark(ctx context.Context, tx *sql.Tx, mark events.Mark, now time.Time) (err error) {
	switch {
	case mark.Key == "":
	case mark.When == events.Ends:
		_, err = tx.ExecContext(ctx, `DELETE FROM event_marks WHERE key = ?`, mark.Key)
	default:
		err = setMark(ctx, tx, mark, "", now)
	}
	return err
}

func setMark(ctx context.Context, tx *sql.Tx, m events.Mark, note string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO event_marks (key, value, rises, note, at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value, rises = excluded.rises, note = excluded.note, at = excluded.at`,
		m.Key, m.Value, m.When == events.Rises, note, rows.Millis(now))
	return err
}

// queue stores an event with a delivery for each webhook that wants it. If none does, it stores
// nothing.
func queue(ctx context.Context, tx *sql.Tx, m webhooks.Message, now time.Time, waiting int) error {
	all, err := listWebhooks(ctx, tx)
	if err != nil {
		return err
	}
	stored := false
	for _, w := range all {
		switch {
		case !w.Wants(m):
			continue
		case w.Waiting >= waiting:
			if _, err := tx.ExecContext(ctx, `UPDATE webhooks SET dropped = dropped + 1 WHERE id = ?`, w.ID); err != nil {
				return err
			}
			continue
		case !stored:
			if err := putMessage(ctx, tx, m); err != nil {
				return err
			}
			stored = true
		}
		d := webhooks.Delivery{Webhook: w.ID, Message: m, State: webhooks.Waiting, CreatedAt: now, Next: now}
		if _, err := putDelivery(ctx, tx, d); err != nil {
			return err
		}
	}
	return nil
}

func putMessage(ctx context.Context, tx *sql.Tx, m webhooks.Message) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO events (id, type, tenant, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, m.ID, m.Type, m.Tenant, string(m.Body))
	return err
}

// SetMark implements [webhooks.Store].
func (t Table) SetMark(ctx context.Context, m events.Mark, note string, now time.Time) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error { return setMark(ctx, tx, m, note, now) })
}

// EachMark implements [webhooks.Store].
func (t Table) EachMark(ctx context.Context, prefix string, fn func(key string, value int64, note string)) error {
	err := rows.Each(ctx, t.DB.Reader(), func(r rows.Row) error {
		var key, note string
		var value int64
		if err := r.Scan(&key, &value, &note); err != nil {
			return err
		}
		fn(key, value, note)
		return nil
	}, `SELECT key, value, note FROM event_marks WHERE substr(key, 1, length(?)) = ? ORDER BY key`, prefix, prefix)
	if err != nil {
		return fmt.Errorf("read marks: %w", err)
	}
	return nil
}
