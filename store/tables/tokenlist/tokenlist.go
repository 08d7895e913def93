// Package tokenlist lists the tokens in the database. Their rows, with the columns for lists, are
// written by the packages of the engines.
package tokenlist

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/listing"
)

var _ listing.Store = Table{}

// DB is the database: see [stile.example/stile/store/sqlite.DB].
type DB interface {
	Settle(ctx context.Context) (settled bool, err error)
	Reader() *sql.DB
}

// Table is the table of tokens.
type Table struct{ DB DB }

// Tokens implements [listing.Store]. It reads the rows of the page only: what decides about other
// tokens is in the index.
func (t Table) Tokens(ctx context.Context, q listing.Query) ([]listing.Entry, error) {
	if _, err := t.DB.Settle(ctx); err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	text, args := inner(q)
	list, err := rows.All(ctx, t.DB.Reader(), scan, `
		SELECT found.at, t.id, t.state, t.used FROM (`+text+`) AS found
		CROSS JOIN tokens AS t WHERE t.id = found.id
		ORDER BY found.at DESC, found.id DESC`, args...)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

func scan(row rows.Row) (e listing.Entry, err error) {
	var id, state []byte
	var used int64
	if err = row.Scan(&e.At, &id, &state, &used); err != nil {
		return e, err
	}
	e.ID, e.Used = tokens.ID(id), time.Unix(used, 0).UTC()
	e.State, err = tokens.DecodeState(state)
	return e, err
}

// inner returns the query for the times and ids of a page.
func inner(q listing.Query) (text string, args []any) {
	order, index := orderOf(q)
	where := []string{`true`}
	add := func(condition string, values ...any) { where, args = append(where, condition), append(args, values...) }
	if q.Tenant != 0 {
		add(`tenant = ?`, q.Tenant)
	}
	if q.Address.IsValid() {
		a := q.Address.As16()
		add(`address = ?`, a[:])
	}
	switch q.State {
	case listing.Live:
		add(`dead = 0 AND expires > ?`, q.Now.Unix())
	case listing.Dead:
		add(`dead > 0`)
	case listing.Expired:
		add(`expires <= ?`, q.Now.Unix())
	}
	if !q.After.IsZero() {
		add(`(`+order+`, id) < (?, ?)`, q.After.At, q.After.ID[:])
	}
	return `SELECT id, ` + order + ` AS at FROM tokens INDEXED BY ` + index + ` WHERE ` + strings.Join(where, ` AND `) +
		` ORDER BY ` + order + ` DESC, id DESC LIMIT ?`, append(args, q.Limit)
}

// orderOf returns the column that orders a list, and an index that has it. The tokens of one
// address are few, so they are sorted if they are wanted in another order than the index's.
func orderOf(q listing.Query) (column, index string) {
	column = "used"
	switch {
	case q.ByIssue:
		column = "issued"
	case q.State == listing.Expired:
		column = "expires"
	}
	if q.Address.IsValid() {
		return column, "tokens_by_address"
	}
	of := map[string]string{"used": "use", "issued": "issue", "expires": "expiry"}[column]
	return column, "tokens_by_" + of
}
