// Package postgres stores in a PostgreSQL database what several nodes share: everything that must
// be durable, except the states that change with every call, and the corpus. See package states for
// those, and [stile.example/stile/store/sqlite] for one machine without PostgreSQL.
//
// The tables are those of the packages below store/tables, in the SQL that both engines have in
// common. A transaction of [DB.Write] sees no other one of any node, as on SQLite: it holds a lock
// that all nodes share. No call waits for it.
//
// Everything works through PgBouncer in transaction mode: nothing is kept in a session.
package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"stile.example/stile/store/breaker"
	"stile.example/stile/store/postgres/migration"
	"stile.example/stile/store/tables/addresslist"
	"stile.example/stile/store/tables/installation"
	"stile.example/stile/store/tables/tenanttable"
)

// Options is what a database needs in addition to its URL.
type Options struct {
	Log *slog.Logger     // required
	Now func() time.Time // required

	// Connections is how many connections to the server are open at most; 0 means 12. A quarter
	// each is for transactions that write, and for transfers of states; the rest reads.
	Connections int
	// Statement is how long one statement may take; 0 means 30 s.
	Statement time.Duration
	// Wait is how long a transaction waits for others; 0 means 5 s.
	Wait time.Duration

	// Created is run in the transaction that makes the first tables of a new database; nil: nothing
	// is.
	Created func(ctx context.Context, tx *sql.Tx) error
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	tenantTable
	installationTable
	addressTable

	write    *sql.DB // its transactions hold the lock of the installation
	transfer *sql.DB // its transactions do not
	read     *sql.DB // can only read
	single   *sql.DB // for single statements that must not wait for others: see Single

	opt     Options
	breaker *breaker.Breaker
	close   func() error
}

type (
	tenantTable       = tenanttable.Table
	installationTable = installation.Table
	addressTable      = addresslist.Table
)

const (
	connectTimeout   = 5 * time.Second
	statementTimeout = 30 * time.Second // of one statement
	idleTimeout      = 10 * time.Second // of a transaction of a node that does nothing any more
	migrationTimeout = 10 * time.Minute
	oldestVersion    = 150000 // of the server: 15.0

	// The locks of pg_advisory_xact_lock: any number, and which of the locks.
	writeLock  = "1937009509, 1" // held by each transaction of Write
	ledgerLock = "1937009509, 2" // held by each transaction that changes the ledger
)

// Open connects to the database of a URL, and updates an old schema. Several processes may open it.
func Open(ctx context.Context, url string, opt Options) (_ *DB, err error) {
	cfg, err := Config(url)
	if err != nil {
		return nil, err
	}
	db := openPools(cfg, opt)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", Place(cfg), err), db.Close())
		}
	}()
	if err := db.checkVersion(ctx); err != nil {
		return nil, err
	}
	return db, db.migrate(ctx, cfg)
}

// openPools returns a database that is not connected yet.
func openPools(cfg *pgx.ConnConfig, opt Options) *DB {
	opt.Connections = max(4, cmp.Or(opt.Connections, 12))
	opt.Wait, opt.Statement = cmp.Or(opt.Wait, 5*time.Second), cmp.Or(opt.Statement, statementTimeout)
	db := &DB{opt: opt, breaker: breaker.New(breaker.Options{Name: "store", Log: opt.Log, Trip: tripAfter})}
	quarter := opt.Connections / 4
	db.write = openPool(db.newConnector(cfg, beginWriting(opt.Wait, opt.Statement), false), quarter)
	db.transfer = openPool(db.newConnector(cfg, begin(opt.Wait, opt.Statement), false), quarter)
	db.read = openPool(db.newConnector(cfg, beginReading, true), opt.Connections-2*quarter)
	db.single = openPool(db.newConnector(cfg, begin(opt.Wait, opt.Statement), false), singleConnections)
	db.tenantTable = tenanttable.Table{DB: db}
	db.installationTable = installation.Table{DB: db}
	db.addressTable = addresslist.Table{DB: db}
	db.close = sync.OnceValue(db.closeAll)
	return db
}

// Config reads the URL of a database. The environment completes it, with PGPASSWORD for example, as
// with all programs that use PostgreSQL. The error does not contain the URL, which
// may have a password.
func Config(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(url)
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("a file that the URL of the database names, such as with sslrootcert, can't be read: %w", file)
	}
	if err != nil && strings.Contains(err.Error(), "sslmode is invalid") {
		return nil, errors.New("the URL of the database is invalid: sslmode must be disable, allow, prefer, require, verify-ca or verify-full")
	}
	if err != nil {
		return nil, errors.New("the URL of the database is invalid: it must be like postgres://account:password@host:5432/database?sslmode=verify-full")
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "stile"
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	return cfg, nil
}

