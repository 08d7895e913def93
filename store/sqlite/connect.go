package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"runtime"

	"github.com/mattn/go-sqlite3"
)

// openWriter opens the one connection that writes. SQLite has one writer, and waiting for it here
// is better than in busy loops. _txlock=immediate takes the write lock at BEGIN, so that a
// transaction never fails half way with SQLITE_BUSY. No other connection writes to the file, so the
// timeout is only for an operator who opens it with an SQLite shell.
func openWriter(file string, waitForDisk bool) *sql.DB { return open(writerDSN(file, waitForDisk), 1) }

func writerDSN(file string, waitForDisk bool) connector {
	synchronous := "NORMAL" // survives kill -9; a power cut may lose the last moments
	if waitForDisk {
		synchronous = "FULL"
	}
	return dsn(file, url.Values{
		"mode":             {"rwc"},
		"_journal_mode":    {"WAL"},
		"_synchronous":     {synchronous},
		"_busy_timeout":    {"1000"},
		"_foreign_keys":    {"on"},
		"_txlock":          {"immediate"},
		"_cache_size":      {"-32000"}, // KiB
		"_stmt_cache_size": {"32"},
	})
}

// OpenReaders opens a pool of connections to a file as it is: they can't write. They never wait for
// the writer, and it never waits for them.
func OpenReaders(file string) *sql.DB {
	return open(dsn(file, url.Values{
		"mode":             {"ro"},
		"_query_only":      {"on"},
		"_busy_timeout":    {"1000"},
		"_cache_size":      {"-8000"},
		"_stmt_cache_size": {"32"},
	}), max(4, 2*runtime.GOMAXPROCS(0)))
}

// open returns a pool of at most n connections.
func open(c connector, n int) *sql.DB {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db
}

// dsn returns the DSN of a file and its settings. Pragmas are in it, since one that is set by Exec
// reaches only one connection of the pool.
func dsn(file string, settings url.Values) connector {
	path := url.URL{Path: file}
	return connector("file:" + path.EscapedPath() + "?" + settings.Encode())
}

// connector opens connections to a DSN that leave checkpoints to the checkpointer. By default,
// SQLite makes a checkpoint in the commit that writes the 1,000th page.
type connector string

func (c connector) Connect(context.Context) (driver.Conn, error) {
	return c.Driver().Open(string(c))
}

func (c connector) Driver() driver.Driver {
	return &sqlite3.SQLiteDriver{ConnectHook: leaveCheckpoints}
}

func leaveCheckpoints(c *sqlite3.SQLiteConn) error {
	_, err := c.Exec(`PRAGMA wal_autocheckpoint = 0`, nil)
	return err
}
