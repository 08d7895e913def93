package inspect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"hash"
	"maps"
	"slices"
	"time"

	"stile.example/stile/statements"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/store/tables/statementlog"
	"stile.example/stile/store/tables/tenanttable"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

const (
	keepBill   = "the file that the tenant has is what was billed: verify it with `stile usage verify`; restore all files from a backup of before the change with `stile restore`"
	ledgerGone = "restore all files from a backup with `stile restore`; the statement itself is complete, and `stile statement export` still writes what was billed"
)

// clockSlack is for a clock that was set back by a day.
const clockSlack = 25 * time.Hour

// statementKey names a statement.
type statementKey struct{ tenant, month string }

// statementCheck is what was read of statements.
type statementCheck struct {
	*checker
	tx     *sql.Tx
	table  statementlog.Table
	names  map[uint32]string // of tenants
	closed map[string]bool   // months
	good   map[statementKey]statements.Closed
}

// withStates is the database for the table of statements.
type withStates struct{ readOnly }

func (withStates) EachState(ctx context.Context, tx *sql.Tx, fn func(tokens.ID, tokens.State)) error {
	return sqlite.EachState(ctx, tx, fn)
}

// Checkpoint implements [statementlog.DB]. Nothing is written here.
func (withStates) Checkpoint() error { return nil }

// statements checks each statement, the chain of each tenant's statements, the lines that they are
// made of, and that the ledger still has what was billed.
func (c *checker) statements(ctx context.Context, tx *sql.Tx) (err error) {
	c.begin("statements")
	s := &statementCheck{checker: c, tx: tx, table: statementlog.Table{DB: withStates{readOnly{c.DB}}}, closed: map[string]bool{}, good: map[statementKey]statements.Closed{}}
	if s.names, err = tenanttable.Names(ctx, tx); err != nil {
		return err
	}
	for _, check := range []func(context.Context) error{s.months, s.each, s.lines, s.orphans, s.unbilled} {
		if err := check(ctx); err != nil {
			return fmt.Errorf("read statements: %w", err)
		}
	}
	return nil
}

// months reads the closed months, which follow each other.
func (s *statementCheck) months(ctx context.Context) error {
	months, err := rows.All(ctx, s.tx, rows.Value[string], `SELECT month FROM closed_months ORDER BY month`)
	for i, m := range months {
		at, wrong := statements.ParseMonth(m)
		switch {
		case wrong != nil:
			s.found("a closed month has an impossible name", keepBill, "table closed_months, %q", m)
		case i > 0 && statements.MonthOf(at.AddDate(0, -1, 0)) != months[i-1]:
			s.found("a month between two closed ones is not closed", keepBill, "table closed_months: %s follows %s", m, months[i-1])
		case statements.ClosesAt(at).After(s.Now.Add(clockSlack)):
			s.found("a month that is not over is closed", keepBill, "table closed_months, %s", m)
		}
		s.closed[m] = true
	}
	return err
}

// each checks each statement by itself, and the chain of each tenant.
func (s *statementCheck) each(ctx context.Context) error {
	type row struct {
		owner uint32
		statementKey
	}
	all, err := rows.All(ctx, s.tx, func(r rows.Row) (n row, err error) { return n, r.Scan(&n.owner, &n.tenant, &n.month) },
		`SELECT owner, tenant, month FROM statements ORDER BY owner, month`)
	if err != nil {
		return err
	}
	before := map[uint32]statements.Closed{}
	for _, n := range all {
		s.row()
		list, err := s.table.Statements(ctx, statements.Query{Owner: n.owner, Month: n.month, Limit: 2})
		name := fmt.Sprintf("table statements, %s, %s", n.tenant, n.month)
		last, hasLast := before[n.owner]
		switch {
		case err != nil:
			s.found("a statement is not as it was signed", keepBill, "%s: %v", name, err)
			continue
		case len(list) != 1:
			s.found("a tenant has two statements of a month", keepBill, "%s", name)
			continue
		case tenants.ClientIDOf(s.names[n.owner]) != tenants.ClientIDOf(n.tenant):
			s.found("a statement belongs to another tenant", keepBill, "%s: tenant number %d", name, n.owner)
			continue
		case !hasLast && (list[0].Number != 1 || list[0].Previous != ""), hasLast && (list[0].Number != last.Number+1 || list[0].Previous != last.Hash):
			s.found("a statement does not follow the one before: one was removed, added or replaced", keepBill, "%s: number %d, after number %d", name, list[0].Number, last.Number)
		}
		c := list[0]
		before[n.owner], s.good[n.statementKey] = c, c
		again := c.Statement
		again.Rows = slices.Clone(c.Rows)
		if err := again.Cost(); err != nil || again.Calls != c.Calls || again.Records != c.Records || again.Amount != c.Amount || !slices.Equal(again.Rows, c.Rows) {
			s.found("the amounts of a statement do not follow from its prices", reportBug, "%s: %s, and computed again %s (%v)", name, c.Amount, again.Amount, err)
		}
	}
	return nil
}

// total is what the lines of a statement are.
type total struct {
	sum  hash.Hash
	rows map[statements.Row]statements.Row // by day and route
	n    int64
	text []byte
}

func newTotal() *total { return &total{sum: sha256.New(), rows: map[statements.Row]statements.Row{}} }

func (t *total) add(l statements.Line) {
	t.text = statements.AppendLine(t.text[:0], l)
	t.sum.Write(t.text)
	t.n++
}

