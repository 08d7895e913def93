// Package sqlite opens corpus files, and says which formats they have and how they number items.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"strconv"

	"github.com/mattn/go-sqlite3"
)

// Format is written into each file. Raise it with every change of build/corpus.sql or of how words
// are folded. A file of an older format, from OldestFormat on, can be read but not searched: it
// must be rebuilt.
const (
	Format       = 2
	OldestFormat = 1
)

// CollectionKey is the SQL of what an item's collection is compared by. Files of an older format
// have OldCollectionKey. The index items_by_collection has the same expression.
const (
	CollectionKey    = "ifnull(collection_key, collection)"
	OldCollectionKey = "collection"
)

// OpenReaders opens a file that never changes, so SQLite needs no locks and does not check for
// changes. SQLite maps the file into memory and leaves its caching to the kernel.
func OpenReaders(name string, n int) *sql.DB {
	return open(name, n, url.Values{
		"mode": {"ro"}, "immutable": {"1"}, "_query_only": {"on"},
		"_cache_size": {"-2000"}, "_stmt_cache_size": {"64"},
	}, `PRAGMA mmap_size = 1099511627776; PRAGMA temp_store = MEMORY`)
}

// OpenWriter opens a file that nobody reads yet. After a crash it is thrown away, so nothing in it
// needs to be durable before it is complete.
func OpenWriter(name string) *sql.DB {
	return open(name, 1, url.Values{
		"mode": {"rwc"}, "_cache_size": {"-65536"}, "_stmt_cache_size": {"64"},
	}, `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE`)
}

func open(name string, conns int, settings url.Values, pragmas string) *sql.DB {
	path := url.URL{Path: name}
	db := sql.OpenDB(connector{"file:" + path.EscapedPath() + "?" + settings.Encode(), pragmas})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// connector opens connections to a DSN and sets pragmas that a DSN cannot contain.
type connector struct{ dsn, pragmas string }

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.Driver().Open(c.dsn) }

func (c connector) Driver() driver.Driver {
	return &sqlite3.SQLiteDriver{ConnectHook: func(conn *sqlite3.SQLiteConn) error {
		_, err := conn.Exec(c.pragmas, nil)
		return err
	}}
}

// Scanner copies the columns of a row into variables, as [sql.Rows.Scan] does.
type Scanner func(...any) error

// Query calls fn for each row of the result.
func Query(ctx context.Context, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, fn func(Scanner) error, text string, args ...any) error {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// List returns numbers as a JSON list.
func List[N int64 | uint32](numbers []N) string {
	b := []byte{'['}
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(append(b, ']'))
}

// The number of an item contains its owner: each owner has a range of numbers.
const ownerShift = 40

// First returns the lowest number of an owner's items.
func First(owner uint32) int64 { return int64(owner) << ownerShift }

// Last returns the highest number of an owner's items.
func Last(owner uint32) int64 { return First(owner+1) - 1 }

// OwnerOf returns the owner of an item with a number.
func OwnerOf(item int64) uint32 { return uint32(item >> ownerShift) }
