// Package content defines the items of the publisher's corpus, how they are read from files and
// feeds, and how they can be queried.
//
// Importers convert JSONL, CSV, Markdown folders and feeds to checked and sanitised items, and name
// the file and line of each error. The store decides where items are stored and how they are found.
package content

import (
	"errors"
	"time"
)

// ErrNotFound says that there is no item with that id that the tenant may see.
var ErrNotFound = errors.New("no such item")

// ErrQuery says that a query is invalid. Its text may be shown to the caller.
type ErrQuery struct{ Field, Problem string }

func (e ErrQuery) Error() string { return e.Field + ": " + e.Problem }

// Item is one item of the corpus, as imported.
type Item struct {
	ID          string         // 1 to 128 of A-Z a-z 0-9 . _ -
	Collection  string         // may be empty
	Title       string         // never empty
	Summary     string         // plain text
	Body        string         // sanitised HTML
	Image       string         // http(s) URL, or empty
	URL         string         // http(s) URL, or empty
	Tags        []string       // no duplicates
	Attributes  map[string]any // JSON values
	PublishedAt time.Time      // zero if not given
	UpdatedAt   time.Time      // zero if not given
}

// Sort is an order of items.
type Sort uint8

// The orders. ByRelevance is by rank if there are words, else by newest.
const (
	ByRelevance Sort = iota
	ByNewest
	ByTitle
)

// Query is a query for a list of items. Its values must have passed the rules of [ParseQuery].
// Words are never syntax.
type Query struct {
	Tenant     uint32           // it sees the shared corpus and its own items
	Words      []string         // different ones of at most 64 characters, as typed; 8 count
	Signs      []string         // at most 8, from [Signs]; they must match if there are no words
	Collection string           // "" for all
	Tags       []string         // an item must have all of them
	Attributes []AttributeValue // and all of these, in the form of facet values
	Ranges     []Range          // and a number or date in each of these
	Sort       Sort
	Limit      int      // 1 to 50
	Cursor     string   // Next of the page before, or ""
	Facets     []string // "collection", "tag" or an attribute's name
	Ends       []string // names of ranges
	Highlight  bool
	Exact      bool // words are not corrected
}

// AttributeValue is a value of an attribute, as text.
type AttributeValue struct{ Name, Value string }

// Page is the result of a Query. The items are encoded JSON objects that are safe inside a script:
// `<`, U+2028 and U+2029 are escaped.
type Page struct {
	Items  [][]byte
	Total  int
	Next   string // cursor of the next page, "" on the last
	Facets map[string][]FacetValue
	Ends   map[string]Ends // of everything that the tenant sees
	// Incomplete contains "total" if there may be more items than Total, and "facets" if facets are
	// missing or count only some of the matching items.
	Incomplete []string

	Corrected [][2]string // words that were corrected: as typed, and as the corpus writes them
	Ignored   []string    // words that were not searched for, as typed: there were more than 8
	// Relaxed says that items follow that have only some of the words. Full of the Total items have
	// all of them, and come first.
	Relaxed bool
	Full    int
}

// FacetValue is one value of a facet and the number of matching items with it.
type FacetValue struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Suggestion completes a text that is being typed.
type Suggestion struct {
	Text       string `json:"text"`
	ID         string `json:"id"`
	Collection string `json:"collection"`
}

// CollectionCount is a collection, and the number of its items that a tenant sees.
type CollectionCount struct {
	Collection string `json:"collection"`
	Items      int    `json:"items"`
}

// Filter says which items to list or export.
type Filter struct {
	Tenant     uint32 // the owner of the items; 0 for the corpus that all tenants share
	Collection string // "" for all
}

// Stats is the size of the corpus.
type Stats struct {
	Items      int   `json:"items"`      // of all owners
	Bytes      int64 `json:"bytes"`      // on disk
	Generation int64 `json:"generation"` // increased by each import that changes something
}
