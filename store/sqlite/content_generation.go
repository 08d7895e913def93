package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"time"

	"github.com/mattn/go-sqlite3"
)

// corpusFormat is written into each generation. Raise it with every change of
// corpus.sql or of how words are folded.
const corpusFormat = 1

//go:embed corpus.sql
var corpusSchema string

// corpus is one generation: its file, open for reading, and what is
// remembered of it.
type corpus struct {
	n     int64
	file  string
	db    *sql.DB // for questions
	rows  *sql.DB // for single items: questions that take long do not hold up their reads
	users int     // guarded by corpora.mu

	items map[uint32]int // items by owner

	wholes  queryCache[string, whole]
	pages   queryCache[string, answer]
	late    queryCache[string, time.Time] // until when a question that timed out is not run again, by its identity
	windows queryCache[string, window]

	flights flights
}

// openGeneration opens a file that nobody will change any more.
func openGeneration(ctx context.Context, file string, n int64) (*corpus, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	c := &corpus{
		n: n, file: file,
		db:      openCorpusReaders(file, max(4, 2*runtime.GOMAXPROCS(0))),
		rows:    openCorpusReaders(file, max(2, runtime.GOMAXPROCS(0))),
		items:   map[uint32]int{},
		wholes:  queryCache[string, whole]{max: 16 << 20},
		pages:   queryCache[string, answer]{max: 16 << 20},
		late:    queryCache[string, time.Time]{max: 1 << 20},
		windows: queryCache[string, window]{max: 8 << 20},
	}
	if err := errors.Join(c.checkFormat(ctx), c.countItems(ctx)); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *corpus) close() error { return errors.Join(c.db.Close(), c.rows.Close()) }

func (c *corpus) checkFormat(ctx context.Context) error {
	var format int
	err := c.db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&format)
	if err == nil && format != corpusFormat {
		return fmt.Errorf("%s has format %d, and this program reads %d", c.file, format, corpusFormat)
	}
	return err
}

func (c *corpus) countItems(ctx context.Context) error {
	return query(ctx, c.db, func(scan scanner) error {
		var owner uint32
		var n int
		err := scan(&owner, &n)
		c.items[owner] = n
		return err
	}, `SELECT owner, count(*) FROM items GROUP BY owner`)
}

func (c *corpus) discard() {
	c.close() // reading only, there is nothing to lose
	os.Remove(c.file)
}

// owners are those whose items a tenant sees, where they have any.
func (c *corpus) owners(tenant uint32) []uint32 {
	var owners []uint32
	if c.items[0] > 0 {
		owners = append(owners, 0)
	}
	if tenant != 0 && c.items[tenant] > 0 {
		owners = append(owners, tenant)
	}
	return owners
}

func (c *corpus) visible(owners []uint32) (n int) {
	for _, owner := range owners {
		n += c.items[owner]
	}
	return n
}

// An item's number holds its owner, who has a range of numbers of his own.
const ownerShift = 40

func first(owner uint32) int64  { return int64(owner) << ownerShift }
func last(owner uint32) int64   { return first(owner+1) - 1 }
func ownerOf(item int64) uint32 { return uint32(item >> ownerShift) }

// openCorpusReaders opens a file that never changes: SQLite then needs no
// locks and never looks whether it did. It is read by mapping it into memory,
// which leaves the caching of it to the kernel.
func openCorpusReaders(file string, n int) *sql.DB {
	return openCorpusFile(file, n, url.Values{
		"mode": {"ro"}, "immutable": {"1"}, "_query_only": {"on"},
		"_cache_size": {"-2000"}, "_stmt_cache_size": {"64"},
	}, `PRAGMA mmap_size = 1099511627776; PRAGMA temp_store = MEMORY`)
}

// openBuilder opens the file of an import. Nothing in it need survive a
// crash: then the file is thrown away.
func openBuilder(file string) *sql.DB {
	return openCorpusFile(file, 1, url.Values{
		"mode": {"rwc"}, "_cache_size": {"-65536"}, "_stmt_cache_size": {"64"},
	}, `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE`)
}

func openCorpusFile(file string, conns int, settings url.Values, pragmas string) *sql.DB {
	path := url.URL{Path: file}
	db := sql.OpenDB(corpusConnector{"file:" + path.EscapedPath() + "?" + settings.Encode(), pragmas})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

type corpusConnector struct{ dsn, pragmas string }

func (c corpusConnector) Connect(context.Context) (driver.Conn, error) { return c.Driver().Open(c.dsn) }

func (c corpusConnector) Driver() driver.Driver {
	return &sqlite3.SQLiteDriver{ConnectHook: func(conn *sqlite3.SQLiteConn) error {
		_, err := conn.Exec(c.pragmas, nil)
		return err
	}}
}

type scanner func(...any) error

// query calls fn for each row.
func query(ctx context.Context, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, fn func(scanner) error, text string, args ...any) error {
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
