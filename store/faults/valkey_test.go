package faults

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stile.example/stile/stiletest/engines"
)

var durable = []string{"appendonly yes", "appendfsync always"}

// through returns the URL of a database, through a proxy.
func through(t *testing.T, text string) (string, *proxy) {
	t.Helper()
	u := parse(t, text)
	p := newProxy(t, u.Host)
	u.Host = p.Listen
	return u.String(), p
}

// threeNodes opens three nodes, whose states are in a Valkey.
func threeNodes(t *testing.T, addr, database string) (nodes []*node) {
	for range 3 {
		state := newProxy(t, addr)
		url, storage := through(t, database)
		nodes = append(nodes, openNode(t, url, state, storage, 0, openValkey(t, "valkey://"+state.Listen)))
	}
	return nodes
}

// all lets something happen to all nodes.
func all(nodes []*node, begin func(*node) (restore func())) func() func() {
	return func() func() {
		var restore []func()
		for _, n := range nodes {
			restore = append(restore, begin(n))
		}
		return func() {
			var wg sync.WaitGroup
			for _, fn := range restore {
				wg.Go(fn)
			}
			wg.Wait()
		}
	}
}

// network lists what networks do.
var network = []struct {
	name   string
	lasts  time.Duration
	begins func(*proxy) func()
}{
	{"connections refused", 1500 * time.Millisecond, (*proxy).cut},
	{"2 s late", 3 * time.Second, func(p *proxy) func() { return p.spoil("latency", `"latency": 1000`) }},
	{"everything is lost", 3 * time.Second, func(p *proxy) func() { return p.spoil("timeout", `"timeout": 0`) }},
	{"connections reset", time.Second, func(p *proxy) func() { return p.spoil("reset_peer", `"timeout": 30`) }},
	{"2 KB/s", 2 * time.Second, func(p *proxy) func() { return p.spoil("bandwidth", `"rate": 2`) }},
}

// TestValkey lets a Valkey and the networks to it fail, and then PostgreSQL.
func TestValkey(t *testing.T) {
	t.Parallel()
	server := engines.Valkey(t, durable...)
	nodes := threeNodes(t, server.Addr, engines.Postgres(t))
	l := startLoad(t, nodes)
	time.Sleep(300 * time.Millisecond)
	for _, f := range network {
		l.fault("valkey: "+f.name, f.lasts, all(nodes, func(n *node) func() { return f.begins(n.state) }))
	}
	l.fault("valkey: paused", 5*time.Second, func() func() { server.Pause(); return server.Resume })
	l.fault("valkey: killed", time.Second, func() func() { server.Kill(); return server.Restart })
	l.fault("valkey: a replica", time.Second, func() func() {
		send(t, server.Addr, "REPLICAOF 127.0.0.1 1")
		return func() { send(t, server.Addr, "REPLICAOF NO ONE") }
	})
	l.fault("valkey: full", time.Second, func() func() {
		send(t, server.Addr, "CONFIG SET maxmemory 1")
		return func() { send(t, server.Addr, "CONFIG SET maxmemory 0") }
	})
	l.partition(nodes)
	l.check()
}

// partition cuts one node off. The others are not affected.
func (l *load) partition(nodes []*node) {
	alone := nodes[0]
	l.fault("valkey: one node cut off", 2*time.Second, func() func() {
		restore := alone.state.cut()
		time.Sleep(100 * time.Millisecond)
		for i, n := range nodes[1:] {
			if l.call(n, l.newToken(n)); n.failing.Load() > 0 {
				l.t.Errorf("node %d is affected", i+1)
			}
		}
		if err := alone.states.Ready(l.t.Context()); err == nil {
			l.t.Error("the node that is cut off is ready")
		}
		return restore
	})
}

// TestFlush: a Valkey loses its memory. Tokens that were used before are refused, and new ones
// work.
func TestFlush(t *testing.T) {
	t.Parallel()
	server := engines.Valkey(t)
	nodes := threeNodes(t, server.Addr, engines.Postgres(t))
	nodes[1].ahead, nodes[2].ahead = 5*time.Second, -5*time.Second
	l := startLoad(t, nodes)
	time.Sleep(300 * time.Millisecond)
	before := append([]*token(nil), l.tokens...)
	l.mayAge.Store(true)
	l.fault("valkey: flushed", 0, func() func() {
		send(t, server.Addr, "FLUSHALL")
		return func() {}
	})
	l.fault("flushed, and no postgresql", time.Second, func() func() {
		restore := all(nodes, func(n *node) func() { return n.storage.cut() })()
		send(t, server.Addr, "FLUSHALL")
		return restore
	})
	l.end()
	for i, old := range before {
		n := nodes[i%3]
		old.limit = 1 << 30
		if was := old.answered.Load(); l.call(n, old) {
			t.Errorf("token of %d calls, issued %s, is answered by node %d; not before %d", was, old.issued, i%3, n.states.NotBefore())
		}
	}
	l.check()
}

