package content

import (
	"context"
	"iter"
)

// Corpus is where items are kept. [Read] gives it what to import.
type Corpus interface {
	// Import puts items into the corpus, all or none: the first error that
	// items yields undoes everything and is returned. Every item must have
	// passed [Check].
	Import(ctx context.Context, o ImportOptions, items iter.Seq2[Item, error]) (Result, error)
}

// ImportOptions says whose items an import brings and what becomes of those
// that are there already.
type ImportOptions struct {
	Tenant   uint32         // owner; 0 for the corpus that all tenants share
	Prune    bool           // remove the owner's items that are missing from the collections that the import touched
	Progress func(done int) // if set, told now and then how many items are in
}
