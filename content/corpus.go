package content

import (
	"context"
	"iter"

	"stile.example/stile/content/options"
)

// Corpus stores items. [Read] returns the items to import.
type Corpus interface {
	// Import adds items to the corpus, all or none: it undoes everything and returns the first
	// error that items yields, except those that [Result.Omit] records. Every item must have passed
	// [Check].
	Import(ctx context.Context, o ImportOptions, items iter.Seq2[Item, error]) (Result, error)
}

// ImportOptions says who owns the items of an import, whether others are removed, and what is
// chosen for all items of the owner.
type ImportOptions struct {
	Tenant uint32 // owner; 0 for the corpus that all tenants share
	// Prune removes the owner's items that are missing from the collections in the import.
	Prune bool
	// Confirmed is how many items Prune may remove if that is [Removal.IsLarge].
	Confirmed int
	// SkipInvalid omits an item whose id belongs to another owner, instead of failing.
	SkipInvalid bool
	// Source names the source and the process that reads it, for the message to other imports.
	Source string
	// Options changes what was chosen at earlier imports. It stays until it is changed again.
	Options  options.Change
	Progress func(done int) // if set, called occasionally with the number of imported items
	// Indexing is called like Progress while a change of options indexes items again.
	Indexing func(done int)
}
