package statementlog

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stile.example/stile/statements"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tokens"
)

// FirstUsage implements [statements.Store].
func (t Table) FirstUsage(ctx context.Context) (day int32, found bool, err error) {
	first := func(d int32) {
		if !found || d < day {
			day, found = d, true
		}
	}
	err = rows.View(ctx, t.DB.Reader(), func(tx *sql.Tx) error {
		var ledger sql.NullInt32
		if err := tx.QueryRowContext(ctx, `SELECT min(day) FROM (SELECT (SELECT min(day) FROM ledger WHERE tenant = number) AS day FROM tenants) AS firsts`).Scan(&ledger); err != nil {
			return err
		}
		if ledger.Valid {
			first(ledger.Int32)
		}
		return t.DB.EachState(ctx, tx, func(_ tokens.ID, s tokens.State) {
			for u := range s.Uses() {
				first(u.Day)
			}
		})
	})
	if err != nil {
		return 0, false, fmt.Errorf("read the first usage: %w", err)
	}
	return day, found, nil
}

// EachLine implements [statements.Store]. It reads the ledger and the states in one transaction, in
// which each token is in one of them. It is on a connection that can only read, so calls don't
// wait, and it reads the ledger in parts.
func (t Table) EachLine(ctx context.Context, numbers []uint32, from, to int32, fn func(index int, lines []statements.Line) error) error {
	return rows.View(ctx, t.DB.Reader(), func(tx *sql.Tx) error {
		r := &reading{ctx: ctx, tx: tx, states: map[place][]statements.Line{}}
		err := t.DB.EachState(ctx, tx, func(id tokens.ID, s tokens.State) {
			for u := range s.Uses() {
				if u.Day >= from && u.Day <= to {
					p := place{s.Tenant, u.Day, u.Route}
					r.states[p] = append(r.states[p], statements.Line{Token: id, Day: u.Day, Route: u.Route, Calls: int64(u.Calls), Records: int64(u.Records)})
				}
			}
		})
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		for i, n := range numbers {
			if err := r.days(n, from, to, func(lines []statements.Line) error { return fn(i, lines) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// place is where lines are counted.
type place struct {
	tenant uint32
	day    int32
	route  tokens.Route
}

// reading is a transaction in which lines are read.
type reading struct {
	ctx    context.Context
	tx     *sql.Tx
	states map[place][]statements.Line // the counts that are not in the ledger
}

// days calls fn with the lines from one day to another, in order.
func (r *reading) days(tenant uint32, from, to int32, fn func([]statements.Line) error) error {
	for day := from; day <= to; day++ {
		for _, route := range statements.Routes {
			if err := r.each(place{tenant, day, route}, fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// each calls fn with the lines of a place, in order. If they are only in the ledger, which is
// usual, they are passed on part by part.
func (r *reading) each(p place, fn func([]statements.Line) error) error {
	all := r.states[p]
	if len(all) == 0 {
		return r.ledger(p, fn)
	}
	err := r.ledger(p, func(some []statements.Line) error {
		all = append(all, some...)
		return nil
	})
	if err != nil {
		return err
	}
	return fn(merge(all))
}

// merge sorts lines, and adds up those of the same token. A token is in the ledger and in a state
// only if the clock was set back by more than a day.
func merge(all []statements.Line) []statements.Line {
	slices.SortFunc(all, statements.CompareLines)
	sums := all[:1]
	for _, l := range all[1:] {
		if last := &sums[len(sums)-1]; statements.CompareLines(*last, l) == 0 {
			last.Calls += l.Calls
			last.Records += l.Records
		} else {
			sums = append(sums, l)
		}
	}
	return sums
}

const ledgerRows = 4096 // that are read with one query

// ledger calls fn with the ledger's lines of a place, part by part, in order. SQLite joins the rows
// of a part into one text: a million rows one by one would take three times as long.
func (r *reading) ledger(p place, fn func([]statements.Line) error) error {
	after := []byte{}
	for {
		var text sql.NullString
		err := r.tx.QueryRowContext(r.ctx, `
			SELECT string_agg(hex(token) || ' ' || calls || ' ' || records, ',' ORDER BY token) FROM
			(SELECT token, calls, records FROM ledger WHERE tenant = ? AND day = ? AND route = ? AND token > ? ORDER BY token LIMIT ?) AS part`,
			p.tenant, p.day, p.route, after, ledgerRows).Scan(&text)
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		if text.String == "" {
			return nil
		}
		lines, err := parseRows(p, text.String)
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		if err := fn(lines); err != nil {
			return err
		}
		if len(lines) < ledgerRows {
			return nil
		}
		last := lines[len(lines)-1].Token
		after = last[:]
	}
}

var errRow = errors.New("a row of the ledger is damaged")

func parseRows(p place, text string) ([]statements.Line, error) {
	lines := make([]statements.Line, 0, strings.Count(text, ",")+1)
	for row := range strings.SplitSeq(text, ",") {
		l := statements.Line{Day: p.day, Route: p.route}
		id, rest, _ := strings.Cut(row, " ")
		calls, records, _ := strings.Cut(rest, " ")
		if len(id) != 2*len(l.Token) {
			return nil, errRow
		}
		_, err := hex.Decode(l.Token[:], []byte(id))
		if err == nil {
			l.Calls, err = strconv.ParseInt(calls, 10, 64)
		}
		if err == nil {
			l.Records, err = strconv.ParseInt(records, 10, 64)
		}
		if err != nil {
			return nil, errRow
		}
		lines = append(lines, l)
	}
	return lines, nil
}
