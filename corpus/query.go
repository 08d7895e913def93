package corpus

import (
	"context"

	"stile.example/stile/corpus/database"
)

type scanner = database.Scanner

func query(
	ctx context.Context, db database.Querier, fn func(scanner) error, text string, args ...any,
) error {
	return database.Query(ctx, db, fn, text, args...)
}
