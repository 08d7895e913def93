package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/operations/statements"
	"stile.example/stile/settings"
)

// closeMonth closes a month in a data directory that no server uses, with the time at which a
// server would do it: a test can't wait for that.
func closeMonth(ctx context.Context, data, month string) (err error) {
	first, err := time.Parse("2006-01", month)
	if err != nil {
		return err
	}
	then := first.AddDate(0, 1, 3)
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": data}})
	if err != nil {
		return err
	}
	d, err := datadir.OpenExisting(ctx, s, func() time.Time { return then }, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	_, err = operations.RunAs[statements.None, statements.Closing](ctx, d, operations.CommandLine(0), "statement close", statements.None{})
	return err
}
