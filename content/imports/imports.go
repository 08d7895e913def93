// Package imports defines the options and the result of an import of items. Package content reads
// the items, and package corpus/library imports them.
package imports

import (
	"context"
	"iter"

	"stile.example/stile/content"
	"stile.example/stile/content/options"
)

// Corpus stores items. [content.Read] returns the items to import.
type Corpus interface {
	// Import adds items to the corpus, all or none: it undoes everything and returns the first
	// error that items yields, except those that [Result.Omit] records. Every item must have passed
	// [content.Check].
	Import(ctx context.Context, o Options, items iter.Seq2[content.Item, error]) (Result, error)
}

// Options says who owns the items of an import, whether others are removed, and what is
// chosen for all items of the owner.
type Options struct {
	Tenant uint32 // owner; 0 for the corpus that all tenants share
	// Prune removes the owner's items that are missing from the collections in the import.
	Prune bool
	// Confirmed is how many items Prune may remove if that is [Removal.IsLarge].
	Confirmed int
	// Collection is the collection of the items that name none. Those must not move to it from
	// another collection: sources that use the same ids would take each other's items.
	Collection string
	// SkipInvalid omits an item whose id belongs to another owner, or to an item of a collection
	// from which it must not move, instead of failing.
	SkipInvalid bool
	// Source names the source and the process that reads it, for the message to other imports.
	Source string
	// Options changes what was chosen at earlier imports. It stays until it is changed again.
	Options  options.Change
	Progress func(done int) // if set, called occasionally with the number of imported items
	// Indexing is called like Progress while a change of options indexes items again.
	Indexing func(done int)
}

// Result is the result of an import.
type Result struct {
	Added     int `json:"added"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Removed   int `json:"removed"`
	// IndexedAgain is how many existing items a change of options changed.
	IndexedAgain int            `json:"indexed_again,omitempty"`
	Collections  map[string]int `json:"collections"` // items of those that the import touched

	LeftOut Omissions `json:"left_out,omitzero"` // items not to be published: [content.LeftOut]
	Skipped Omissions `json:"skipped,omitzero"`  // invalid items: [Options.SkipInvalid]
	// NotPruned says that nothing was removed although [Options.Prune] was set, because items
	// were skipped: older versions of them may be among those that are missing.
	NotPruned bool `json:"not_pruned,omitempty"`
	// Unconfirmed is what Prune would remove. It is set if that needs [Options.Confirmed].
	Unconfirmed *Removal `json:"unconfirmed,omitempty"`
	DryRun      bool     `json:"dry_run,omitempty"` // nothing was changed
}

// Undone reports whether nothing was imported because that needs a confirmation.
func (r Result) Undone() bool { return r.Unconfirmed != nil && !r.DryRun }

// Removal is how many items are to be removed, of those in the collections of the import.
type Removal struct {
	Items int `json:"items"`
	Of    int `json:"of"`
	// Emptied says that a collection would lose all items that it has.
	Emptied bool `json:"emptied,omitempty"`
}

// IsLarge reports whether so many items are to be removed that it is probably a mistake: at least
// 10, and more than half of the items or all of a collection.
func (r Removal) IsLarge() bool { return r.Items >= 10 && (r.Emptied || 2*r.Items > r.Of) }
