package content

import (
	"context"
	"iter"
)

// Corpus stores items. [Read] returns the items to import.
type Corpus interface {
	// Import adds items to the corpus, all or none: it undoes everything and returns the first
	// error that items yields. Every item must have passed [Check].
	Import(ctx context.Context, o ImportOptions, items iter.Seq2[Item, error]) (Result, error)
}

// ImportOptions says who owns the items of an import, and whether others are removed.
type ImportOptions struct {
	Tenant uint32 // owner; 0 for the corpus that all tenants share
	// Prune removes the owner's items that are missing from the collections in the import.
	Prune    bool
	Progress func(done int) // if set, called occasionally with the number of imported items
}
