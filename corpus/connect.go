package corpus

import (
	"context"
	"database/sql"

	"stile.example/stile/corpus/sqlite"
)

func openWriter(name string) *sql.DB { return sqlite.OpenWriter(name) }

type scanner = sqlite.Scanner

// query calls fn for each row of the result.
func query(ctx context.Context, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, fn func(scanner) error, text string, args ...any) error {
	return sqlite.Query(ctx, db, fn, text, args...)
}

func first(owner uint32) int64  { return sqlite.First(owner) }
func last(owner uint32) int64   { return sqlite.Last(owner) }
func ownerOf(item int64) uint32 { return sqlite.OwnerOf(item) }
