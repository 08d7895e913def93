package engines

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// password of the account stile on every server.
const password = "elderflower"

// PostgresServer is a server of PostgreSQL.
type PostgresServer struct{ *Engine }

var shared struct {
	sync.Mutex
	server *PostgresServer
	err    error
}

// databases counts the databases that were made, for their names.
var databases atomic.Int64

// Postgres returns the URL of a new, empty database. All tests of the process share the server, and
// none may stop it. A crash of the machine would lose its data: it does not wait for the disk.
func Postgres(t testing.TB) string {
	t.Helper()
	shared.Lock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = newPostgres(nil, false, nil)
	}
	s, err := shared.server, shared.err
	shared.Unlock()
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	return s.Database(t)
}

// NewPostgres starts a server for one test, which may stop it. durable makes it wait for the disk
// at each commit. Settings are as in postgresql.conf: "max_connections = 20".
func NewPostgres(t testing.TB, durable bool, settings ...string) *PostgresServer {
	t.Helper()
	s, err := newPostgres(t, durable, settings)
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	return s
}

func newPostgres(t testing.TB, durable bool, settings []string) (*PostgresServer, error) {
	e, bin, err := postgresEngine(t)
	if err != nil {
		return nil, err
	}
	if err := initialise(e, bin, durable, settings); err != nil {
		return nil, err
	}
	return &PostgresServer{e}, e.launch()
}

// postgresEngine returns a server without files, and where its programs are.
func postgresEngine(t testing.TB) (e *Engine, bin string, err error) {
	if bin, err = postgresBin(); err != nil {
		return nil, "", err
	}
	if e, err = newEngine(t, "postgres"); err != nil {
		return nil, "", err
	}
	if err := e.unprivileged(); err != nil {
		return nil, "", err
	}
	e.stop = syscall.SIGINT // disconnects the clients
	e.argv = func(e *Engine) []string {
		return []string{filepath.Join(bin, "postgres"), "-D", filepath.Join(e.dir, "data"), "-p", fmt.Sprint(e.Port)}
	}
	e.ready = func(e *Engine) error { return connects((&PostgresServer{e}).URL("postgres")) }
	return e, bin, nil
}

// Standby starts a standby of the server, which streams what it commits, and makes the server wait
// for it with each commit. Until [PostgresServer.Promote], it can only be read.
func (s *PostgresServer) Standby(t testing.TB) *PostgresServer {
	t.Helper()
	e, bin, err := postgresEngine(t)
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	cmd := exec.Command(filepath.Join(bin, "pg_basebackup"), "-D", filepath.Join(e.dir, "data"), "-d", s.URL("postgres"), "-R", "-X", "stream", "-c", "fast")
	cmd.Dir = e.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: e.account}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("engines: pg_basebackup: %v\n%s", err, out)
	}
	if err := e.launch(); err != nil {
		t.Fatalf("engines: %v", err)
	}
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if err := s.execute(statement); err != nil {
			t.Fatalf("engines: %v", err)
		}
	}
	return &PostgresServer{e}
}

// Promote makes a standby a server of its own, and waits until it is.
func (s *PostgresServer) Promote() {
	for _, statement := range []string{"ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()", "SELECT pg_promote()"} {
		if err := s.execute(statement); err != nil {
			s.fail("%s: %v", statement, err)
		}
	}
}

func postgresBin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // Debian
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	p, err := program("postgres")
	return filepath.Dir(p), err
}

// initialise makes the files of a server. Its databases compare texts as English does, not byte by
// byte, so that a query that depends on it fails its test.
func initialise(e *Engine, bin string, durable bool, settings []string) error {
	secret, err := e.write("password", password)
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(e.dir, "data"), "-U", "stile", "--pwfile", secret,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en", "--no-sync", "--no-instructions")
	cmd.Dir = e.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: e.account}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	conf := []string{"listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", "max_connections = 200",
		"shared_buffers = 64MB", "log_min_messages = warning"}
	if !durable {
		conf = append(conf, "fsync = off", "full_page_writes = off")
	}
	_, err = e.write("data/postgresql.auto.conf", strings.Join(append(conf, settings...), "\n")+"\n")
	return err
}

// URL returns the URL of a database of the server.
func (s *PostgresServer) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("stile", password), Host: s.Addr, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Database makes a new, empty database, and returns its URL. It is removed at the end of the test.
func (s *PostgresServer) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("stile%d", databases.Add(1))
	if err := s.execute("CREATE DATABASE " + name); err != nil {
		t.Fatalf("engines: make a database: %v", err)
	}
	t.Cleanup(func() {
		select {
		case <-s.exited:
		default:
			if err := s.execute("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
				t.Errorf("engines: remove a database: %v", err)
			}
		}
	})
	return s.URL(name)
}

// execute executes a statement outside of every test's database.
func (s *PostgresServer) execute(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func connects(dsn string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.Ping(ctx)
}

// Bouncer is PgBouncer in front of a server.
type Bouncer struct {
	*Engine
	URL string // of the database behind it
}

// PgBouncer starts PgBouncer in transaction mode in front of the database of a URL. It has two
// connections to the server unless the settings, as in pgbouncer.ini, say otherwise, so that
// transactions of a client meet all of them.
func PgBouncer(t testing.TB, dsn string, settings ...string) *Bouncer {
	t.Helper()
	b, err := newBouncer(t, dsn, settings)
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	return b
}

// Of returns the URL through PgBouncer of another database of the same server.
func (b *Bouncer) Of(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		b.fail("%v", err)
	}
	u.Host = b.Addr
	return u.String()
}

func newBouncer(t testing.TB, dsn string, settings []string) (*Bouncer, error) {
	bin, err := program("pgbouncer", "/usr/sbin")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	e, err := newEngine(t, "pgbouncer")
	if err != nil {
		return nil, err
	}
	if err := e.unprivileged(); err != nil {
		return nil, err
	}
	users, err := e.write("users", fmt.Sprintf("\"stile\" %q\n", password))
	if err != nil {
		return nil, err
	}
	e.argv = func(e *Engine) []string {
		ini := []string{"[databases]", fmt.Sprintf("* = host=%s port=%s", u.Hostname(), u.Port()),
			"[pgbouncer]", "listen_addr = 127.0.0.1", fmt.Sprintf("listen_port = %d", e.Port), "unix_socket_dir =",
			"auth_type = scram-sha-256", "auth_file = " + users, "pool_mode = transaction", "max_client_conn = 200", "default_pool_size = 2"}
		file, err := e.write("pgbouncer.ini", strings.Join(append(ini, settings...), "\n")+"\n")
		if err != nil {
			e.fail("%v", err)
		}
		return []string{bin, file}
	}
	b := &Bouncer{Engine: e}
	e.ready = func(e *Engine) error {
		b.URL = b.Of(dsn)
		return connects(b.URL)
	}
	return b, e.launch()
}