// TestPostgresGone: with states in Valkey, no call notices that PostgreSQL is gone. The counts of
// the meantime are transferred afterwards.
func TestPostgresGone(t *testing.T) {
	t.Parallel()
	database := engines.NewPostgres(t, true)
	url := database.Database(t)
	nodes := threeNodes(t, engines.Valkey(t, durable...).Addr, url)
	l := startLoad(t, nodes)
	time.Sleep(300 * time.Millisecond)
	unnoticed := func(name string, lasts time.Duration, begin func() func()) {
		t.Helper()
		l.fault("postgresql: "+name, lasts, begin)
		l.faults.Range(func(text, _ any) bool { t.Errorf("%s: calls failed: %v", name, text); return true })
		l.transferred()
	}
	for _, f := range network {
		unnoticed(f.name, f.lasts, all(nodes, func(n *node) func() { return f.begins(n.storage) }))
	}
	unnoticed("paused", 5*time.Second, func() func() { database.Pause(); return database.Resume })
	unnoticed("killed", 2*time.Second, func() func() { database.Kill(); return database.Restart })
	unnoticed("read-only", 2*time.Second, func() func() { return readOnly(t, url) })
	l.check()
}

// transferred waits until the ledger has what was answered until now.
func (l *load) transferred() {
	l.t.Helper()
	l.mu.Lock()
	var total int64
	for _, t := range l.tokens {
		total += t.answered.Load()
	}
	l.mu.Unlock()
	began := time.Now()
	for {
		var sum int64
		err := l.nodes[0].db.Reader().QueryRowContext(l.t.Context(), `SELECT CAST(coalesce(sum(calls), 0) AS bigint) FROM ledger`).Scan(&sum)
		if err == nil && sum >= total {
			l.t.Logf("                             transferred after %s", time.Since(began).Round(10*time.Millisecond))
			return
		}
		if time.Since(began) > 2*heals {
			l.t.Errorf("%d of %d calls are in the ledger after %s: %v", sum, total, 2*heals, err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// send sends an inline command to a Valkey, which must succeed, and returns its reply.
func send(t *testing.T, addr, command string) string {
	t.Helper()
	reply, err := engines.Command(addr, command)
	if err != nil || strings.HasPrefix(reply, "-") {
		t.Fatalf("%s: %s, %v", command, reply, err)
	}
	return reply
}

// readOnly makes a database refuse to write, as a replica would.
func readOnly(t *testing.T, database string) (restore func()) {
	t.Helper()
	set := func(to string) {
		execute(t, database, `ALTER DATABASE `+strings.TrimPrefix(parse(t, database).Path, "/")+` SET default_transaction_read_only = `+to)
		execute(t, database, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	}
	set("on")
	return func() { set("off") }
}

// execute executes a statement in a session that can write.
func execute(t *testing.T, database, statement string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams["default_transaction_read_only"] = "off"
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	if err == nil {
		_, err = c.Exec(t.Context(), statement)
		c.Close(t.Context())
	}
	if err != nil {
		t.Errorf("%s: %v", statement, err)
	}
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestEverySecond: with appendfsync everysec, what a Valkey has in its file is not lost if only its
// process ends: the node meets no value that is older than the one it knows. While the disk is
// late, a Valkey replies before it writes. A kill may lose that, and the node writes it back.
func TestEverySecond(t *testing.T) {
	t.Parallel()
	server := engines.Valkey(t, "appendonly yes", "appendfsync everysec")
	state := newProxy(t, server.Addr)
	url, storage := through(t, engines.Postgres(t))
	n := openNode(t, url, state, storage, 0, openValkey(t, "valkey://"+state.Listen))
	l := startLoad(t, []*node{n})
	time.Sleep(500 * time.Millisecond)
	for range 2 {
		l.fault("valkey: everysec, killed", 300*time.Millisecond, func() func() { server.Kill(); return server.Restart })
	}
	l.end()
	useAll := func() {
		for _, used := range l.tokens {
			l.call(n, used)
		}
	}
	useAll()
	restored := n.states.Restored()
	server.AwaitReply("INFO persistence", "aof_buffer_length:0")
	server.Kill()
	server.Restart()
	l.healed()
	useAll()
	l.check()
	if lost := n.states.Restored() - restored; lost > 0 {
		t.Errorf("%d values were older than what was known", lost)
	}
}
