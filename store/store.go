// Package store opens what stile keeps its data in, by the settings' words.
package store

import (
	"context"
	"fmt"
	"path/filepath"

	"stile.example/stile/store/sqlite"
)

// Open opens the store that the setting names, in the data directory.
func Open(ctx context.Context, name, data string, opt sqlite.Options) (*sqlite.DB, error) {
	if err := Check(name); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, filepath.Join(data, "stile.db"), opt)
}

// Check says what is wrong with the name of a store, if anything is.
func Check(name string) error {
	if name != "sqlite" {
		return fmt.Errorf("store %q is not known: it must be sqlite", name)
	}
	return nil
}
