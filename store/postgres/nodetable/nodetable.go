// Package nodetable stores what nodes know of each other in PostgreSQL: their rows, the counters of
// what changed, leases, blocks by rules, and sealed values.
//
// Each statement is a transaction of its own and doesn't wait for the lock that transactions of
// other tables hold: a node must be able to say that it lives while another writes much.
package nodetable

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/nodes"
	"stile.example/stile/store/tables/rows"
)

var _ nodes.Store = Table{}

// Table is the tables of the nodes.
type Table struct {
	// Pool is a pool of connections that can write.
	Pool *sql.DB
}

// now is the time of the server in milliseconds, also within a transaction.
const now = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`

// Register implements [nodes.Store].
func (t Table) Register(ctx context.Context, i nodes.Info) (number uint32, err error) {
	settings, err := json.Marshal(i.Settings)
	if err != nil {
		return 0, err
	}
	err = t.Pool.QueryRowContext(ctx, `
		INSERT INTO nodes (name, version, address, settings, started, seen)
		VALUES (?, ?, ?, ?, `+now+`, `+now+`) RETURNING number`, i.Name, i.Version, i.Address, string(settings)).Scan(&number)
	return number, err
}

// Beat implements [nodes.Store].
func (t Table) Beat(ctx context.Context, number uint32, i nodes.Info, s nodes.Status) error {
	settings, err := json.Marshal(i.Settings)
	if err != nil {
		return err
	}
	_, err = t.Pool.ExecContext(ctx, `
		INSERT INTO nodes (number, name, version, address, settings, started, seen, generation, keys, settled)
		VALUES (?, ?, ?, ?, ?, `+now+`, `+now+`, ?, ?, ?)
		ON CONFLICT (number) DO UPDATE SET address = excluded.address, settings = excluded.settings, seen = excluded.seen, generation = excluded.generation, keys = excluded.keys, settled = excluded.settled, scanned = 0`,
		number, i.Name, i.Version, i.Address, string(settings), s.Generation, s.Keys, s.Settled)
	return err
}

// Leave implements [nodes.Store].
func (t Table) Leave(ctx context.Context, number uint32) error {
	_, err := t.Pool.ExecContext(ctx, `
		WITH ended AS (DELETE FROM leases WHERE node = ? AND name NOT LIKE 'once %')
		DELETE FROM nodes WHERE number = ?`, number, number)
	return err
}

// Nodes implements [nodes.Store].
func (t Table) Nodes(ctx context.Context) ([]nodes.Row, error) {
	return rows.All(ctx, t.Pool, scanNode, `
		SELECT number, name, version, address, settings, started, seen, generation, keys, settled, scanned, `+now+` - seen
		FROM nodes ORDER BY name, number`)
}

func scanNode(row rows.Row) (r nodes.Row, err error) {
	var settings string
	var started, seen, scanned, silent int64
	err = row.Scan(&r.Number, &r.Name, &r.Version, &r.Address, &settings, &started, &seen, &r.Generation, &r.Keys, &r.Settled, &scanned, &silent)
	if err != nil {
		return r, err
	}
	r.Scanned = scanned != 0
	r.Started, r.Seen, r.Silent = rows.Time(started), rows.Time(seen), time.Duration(silent)*time.Millisecond
	if err := json.Unmarshal([]byte(settings), &r.Settings); err != nil {
		return r, fmt.Errorf("node %d: %w", r.Number, err)
	}
	return r, nil
}

// Scanned implements [nodes.Store].
func (t Table) Scanned(ctx context.Context, numbers []uint32) error {
	_, err := t.Pool.ExecContext(ctx, `
		UPDATE nodes SET scanned = 1 WHERE number = ANY (?) AND seen < `+now+` - ?`, list(numbers), nodes.DeadAfter.Milliseconds())
	return err
}

// Remove implements [nodes.Store].
func (t Table) Remove(ctx context.Context, numbers []uint32) error {
	_, err := t.Pool.ExecContext(ctx, `
		DELETE FROM nodes WHERE number = ANY (?) AND scanned = 1 AND seen < `+now+` - ?`, list(numbers), nodes.DeadAfter.Milliseconds())
	return err
}

// list returns numbers as a parameter.
func list(numbers []uint32) []int64 {
	all := make([]int64, len(numbers))
	for i, n := range numbers {
		all[i] = int64(n)
	}
	return all
}

// Forget implements [nodes.Store].
func (t Table) Forget(ctx context.Context, silent time.Duration) ([]uint32, error) {
	if _, err := t.Pool.ExecContext(ctx, `DELETE FROM leases WHERE until < `+now); err != nil {
		return nil, err
	}
	return rows.All(ctx, t.Pool, rows.Value[uint32], `DELETE FROM nodes WHERE seen < `+now+` - ? RETURNING number`, silent.Milliseconds())
}

// Counters implements [nodes.Store].
func (t Table) Counters(ctx context.Context) (c nodes.Counters, err error) {
	c.Topics = map[string]int64{}
	err = rows.Each(ctx, t.Pool, func(r rows.Row) error {
		var topic string
		var counter, at int64
		if err := r.Scan(&topic, &counter, &at); err != nil {
			return err
		}
		c.Topics[topic], c.Now = counter, rows.Time(at)
		return nil
	}, `SELECT topic, counter, `+now+` FROM changes`)
	return c, err
}

// Increase implements [nodes.Store].
func (t Table) Increase(ctx context.Context, topic string) (counter int64, err error) {
	err = t.Pool.QueryRowContext(ctx, `UPDATE changes SET counter = counter + 1 WHERE topic = ? RETURNING counter`, topic).Scan(&counter)
	return counter, err
}

// Acquire implements [nodes.Store].
func (t Table) Acquire(ctx context.Context, name, what string, number uint32, fence int64, length time.Duration) (nodes.Lease, error) {
	text, args := `
		INSERT INTO leases AS l (name, what, node, fence, since, until)
		VALUES (?, ?, ?, nextval('fences'), `+now+`, `+now+` + ?)
		ON CONFLICT (name) DO UPDATE SET what = excluded.what, node = excluded.node, fence = excluded.fence, since = excluded.since, until = excluded.until
		WHERE l.until <= `+now+` RETURNING fence`, []any{name, what, number, length.Milliseconds()}
	if fence != 0 {
		text, args = `UPDATE leases SET until = `+now+` + ? WHERE name = ? AND fence = ? AND until > `+now+` RETURNING fence`,
			[]any{length.Milliseconds(), name, fence}
	}
	l := nodes.Lease{Name: name, What: what}
	err := t.Pool.QueryRowContext(ctx, text, args...).Scan(&l.Fence)
	if !errors.Is(err, sql.ErrNoRows) {
		return l, err
	}
	l.Node = "?" // it may have ended just now
	var since int64
	err = t.Pool.QueryRowContext(ctx, `
		SELECT n.name, l.what, l.since FROM leases l JOIN nodes n ON n.number = l.node WHERE l.name = ?`, name).Scan(&l.Node, &l.What, &since)
	l.Since = rows.Time(since)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return l, err
}

// Release implements [nodes.Store].
func (t Table) Release(ctx context.Context, name string, fence int64) error {
	_, err := t.Pool.ExecContext(ctx, `DELETE FROM leases WHERE name = ? AND fence = ?`, name, fence)
	return err
}

// Leases implements [nodes.Store].
func (t Table) Leases(ctx context.Context) ([]nodes.Lease, error) {
	return rows.All(ctx, t.Pool, func(r rows.Row) (l nodes.Lease, err error) {
		var since, left int64
		err = r.Scan(&l.Name, &l.What, &l.Number, &l.Node, &l.Fence, &since, &left)
		l.Since, l.Left = rows.Time(since), time.Duration(left)*time.Millisecond
		return l, err
	}, `
		SELECT l.name, l.what, l.node, coalesce(n.name, ''), l.fence, l.since, l.until - `+now+`
		FROM leases l LEFT JOIN nodes n ON n.number = l.node
		WHERE l.until > `+now+` AND l.name NOT LIKE 'once %' ORDER BY l.name`)
}
