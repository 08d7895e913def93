// Package evidencelog stores the evidence of stile doctor in the database.
package evidencelog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"stile.example/stile/evidence"
	"stile.example/stile/store/tables/rows"
)

var _ evidence.Store = Table{}

// Table is the table of evidence.
type Table struct{ DB rows.DB }

// Rows of one transaction, so that calls don't wait longer.
const (
	perWrite = 64
	perPrune = 500
)

const columns = `tenant, day, kind, key, note, count, first, last, ref, few, many`

// AddEvidence implements [evidence.Store].
func (t Table) AddEvidence(ctx context.Context, some []evidence.Entry) error {
	for part := range slices.Chunk(some, perWrite) {
		err := t.DB.Write(ctx, func(tx *sql.Tx) error {
			for _, e := range part {
				if err := add(ctx, tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("write evidence: %w", err)
		}
	}
	return nil
}

// add adds an entry to the row of its name, or of the others.
func add(ctx context.Context, tx *sql.Tx, e evidence.Entry) error {
	before, found, err := find(ctx, tx, e)
	if err != nil {
		return err
	}
	if !found && e.Key != evidence.Others {
		var keys int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM evidence WHERE tenant = ? AND day = ? AND kind = ?`, e.Tenant, e.Day, e.Kind).Scan(&keys)
		if err != nil {
			return err
		}
		if keys >= evidence.MaxKeys(e.Kind) {
			e.Key = evidence.Others
			if before, found, err = find(ctx, tx, e); err != nil {
				return err
			}
		}
	}
	if found {
		before.Add(e)
		e = before
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO evidence (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, day, kind, key) DO UPDATE SET
			note = excluded.note, count = excluded.count, first = excluded.first, last = excluded.last,
			ref = excluded.ref, few = excluded.few, many = excluded.many`,
		e.Tenant, e.Day, e.Kind, e.Key, e.Note, e.Count, e.First.Unix(), e.Last.Unix(), e.Ref, e.Few.Bytes(), blob(e.Many))
	return err
}

// blob returns b as it is stored: empty instead of NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func find(ctx context.Context, tx *sql.Tx, e evidence.Entry) (found evidence.Entry, ok bool, err error) {
	found, err = scan(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM evidence WHERE tenant = ? AND day = ? AND kind = ? AND key = ?`,
		e.Tenant, e.Day, e.Kind, e.Key))
	if errors.Is(err, sql.ErrNoRows) {
		return evidence.Entry{}, false, nil
	}
	return found, err == nil, err
}

// Evidence implements [evidence.Store].
func (t Table) Evidence(ctx context.Context, tenant uint32, from int64) ([]evidence.Entry, error) {
	list, err := rows.All(ctx, t.DB.Reader(), scan, `SELECT `+columns+` FROM evidence WHERE tenant = ? AND day >= ? ORDER BY day, kind, key`, tenant, from)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return list, nil
}

// EvidenceTraffic implements [evidence.Store].
func (t Table) EvidenceTraffic(ctx context.Context, from int64) (map[uint32]evidence.Traffic, error) {
	all := map[uint32]evidence.Traffic{}
	err := rows.Each(ctx, t.DB.Reader(), func(r rows.Row) error {
		var tenant uint32
		var kind evidence.Kind
		var key string
		var n int64
		if err := r.Scan(&tenant, &kind, &key, &n); err != nil {
			return err
		}
		of := all[tenant]
		if of.Refused == nil {
			of.Refused = map[string]int64{}
		}
		if kind == evidence.Calls {
			of.Calls += n
		} else {
			of.Refused[key] += n
		}
		all[tenant] = of
		return nil
	}, `
		SELECT tenant, kind, key, CAST(sum(count) AS bigint) FROM evidence
		WHERE kind IN ('calls', 'refused') AND day >= ? GROUP BY tenant, kind, key`, from)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return all, nil
}

// PruneEvidence implements [evidence.Store].
func (t Table) PruneEvidence(ctx context.Context, before int64) error {
	err := rows.Prune(ctx, t.DB, perPrune, `
		DELETE FROM evidence WHERE (tenant, day, kind, key) IN (
			SELECT tenant, day, kind, key FROM evidence WHERE day < ? LIMIT ?)`, before)
	if err != nil {
		return fmt.Errorf("prune evidence: %w", err)
	}
	return nil
}

func scan(row rows.Row) (e evidence.Entry, err error) {
	var first, last int64
	var few, many []byte
	if err = row.Scan(&e.Tenant, &e.Day, &e.Kind, &e.Key, &e.Note, &e.Count, &first, &last, &e.Ref, &few, &many); err != nil {
		return evidence.Entry{}, err
	}
	e.First, e.Last = time.Unix(first, 0).UTC(), time.Unix(last, 0).UTC()
	e.Few, e.Many = evidence.FewOf(few), evidence.Sketch(many)
	return e, nil
}
