package webhookdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"stile.example/stile/store/tables/rows"
	"stile.example/stile/webhooks"
)

// sweepRows is how many rows one transaction changes: calls wait for it.
const sweepRows = 500

// removal is a step of a sweep. find selects keys on a reading connection, because it may read many
// rows. change has them in place of theseKeys, once, and checks its condition again.
type removal struct {
	find   string
	args   []any
	change []string
}

const theseKeys = ` IN (keys)`

// Sweep implements [webhooks.Store].
func (t Table) Sweep(ctx context.Context, now time.Time, l webhooks.Limits) (more bool, err error) {
	expired, err := expiry(now, l)
	if err != nil {
		return false, err
	}
	removed := 0
	for _, r := range []removal{expired, orphans, old(now, l), beyond(l), marks(now, l), unused} {
		if r.find == unused.find && removed == 0 { // it reads all events
			continue
		}
		n, err := t.remove(ctx, r)
		if err != nil {
			return false, fmt.Errorf("sweep: %w", err)
		}
		removed += n
		more = more || n >= sweepRows
	}
	return more, nil
}

func (t Table) remove(ctx context.Context, r removal) (n int, err error) {
	keys, err := rows.All(ctx, t.DB.Reader(), rows.Value[any], r.find+` LIMIT ?`, append(r.args, sweepRows)...)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	these := ` IN (?` + strings.Repeat(`, ?`, len(keys)-1) + `)`
	return len(keys), t.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, change := range r.change {
			if _, err := tx.ExecContext(ctx, strings.Replace(change, theseKeys, these, 1), keys...); err != nil {
				return err
			}
		}
		return nil
	})
}

// expiry ends deliveries that still wait long after their last try was due: their webhook was
// paused or disabled all the time.
func expiry(now time.Time, l webhooks.Limits) (removal, error) {
	const why = "the webhook was disabled, or did not respond, for 24 h"
	tries, err := json.Marshal([]webhooks.Try{{At: now.UTC().Truncate(time.Millisecond), Error: why}})
	return removal{
		find: `SELECT id AS key FROM deliveries WHERE state = 'waiting' AND created_at < ?`, args: []any{rows.Millis(now.Add(-l.Expire))},
		change: []string{
			`UPDATE webhooks SET waiting = waiting - (
				SELECT count(*) FROM deliveries d WHERE d.webhook = webhooks.id AND d.state = 'waiting' AND d.id` + theseKeys + `)`,
			`UPDATE deliveries SET state = 'failed', next_at = 0, tries = CASE tries WHEN '[]' THEN '` + string(tries) + `' ELSE tries END
				WHERE state = 'waiting' AND id` + theseKeys,
		},
	}, err
}

// orphans removes the deliveries of removed webhooks.
var orphans = removal{
	find:   `SELECT id AS key FROM deliveries WHERE webhook NOT IN (SELECT id FROM webhooks)`,
	change: []string{`DELETE FROM deliveries WHERE id` + theseKeys},
}

// old removes deliveries that ended long ago. They have the lowest ids, and nothing waits for as
// long, so only the first ones are read.
func old(now time.Time, l webhooks.Limits) removal {
	return removal{
		find:   `SELECT id AS key FROM (SELECT id, state, created_at FROM deliveries ORDER BY id LIMIT 5000) AS oldest WHERE state <> 'waiting' AND created_at < ?`,
		args:   []any{rows.Millis(now.Add(-l.KeepFor))},
		change: []string{`DELETE FROM deliveries WHERE state <> 'waiting' AND id` + theseKeys},
	}
}

// beyond removes the oldest deliveries of webhooks that have too many, except those that wait. The
// first id to remove is found once for each webhook.
func beyond(l webhooks.Limits) removal {
	return removal{
		find: `WITH cut AS MATERIALIZED (
				SELECT id, (SELECT n.id FROM deliveries n WHERE n.webhook = w.id ORDER BY n.id DESC LIMIT 1 OFFSET ?) AS last FROM webhooks w)
			SELECT d.id AS key FROM cut JOIN deliveries d ON d.webhook = cut.id AND d.id <= cut.last
			WHERE d.state <> 'waiting'`,
		args:   []any{l.Finished},
		change: []string{`DELETE FROM deliveries WHERE state <> 'waiting' AND id` + theseKeys},
	}
}

// unused removes events without deliveries. Only the removal of deliveries leaves such events.
var unused = removal{
	find:   `SELECT id AS key FROM events e WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.id)`,
	change: []string{`DELETE FROM events WHERE id` + theseKeys + ` AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = events.id)`},
}

// marks removes old marks that only rise: what they are about ended long ago.
func marks(now time.Time, l webhooks.Limits) removal {
	return removal{
		find: `SELECT key FROM event_marks WHERE rises = 1 AND at < ?`, args: []any{rows.Millis(now.Add(-l.Marks))},
		change: []string{`DELETE FROM event_marks WHERE rises = 1 AND key` + theseKeys},
	}
}
