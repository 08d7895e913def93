package move

import (
	"context"
	"fmt"
	"strings"

	"stile.example/stile/store/tables/rows"
)

// column is a column of a table. All that stile stores are integers, texts and bytes.
type column struct {
	name string
	kind kind
}

type kind byte

const (
	integer kind = 'i'
	text    kind = 't'
	bytes   kind = 'b'
)

// kinds has the kind of each type that the stores use.
var kinds = map[string]kind{
	"INTEGER": integer, "TEXT": text, "BLOB": bytes, // SQLite
	"bigint": integer, "integer": integer, "text": text, "bytea": bytes, // PostgreSQL
}

// catalog reads which tables a store has, and their columns, in the order of their names.
type catalog struct {
	tables  string // selects the names of the tables
	columns string // selects name and type of the columns of one table
}

var (
	sqliteCatalog = catalog{
		tables:  `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`,
		columns: `SELECT name, type FROM pragma_table_info(?) ORDER BY name`,
	}
	postgresCatalog = catalog{
		tables: `SELECT table_name::text FROM information_schema.tables
			WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name COLLATE "C"`,
		columns: `SELECT column_name::text, data_type::text FROM information_schema.columns
			WHERE table_schema = current_schema() AND table_name = ? ORDER BY column_name COLLATE "C"`,
	}
)

func (c catalog) tablesOf(ctx context.Context, q rows.Querier) ([]string, error) {
	names, err := rows.All(ctx, q, rows.Value[string], c.tables)
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	return names, nil
}

func (c catalog) columnsOf(ctx context.Context, q rows.Querier, table string) ([]column, error) {
	columns, err := rows.All(ctx, q, func(r rows.Row) (col column, err error) {
		var typeName string
		if err := r.Scan(&col.name, &typeName); err != nil {
			return col, err
		}
		known := false
		if col.kind, known = kinds[typeName]; !known {
			return col, fmt.Errorf("the column %s has the type %s, which can't be copied", col.name, typeName)
		}
		return col, nil
	}, c.columns, table)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", table, err)
	}
	return columns, nil
}

// names returns the names of columns as SQL has them.
func names(columns []column) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = `"` + c.name + `"`
	}
	return strings.Join(quoted, ", ")
}
