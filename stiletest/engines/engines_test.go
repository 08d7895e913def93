package engines

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// query returns the result of a query of one text.
func query(t *testing.T, dsn, q string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var text string
	if err := conn.QueryRow(ctx, q).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPostgresHasADatabaseForEachTest(t *testing.T) {
	t.Parallel()
	a, b := Postgres(t), Postgres(t)
	if a == b {
		t.Fatalf("both are %s", a)
	}
	if got := query(t, a, `SELECT string_agg(v, '' ORDER BY v) FROM (VALUES ('B'), ('a')) AS x (v)`); got != "aB" {
		t.Errorf("texts are in the order %s, as if they were bytes", got)
	}
	if got := query(t, PgBouncer(t, b).URL, `SELECT current_database()::text`); !strings.HasSuffix(b, "/"+got+"?sslmode=disable") {
		t.Errorf("PgBouncer leads to %s, not to %s", got, b)
	}
}

func TestPostgresSurvivesItsEnd(t *testing.T) {
	t.Parallel()
	s := NewPostgres(t, true)
	dsn := s.Database(t)
	query(t, dsn, `WITH x AS (SELECT 1) SELECT 'connects'`)
	s.Kill()
	s.Restart()
	query(t, dsn, `SELECT 'again'`)
	s.Pause()
	if connects(dsn) == nil {
		t.Error("it serves while it is paused")
	}
	s.Resume()
	query(t, dsn, `SELECT 'again'`)
	s.Stop()
	if connects(dsn) == nil {
		t.Error("it serves after Stop")
	}
}

func TestKeyValueServers(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]*Engine{
		"redis_version:7": Redis(t, "appendonly yes"), "valkey_version:9": Valkey(t, "appendonly yes"),
	} {
		e.AwaitReply("INFO server", name)
		if reply, err := Command(e.Addr, "SET a b"); reply != "+OK" {
			t.Fatal(name, reply, err)
		}
		e.AwaitReply("INFO persistence", "aof_buffer_length:0") // it may reply before it writes
		e.Kill()
		e.Restart()
		if got, err := Command(e.Addr, "GET a"); got != "b" {
			t.Errorf("%s: %q, %v after a restart", name, got, err)
		}
		e.Pause()
		if reply, err := Command(e.Addr, "PING"); err == nil {
			t.Errorf("%s: a paused server replies %s", name, reply)
		}
		e.Resume()
		if reply, err := Command(e.Addr, "PING"); reply != "+PONG" {
			t.Errorf("%s: %s, %v after Resume", name, reply, err)
		}
	}
}

func TestClusterAndSentinel(t *testing.T) {
	t.Parallel()
	Cluster(t)[2].AwaitReply("CLUSTER INFO", "cluster_size:3")
	s := Sentinel(t)
	s.Master.Kill()
	s.Sentinels[0].AwaitReply("INFO sentinel", "status=ok,address="+s.Replica.Addr)
}

// TestEnginesEndWithTheProcess kills a process that has started an engine.
func TestEnginesEndWithTheProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv("ENGINES_CHILD") != "" {
		e := Redis(t)
		os.Stdout.WriteString(e.Addr + " " + e.Dir() + "\n")
		time.Sleep(time.Hour)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestEnginesEndWithTheProcess$")
	cmd.Env = append(os.Environ(), "ENGINES_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 500)
	n, _ := out.Read(b)
	addr, dir, _ := strings.Cut(strings.TrimSpace(string(b[:n])), " ")
	if _, err := Command(addr, "PING"); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGKILL)
	cmd.Wait()
	for deadline := time.Now().Add(maxWait); ; time.Sleep(poll) {
		_, err := Command(addr, "PING")
		_, gone := os.Stat(dir)
		if err != nil && os.IsNotExist(gone) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s after the process: the engine's error is %v, that of its directory %v", maxWait, err, gone)
		}
	}
}

// TestAwaitReply: a server that closes its connections is asked again.
func TestAwaitReply(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer l.Close()
		for _, reply := range []string{"", "+no\r\n", "$9\r\nno", "$-1\r\n", "$9\r\nit is: so\r\n"} {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte(reply))
			if reply == "" {
				c.(*net.TCPConn).SetLinger(0) // the client gets a reset
			}
			c.Close()
		}
	}()
	e := &Engine{Addr: l.Addr().String(), t: t}
	e.AwaitReply("ROLE", ": so")
	if _, err := Command(e.Addr, "ROLE"); err == nil {
		t.Error("no error, and nobody listens")
	}
}
