package move

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"unicode/utf8"

	"stile.example/stile/store/tables/rows"
)

// Limits of one statement that inserts rows. PostgreSQL and SQLite take at least 32,000 parameters.
const (
	maxRows   = 500
	maxParams = 20_000
	maxBytes  = 1 << 20
)

// cells returns places to scan a row into.
func cells(columns []column) []any {
	row := make([]any, len(columns))
	for i, c := range columns {
		switch c.kind {
		case integer:
			row[i] = new(sql.NullInt64)
		case text:
			row[i] = new(sql.NullString)
		case bytes:
			row[i] = new([]byte)
		}
	}
	return row
}

// values returns what was scanned into cells, as parameters, and their size. They don't change when
// the next row is scanned.
func values(row []any) (params []any, size int) {
	params = make([]any, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case *sql.NullInt64:
			if v.Valid {
				params[i] = v.Int64
			}
			size += 8
		case *sql.NullString:
			if v.Valid {
				params[i] = v.String
			}
			size += len(v.String)
		case *[]byte:
			if *v != nil { // Scan has copied it
				params[i] = *v
			}
			size += len(*v)
		}
	}
	return params, size
}

// inserter inserts rows into a table, many with each statement.
type inserter struct {
	tx      *sql.Tx
	table   string
	columns []column
	end     string // after the values, such as ON CONFLICT; may be ""

	most   int // rows of a full statement
	full   string
	params []any
	size   int
}

func newInserter(tx *sql.Tx, table string, columns []column, end string) *inserter {
	in := &inserter{tx: tx, table: table, columns: columns, end: end, most: min(maxRows, maxParams/len(columns))}
	in.full = in.statement(in.most)
	return in
}

// statement returns the statement that inserts n rows.
func (in *inserter) statement(n int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(in.columns)), ", ") + "), "
	return `INSERT INTO "` + in.table + `" (` + names(in.columns) + `) VALUES ` +
		strings.TrimSuffix(strings.Repeat(one, n), ", ") + in.end
}

func (in *inserter) add(ctx context.Context, params []any, size int) error {
	in.params = append(in.params, params...)
	in.size += size
	if len(in.params) < in.most*len(in.columns) && in.size < maxBytes {
		return nil
	}
	return in.flush(ctx)
}

// flush inserts the rows that wait.
func (in *inserter) flush(ctx context.Context) error {
	n := len(in.params) / len(in.columns)
	if n == 0 {
		return nil
	}
	query := in.full
	if n < in.most {
		query = in.statement(n)
	}
	if _, err := in.tx.ExecContext(ctx, query, in.params...); err != nil {
		return fmt.Errorf("write %s: %w", in.table, err)
	}
	in.params, in.size = in.params[:0], 0
	return nil
}

// copyTable copies all rows of a table, reads them back and compares them. It first removes the
// rows that the target has, such as those that its migrations insert.
func (m *mover) copyTable(ctx context.Context, from, to *sql.Tx, p plan) error {
	columns, err := sqliteCatalog.columnsOf(ctx, from, p.name)
	if err != nil {
		return err
	}
	if _, err := to.ExecContext(ctx, `DELETE FROM "`+p.name+`"`); err != nil {
		return fmt.Errorf("empty %s: %w", p.name, err)
	}
	in, d := newInserter(to, p.name, columns, ""), &digest{}
	err = eachRow(ctx, from, p.name, columns, func(row []any) error {
		if err := p.makeStorable(row); err != nil {
			return err
		}
		d.add(row)
		m.progress.rows(1)
		params, size := values(row)
		return in.add(ctx, params, size)
	})
	if err == nil {
		err = in.flush(ctx)
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", p.name, err)
	}
	m.digests[p.name] = d
	return m.verifyTable(ctx, to, p, columns)
}

// makeStorable replaces what PostgreSQL can't store in a text: what is not UTF-8, and NUL. Requests
// may have both, and what is recorded about requests may lose them. Anything else must stay as it
// is, byte by byte.
func (p plan) makeStorable(row []any) error {
	for _, v := range row {
		s, isText := v.(*sql.NullString)
		if !isText || utf8.ValidString(s.String) && strings.IndexByte(s.String, 0) < 0 {
			continue
		}
		if !p.isAboutRequests {
			return fmt.Errorf("a text is not UTF-8, or contains NUL, which PostgreSQL can't store: %.40q", s.String)
		}
		s.String = strings.ToValidUTF8(strings.ReplaceAll(s.String, "\x00", "\uFFFD"), "\uFFFD")
	}
	return nil
}

// digestOf returns what the rows of a table are, as the target can store them.
func (m *mover) digestOf(ctx context.Context, tx *sql.Tx, table string, columns []column) (*digest, error) {
	p, _ := planOf(table)
	d := &digest{}
	err := eachRow(ctx, tx, table, columns, func(row []any) error {
		if err := p.makeStorable(row); err != nil {
			return err
		}
		d.add(row)
		m.progress.rows(1)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return d, nil
}

// eachRow calls fn for each row of a table.
func eachRow(ctx context.Context, tx *sql.Tx, table string, columns []column, fn func(row []any) error) error {
	row := cells(columns)
	return rows.Each(ctx, tx, func(r rows.Row) error {
		if err := r.Scan(row...); err != nil {
			return err
		}
		return fn(row)
	}, `SELECT `+names(columns)+` FROM "`+table+`"`)
}
