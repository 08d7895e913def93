// Package corpus searches the items of one generation, which are in one SQLite file. Package build
// makes the file; [Open] opens it for any number of readers, and it never changes again. Package
// library decides which file is the current one. Owners are only numbers here.
package corpus

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/cache"
	"stile.example/stile/corpus/chosen"
	"stile.example/stile/corpus/dictionary"
	"stile.example/stile/corpus/sqlite"
	"stile.example/stile/corpus/turns"
)

// File is one generation of the corpus, open for reading. It is safe for concurrent use.
type File struct {
	name string
	opt  Options
	db   *sql.DB        // for searches
	rows *sql.DB        // for single items, so that long searches do not delay them
	sums map[uint32]int // how many items each owner has
	old  bool           // the format is an older one

	dictionary *dictionary.Dictionary

	wholes  cache.Results[string, whole]
	pages   cache.Results[string, cachedPage]
	titles  cache.Results[string, []content.Suggestion]
	late    cache.Results[string, time.Time] // by identity: until when a late query is paused
	windows cache.Results[string, window]
	labels  *chosen.Labels

	flights turns.Flights[content.Page]
}

// Options is what an open file needs besides its name.
type Options struct {
	Now    func() time.Time // required
	Lanes  *turns.Lanes     // required; the same for all files of one server
	Limits Limits           // the zero value means [DefaultLimits]
}

// Limits limits how long a query may take.
type Limits struct {
	Whole  time.Duration // for a search, suggestions or related items
	Total  time.Duration // for counting the matches that were not ranked; part of Whole
	Facets time.Duration // for counting facets; part of Whole
	Turn   time.Duration // for waiting in the queue, before Whole begins
}

// DefaultLimits returns the limits that a server uses.
func DefaultLimits() Limits {
	return Limits{
		Whole:  200 * time.Millisecond,
		Total:  50 * time.Millisecond,
		Facets: 100 * time.Millisecond,
		Turn:   2 * time.Second,
	}
}

// Open opens a file that package build has completed. Nobody may change it any more.
func Open(ctx context.Context, name string, opt Options) (*File, error) {
	if _, err := os.Stat(name); err != nil {
		return nil, err
	}
	if opt.Limits == (Limits{}) {
		opt.Limits = DefaultLimits()
	}
	c := &File{
		name: name, opt: opt,
		db:   sqlite.OpenReaders(name, max(4, 2*runtime.GOMAXPROCS(0))),
		rows: sqlite.OpenReaders(name, max(2, runtime.GOMAXPROCS(0))),
		sums: map[uint32]int{}, labels: chosen.NewLabels(),
	}
	c.wholes.Init(32 << 20)
	c.pages.Init(32 << 20)
	c.titles.Init(8 << 20)
	c.late.Init(2 << 20)
	c.windows.Init(16 << 20)
	err := errors.Join(c.checkFormat(ctx), c.countItems(ctx))
	if err == nil && !c.old {
		c.dictionary, err = dictionary.Read(ctx, c.db)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close closes the file. No query may run.
func (c *File) Close() error { return errors.Join(c.db.Close(), c.rows.Close()) }

// Name returns the name that the file was opened by.
func (c *File) Name() string { return c.name }

// Items returns how many items an owner has.
func (c *File) Items(owner uint32) int { return c.sums[owner] }

// Stats returns how large the corpus is. The generation is not in it.
func (c *File) Stats() (s content.Stats, err error) {
	for _, n := range c.sums {
		s.Items += n
	}
	info, err := os.Stat(c.name)
	if err != nil {
		return s, fmt.Errorf("corpus size: %w", err)
	}
	s.Bytes = info.Size()
	return s, nil
}

func (c *File) checkFormat(ctx context.Context) error {
	var format int
	err := c.db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&format)
	if err == nil && (format < sqlite.OldestFormat || format > sqlite.Format) {
		return fmt.Errorf("%s has format %d, but this program reads formats %d to %d", c.name, format, sqlite.OldestFormat, sqlite.Format)
	}
	c.old = format < sqlite.Format
	return err
}

// ErrOld means that a file has an older format, and must be rebuilt before it is searched.
var ErrOld = errors.New("the corpus was written by an older version: it is rebuilt when the server starts")

// IsOld reports whether the file has an older format. Its items can be read, and nothing else.
func (c *File) IsOld() bool { return c.old }

func (c *File) countItems(ctx context.Context) error {
	return sqlite.Query(ctx, c.db, func(scan sqlite.Scanner) error {
		var owner uint32
		var n int
		err := scan(&owner, &n)
		c.sums[owner] = n
		return err
	}, `SELECT owner, count(*) FROM items GROUP BY owner`)
}

// owners returns those whose items a tenant sees, if they have any.
func (c *File) owners(tenant uint32) []uint32 {
	var owners []uint32
	if c.sums[0] > 0 {
		owners = append(owners, 0)
	}
	if tenant != 0 && c.sums[tenant] > 0 {
		owners = append(owners, tenant)
	}
	return owners
}

// visible returns how many items the owners have.
func (c *File) visible(owners []uint32) (n int) {
	for _, owner := range owners {
		n += c.sums[owner]
	}
	return n
}
