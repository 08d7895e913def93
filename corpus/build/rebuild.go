package build

import (
	"context"
	"errors"
	"fmt"

	"stile.example/stile/corpus/sqlite"
)

// Rebuild makes a file of the current format from one of an older format. The items and their
// numbers stay, and what they are found by is derived again. After an error the new file is
// unusable and must be removed.
func Rebuild(ctx context.Context, name, from string) (err error) {
	if err := Create(ctx, name); err != nil {
		return err
	}
	b, err := newBuilder(name, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	old := sqlite.OpenReaders(from, 1)
	defer func() { err = errors.Join(err, old.Close()) }()
	err = sqlite.Query(ctx, old, func(scan sqlite.Scanner) error {
		var item int64
		var list, whole []byte
		if err := scan(&item, &list, &whole); err != nil {
			return err
		}
		return b.insertAgain(item, list, whole)
	}, `SELECT item, list, whole FROM items ORDER BY item`)
	if err != nil {
		return err
	}
	return b.finish()
}

// insertAgain inserts an item of any owner as it was stored. Items must be in the order of their
// numbers, so that each owner's are together.
func (b *Builder) insertAgain(item int64, list, whole []byte) error {
	if owner := sqlite.OwnerOf(item); owner != b.owner {
		if err := b.flush(); err != nil {
			return err
		}
		b.owner = owner
	}
	b.added++
	if err := b.insert(item, list, whole); err != nil {
		return fmt.Errorf("item %d: %w", item, err)
	}
	return nil
}
