package inspect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"stile.example/stile/idempotency"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tenants"
	"stile.example/stile/usage"
	"stile.example/stile/webhooks"
)

// sealed checks what is encrypted with the server's secret key: it must be possible to decrypt it.
func (c *checker) sealed(ctx context.Context, tx *sql.Tx) error {
	_, secret, err := c.Keys()
	if err != nil {
		return nil // a finding of its own
	}
	c.part = "webhooks"
	err = rows.Each(ctx, tx, func(r rows.Row) error {
		var id, text string
		if err := r.Scan(&id, &text); err != nil {
			return err
		}
		var list []webhooks.Secret
		err := json.Unmarshal([]byte(text), &list)
		if err == nil {
			err = webhooks.CheckSecrets(secret, id, list)
		}
		if err != nil {
			c.found("the secret of a webhook can't be decrypted", "make a new one with `stile webhook rotate-secret`, and give it to the receiver", "table webhooks, webhook %s", id)
		}
		return nil
	}, `SELECT id, secrets FROM webhooks`)
	if err != nil {
		return fmt.Errorf("read webhooks: %w", err)
	}
	c.part = "other tables"
	requests, err := idempotency.New(secret, nil)
	if err != nil {
		return err
	}
	err = rows.Each(ctx, tx, func(r rows.Row) error {
		var id, response []byte
		if err := r.Scan(&id, &response); err != nil {
			return err
		}
		if len(id) == 32 && len(response) > 0 && requests.Check([32]byte(id), response) != nil {
			c.found("the response to a repeatable request can't be decrypted", dropRow, "table idempotency, request %X", id)
		}
		return nil
	}, `SELECT id, response FROM idempotency WHERE response IS NOT NULL`)
	if err != nil {
		return fmt.Errorf("read idempotency: %w", err)
	}
	return nil
}

// history checks that the history has no more calls than were counted. It is written after the
// calls are durable, and a server that is killed loses some of it, so it may have fewer. A call
// at midnight may be in the usage of the day before.
func (c *checker) history(ctx context.Context, tx *sql.Tx) error {
	if c.used == nil { // the usage itself has findings
		return nil
	}
	c.part = "history"
	byClient := map[string][]usage.Line{"": c.used}
	for _, l := range c.used {
		clientID := tenants.ClientIDOf(l.Tenant)
		byClient[clientID] = append(byClient[clientID], l)
	}
	err := rows.Each(ctx, tx, func(r rows.Row) error {
		var tenant string
		var since, calls int64
		if err := r.Scan(&tenant, &since, &calls); err != nil {
			return err
		}
		first := dayOf(since/86400 - 1)
		var used int64
		for _, l := range byClient[tenant] {
			if l.Day >= first {
				used += l.Calls
			}
		}
		if calls > used {
			c.found("the history has more calls than were counted", "trust the usage, not the charts; if `stile fsck` finds nothing else, report this to the developers of stile", "table history, tenant %q: %d calls since %s, and %d in the usage", tenant, calls, first, used)
		}
		return nil
	}, `
		SELECT tenant, min(at), sum((SELECT total(value) FROM json_each(CASE WHEN json_valid(counts) THEN counts ELSE '{}' END) WHERE key GLOB 'call *'))
		FROM history WHERE step = 3600 GROUP BY tenant`)
	if err != nil {
		return fmt.Errorf("read the history: %w", err)
	}
	return nil
}
