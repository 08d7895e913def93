package inspect

import (
	"context"
	"fmt"

	"stile.example/stile/store/sqlite/migration"
)

// schema compares the tables, indexes and triggers with those that the migrations make, and reports
// whether all tables are as they must be. Otherwise their rows can't be checked.
func (c *checker) schema(ctx context.Context) (usable bool, err error) {
	wanted, err := migration.Schema(ctx)
	if err != nil {
		return false, fmt.Errorf("make the schema to compare with: %w", err)
	}
	has, err := migration.Objects(ctx, c.DB)
	if err != nil {
		return false, fmt.Errorf("read the schema: %w", err)
	}
	type name struct{ kind, name string }
	found := map[name]string{}
	for _, o := range has {
		found[name{o.Type, o.Name}] = o.SQL
	}
	usable = true
	for _, o := range wanted {
		sql, exists := found[name{o.Type, o.Name}]
		delete(found, name{o.Type, o.Name})
		switch {
		case !exists:
			c.found("a table, an index or a trigger is missing", restoreAll, "%s %s", o.Type, o.Name)
		case sql != o.SQL:
			c.found("a table, an index or a trigger was changed", restoreAll, "%s %s: %.80q", o.Type, o.Name, sql)
		default:
			continue
		}
		usable = usable && o.Type != "table"
	}
	for _, o := range has {
		if _, unknown := found[name{o.Type, o.Name}]; unknown && (o.Type == "table" || o.Type == "index") {
			c.noticed("somebody has added a table or an index, which stile does not use", "nothing, if you added it; otherwise, drop it with an SQLite shell while the server is stopped", "%s %s", o.Type, o.Name)
		}
	}
	return usable, nil
}
