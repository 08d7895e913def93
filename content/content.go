// Package content is the publisher's corpus: what an item is, how items are
// read from files and feeds, and what can be asked of them.
//
// Importers turn JSONL, CSV, Markdown folders and feeds into checked and
// sanitised items, and name the file and line of what is wrong. Where items
// are kept and how they are found belongs to store.
package content

import (
	"errors"
	"time"
)

// ErrNotFound says that no item that the tenant may see has the id.
var ErrNotFound = errors.New("no such item")

// ErrQuery says that a question cannot be asked; its text may be shown to
// whoever asked.
type ErrQuery struct{ Field, Problem string }

func (e ErrQuery) Error() string { return e.Field + ": " + e.Problem }

// Item is one piece of the corpus, as imported.
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
	PublishedAt time.Time      // zero where not given
	UpdatedAt   time.Time      // zero where not given
}

// Sort is an order of items.
type Sort uint8

// The orders. ByRelevance is by rank where there are words, else by newest.
const (
	ByRelevance Sort = iota
	ByNewest
	ByTitle
)

// Query is a question for a list of items. Everything in it has been checked
// by [ParseQuery]'s rules: Words are words and never syntax.
type Query struct {
	Tenant     uint32           // sees the shared corpus and its own items
	Words      []string         // at most 8 different ones of at most 64 characters, as typed
	Collection string           // "" for all
	Tags       []string         // an item has all of them
	Attributes []AttributeValue // … and all of these, as they are counted for facets
	Sort       Sort
	Limit      int      // 1 to 50
	Cursor     string   // as Page.Next gave it, or ""
	Facets     []string // "collection", "tag" or an attribute's name
	Highlight  bool
}

// AttributeValue is a value of an attribute, as text.
type AttributeValue struct{ Name, Value string }

// Page is the answer to a Query. The items are encoded JSON objects that are
// safe inside a script: `<`, U+2028 and U+2029 are escaped.
type Page struct {
	Items      [][]byte
	Total      int
	Next       string // cursor of the next page, "" on the last
	Facets     map[string][]FacetValue
	Incomplete []string // "total": there are at least so many; "facets": some are missing, or count only a part of what matches
}

// FacetValue is one value of a facet and the number of matching items with it.
type FacetValue struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Suggestion completes what is being typed.
type Suggestion struct {
	Text       string `json:"text"`
	ID         string `json:"id"`
	Collection string `json:"collection"`
}

// CollectionCount is a collection and how many items of it a tenant sees.
type CollectionCount struct {
	Collection string `json:"collection"`
	Items      int    `json:"items"`
}

// Result is what an import did.
type Result struct {
	Added       int            `json:"added"`
	Updated     int            `json:"updated"`
	Unchanged   int            `json:"unchanged"`
	Removed     int            `json:"removed"`
	Collections map[string]int `json:"collections"` // items in each collection that the import touched
}

// Filter says which items to list or export.
type Filter struct {
	Tenant     uint32 // whose items; 0 for the corpus that all tenants share
	Collection string // "" for all
}

// Stats is how large the corpus is.
type Stats struct {
	Items      int   `json:"items"`      // of all owners
	Bytes      int64 `json:"bytes"`      // on the disk
	Generation int64 `json:"generation"` // one more after each import that changed something
}