// IsVerified reports whether nobody between this machine and the server can read or change what
// they send each other: the connection is encrypted and the server's certificate is checked, or the
// server is this machine.
func IsVerified(cfg *pgx.ConnConfig) bool {
	if !isVerified(cfg.Host, cfg.TLSConfig) {
		return false
	}
	for _, other := range cfg.Fallbacks {
		if !isVerified(other.Host, other.TLSConfig) {
			return false
		}
	}
	return true
}

func isVerified(host string, c *tls.Config) bool {
	ip, err := netip.ParseAddr(host)
	if host == "localhost" || strings.HasPrefix(host, "/") || err == nil && ip.IsLoopback() {
		return true
	}
	return c != nil && (!c.InsecureSkipVerify || c.VerifyPeerCertificate != nil || c.VerifyConnection != nil)
}

// Place says where a database is, without account and password.
func Place(cfg *pgx.ConnConfig) string {
	return fmt.Sprintf("%s:%d/%s", cfg.Host, cfg.Port, cfg.Database)
}

func openPool(c connector, connections int) *sql.DB {
	pool := sql.OpenDB(c)
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(time.Hour) // so that connections follow a server that moved
	return pool
}

// beginReading starts a transaction that can only read. A node that dies in it must not keep the
// server from removing old versions of rows, of which there is one for each change of a state.
const beginReading = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 300000`

// begin returns what starts a transaction. Its limits hold on the server too, which does not notice
// at once that a node is gone.
func begin(wait, statement time.Duration) string {
	return fmt.Sprintf(`BEGIN; SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d`,
		wait.Milliseconds(), statement.Milliseconds(), idleTimeout.Milliseconds())
}

// beginWriting returns what starts a transaction that sees no other one of its kind.
func beginWriting(wait, statement time.Duration) string {
	return begin(wait, statement) + `; SELECT pg_advisory_xact_lock(` + writeLock + `)`
}

func (db *DB) checkVersion(ctx context.Context) error {
	var version int
	if err := db.read.QueryRowContext(ctx, `SELECT current_setting('server_version_num')`).Scan(&version); err != nil {
		return err
	}
	return isSupported(version)
}

// isSupported returns an error if a version of the server is too old.
func isSupported(version int) error {
	if version < oldestVersion {
		return fmt.Errorf("PostgreSQL %d is too old: must be 15 or newer. Upgrade the server, or name another one in the URL", version/10000)
	}
	return nil
}

// migrate updates the schema. A step may take longer than other transactions.
func (db *DB) migrate(ctx context.Context, cfg *pgx.ConnConfig) error {
	pool := openPool(newConnector(cfg, beginWriting(migrationTimeout, migrationTimeout), false, 2*migrationTimeout, db.breaker), 1)
	defer pool.Close()
	return migration.Run(ctx, writer{pool}, db.opt.Created)
}

// writer runs transactions of a pool.
type writer struct{ pool *sql.DB }

// Write implements [migrations.Writer].
func (w writer) Write(ctx context.Context, fn func(*sql.Tx) error) error {
	return inTx(ctx, w.pool, fn)
}

// Write runs fn in a transaction that sees no other one of Write, on any node, and commits unless
// fn fails. It must take a few milliseconds: split a larger change.
func (db *DB) Write(ctx context.Context, fn func(*sql.Tx) error) error {
	return inTx(ctx, db.write, fn)
}

// inTx runs fn in a transaction of a pool.
func inTx(ctx context.Context, pool *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Reader returns a pool of connections that can only read, and never wait for a transaction that
// writes. A transaction of it sees the database as it was at one moment.
func (db *DB) Reader() *sql.DB { return db.read }

// singleConnections is how many connections [DB.Single] has, in addition to Options.Connections.
const singleConnections = 2

// Single returns a pool for single statements that must not wait for anything else: by it, a node
// says that it lives.
func (db *DB) Single() *sql.DB { return db.single }

// Close closes the connections.
func (db *DB) Close() error { return db.close() }

func (db *DB) closeAll() error {
	return errors.Join(db.write.Close(), db.transfer.Close(), db.read.Close(), db.single.Close())
}