// lines compares the stored lines of each statement with its root, and with the ledger.
func (s *statementCheck) lines(ctx context.Context) error {
	byMonth := map[string][]statements.Closed{}
	for _, c := range s.good {
		byMonth[c.Month] = append(byMonth[c.Month], c)
	}
	for _, month := range slices.Sorted(maps.Keys(byMonth)) {
		list := byMonth[month]
		slices.SortFunc(list, func(a, b statements.Closed) int { return cmp.Compare(a.Owner, b.Owner) })
		stored := make([]*total, len(list))
		for i, c := range list {
			var err error
			if stored[i], err = s.stored(ctx, c); err != nil {
				return err
			}
		}
		if err := s.ledger(ctx, month, list, stored); err != nil {
			return err
		}
	}
	return nil
}

// stored checks the stored lines of a statement, nil if they are wrong.
func (s *statementCheck) stored(ctx context.Context, c statements.Closed) (*total, error) {
	t, wrong := newTotal(), ""
	var tree statements.Tree
	err := s.table.EachChunk(ctx, c.Tenant, c.Month, func(chunk statements.Chunk) error {
		lines, err := statements.DecodeLines(chunk.Lines)
		var own statements.Tree
		for _, l := range lines {
			s.row()
			own.Add(l)
			t.add(l)
		}
		if wrong == "" && (err != nil || chunk.First != t.n-int64(len(lines)) || own.Root() != chunk.Hash) {
			wrong = fmt.Sprintf("the lines from %d on", chunk.First+1)
		}
		tree.Join(own)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if wrong == "" && (tree.Root().String() != c.Root || t.n != c.Lines) {
		wrong = fmt.Sprintf("%d lines, and %d were signed", t.n, c.Lines)
	}
	if wrong != "" {
		s.found("the stored lines of a statement are not those that were signed", keepBill, "table statement_lines, %s, %s: %s", c.Tenant, c.Month, wrong)
		return nil, nil
	}
	return t, nil
}

// ledger compares the ledger of a month with the stored lines of its statements.
func (s *statementCheck) ledger(ctx context.Context, month string, list []statements.Closed, stored []*total) error {
	first, err := statements.ParseMonth(month)
	if err != nil {
		return nil // a finding already
	}
	numbers, now := make([]uint32, len(list)), make([]*total, len(list))
	for i, c := range list {
		numbers[i], now[i] = c.Owner, newTotal()
	}
	from, to := statements.Days(first)
	err = s.table.EachLine(ctx, numbers, from, to, func(i int, lines []statements.Line) error {
		for _, l := range lines {
			now[i].add(l)
			key := statements.Row{Day: l.DayText(), Route: l.Route.String()}
			sum := now[i].rows[key]
			sum.Calls, sum.Records = sum.Calls+l.Calls, sum.Records+l.Records
			now[i].rows[key] = sum
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, c := range list {
		if stored[i] != nil && !slices.Equal(stored[i].sum.Sum(nil), now[i].sum.Sum(nil)) {
			s.found("the ledger does not have what was billed: lines of a closed month are gone, changed or added", ledgerGone, "table ledger, %s, %s: %s", c.Tenant, c.Month, difference(c, now[i]))
		}
	}
	return nil
}

// difference says where the ledger differs from a statement.
func difference(c statements.Closed, now *total) string {
	for _, r := range c.Rows {
		key := statements.Row{Day: r.Day, Route: r.Route}
		has := now.rows[key]
		delete(now.rows, key)
		if has.Calls != r.Calls || has.Records != r.Records {
			return fmt.Sprintf("%s, %s: %d calls and %d records, and the statement has %d and %d", r.Day, r.Route, has.Calls, has.Records, r.Calls, r.Records)
		}
	}
	for key, has := range now.rows {
		return fmt.Sprintf("%s, %s: %d calls and %d records, and the statement has none", key.Day, key.Route, has.Calls, has.Records)
	}
	return fmt.Sprintf("%d lines, and the statement has %d; each day and route has the same sum", now.n, c.Lines)
}

// orphans finds lines of statements that do not exist. While a month is being closed, there are
// some.
func (s *statementCheck) orphans(ctx context.Context) error {
	return rows.Each(ctx, s.tx, func(r rows.Row) error {
		var n statementKey
		if err := r.Scan(&n.tenant, &n.month); err != nil {
			return err
		}
		if s.closed[n.month] {
			s.found("there are lines of a statement that does not exist", keepBill, "table statement_lines, %s, %s", n.tenant, n.month)
		}
		return nil
	}, `
		SELECT DISTINCT tenant, month FROM statement_lines l
		WHERE NOT EXISTS (SELECT 1 FROM statements s WHERE s.tenant = l.tenant AND s.month = l.month)`)
}

// unbilled finds usage of closed months that is in no statement.
func (s *statementCheck) unbilled(context.Context) error {
	has := map[statementKey]bool{}
	for _, c := range s.good {
		has[statementKey{s.names[c.Owner], c.Month}] = true
	}
	for _, l := range s.used {
		month := l.Day[:len("2006-01")]
		if key := (statementKey{l.Tenant, month}); s.closed[month] && !has[key] {
			has[key] = true
			s.found("usage of a closed month is in no statement: it was removed, or the usage was added later", keepBill, "table statements, %s, %s", l.Tenant, month)
		}
	}
	return nil
}
